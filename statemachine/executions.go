package statemachine

import "encoding/json"

// Execution is one trade of an order. A zero field was not reported.
type Execution struct {
	ID       string  `json:"id,omitempty"`
	Quantity Decimal `json:"quantity,omitempty"`
	Price    Decimal `json:"price,omitempty"`
	Amount   Decimal `json:"amount,omitempty"`
}

// FormatExecutions returns the encoding of executions in the detail Executions; "" if there are
// none.
func FormatExecutions(all []Execution) string {
	if len(all) == 0 {
		return ""
	}
	b := append(make([]byte, 0, 256), '[')
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = appendMember(b, "id", all[i].ID)
		b = appendMember(b, "quantity", string(all[i].Quantity))
		b = appendMember(b, "price", string(all[i].Price))
		b = appendMember(b, "amount", string(all[i].Amount))
		b = append(b, '}')
	}
	return string(append(b, ']'))
}

// appendMember appends a member as encoding/json does, in a quarter of the time. It appends nothing for
// an empty value.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(append(b, '"'), name...), '"', ':')
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(value)
			if err != nil {
				panic(err) // value is a string
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), value...), '"')
}

// Executions returns the trades that the detail Executions contains, in the order in which the
// notification listed them.
func (o *Order) Executions() (all []Execution) {
	if text := o.Detail(Executions); text != "" && json.Unmarshal([]byte(text), &all) != nil {
		return nil // the detail was not written by FormatExecutions
	}
	return all
}
