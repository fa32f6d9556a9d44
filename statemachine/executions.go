package statemachine

import "encoding/json"

// Execution is one trade of an order. A zero field was not told.
type Execution struct {
	ID       string  `json:"id,omitempty"`
	Quantity Decimal `json:"quantity,omitempty"`
	Price    Decimal `json:"price,omitempty"`
	Amount   Decimal `json:"amount,omitempty"`
}

// FormatExecutions writes executions as the detail Executions holds them; "" when there are none.
func FormatExecutions(all []Execution) string {
	if len(all) == 0 {
		return ""
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // texts
	}
	return string(text)
}

// Executions returns the trades that the worthiest notification listed, in its order.
func (o *Order) Executions() (all []Execution) {
	if text := o.Detail(Executions); text != "" && json.Unmarshal([]byte(text), &all) != nil {
		return nil // a notification that no decoder of ours made
	}
	return all
}
