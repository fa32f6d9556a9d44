package api

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// orderMember is a member of an order as JSON shows it.
type orderMember struct {
	name   string
	append func(b []byte, o *Order) []byte // its value
}

// orderMembers are the members, in their order. The definition of the view is Order; a test holds the two together.
var orderMembers = []orderMember{
	{"orderId", func(b []byte, o *Order) []byte { return appendText(b, o.OrderID) }},
	{"assetClass", func(b []byte, o *Order) []byte { return appendKnown(b, o.AssetClass) }},
	{"status", func(b []byte, o *Order) []byte { return appendKnown(b, o.Status) }},
	{"statusSince", func(b []byte, o *Order) []byte { return appendKnown(b, o.StatusSince) }},
	{"open", func(b []byte, o *Order) []byte { return strconv.AppendBool(b, o.Open) }},
	{"final", func(b []byte, o *Order) []byte { return strconv.AppendBool(b, o.Final) }},
	{"settlement", func(b []byte, o *Order) []byte { return appendSettlement(b, o.Settlement) }},
	{"side", func(b []byte, o *Order) []byte { return appendKnown(b, o.Side) }},
	{"isin", func(b []byte, o *Order) []byte { return appendKnown(b, o.ISIN) }},
	{"symbol", func(b []byte, o *Order) []byte { return appendKnown(b, o.Symbol) }},
	{"orderType", func(b []byte, o *Order) []byte { return appendKnown(b, o.OrderType) }},
	{"exchangeCode", func(b []byte, o *Order) []byte { return appendKnown(b, o.ExchangeCode) }},
	{"quantity", func(b []byte, o *Order) []byte { return appendKnown(b, o.Quantity) }},
	{"amount", func(b []byte, o *Order) []byte { return appendKnown(b, o.Amount) }},
	{"executedQuantity", func(b []byte, o *Order) []byte { return appendKnown(b, o.ExecutedQuantity) }},
	{"executionPrice", func(b []byte, o *Order) []byte { return appendKnown(b, o.ExecutionPrice) }},
	{"executedAmount", func(b []byte, o *Order) []byte { return appendKnown(b, o.ExecutedAmount) }},
	{"averagePrice", func(b []byte, o *Order) []byte { return appendKnown(b, o.AveragePrice) }},
	{"executions", func(b []byte, o *Order) []byte { return appendRare(b, o.Executions) }},
	{"limitPrice", func(b []byte, o *Order) []byte { return appendKnown(b, o.LimitPrice) }},
	{"stopPrice", func(b []byte, o *Order) []byte { return appendKnown(b, o.StopPrice) }},
	{"externalId", func(b []byte, o *Order) []byte { return appendKnown(b, o.ExternalID) }},
	{"productIds", func(b []byte, o *Order) []byte { return appendTexts(b, o.ProductIDs) }},
	{"message", func(b []byte, o *Order) []byte { return appendKnown(b, o.Message) }},
	{"createdOn", func(b []byte, o *Order) []byte { return appendKnown(b, o.CreatedOn) }},
	{"modifiedOn", func(b []byte, o *Order) []byte { return appendKnown(b, o.ModifiedOn) }},
	{"expiryDate", func(b []byte, o *Order) []byte { return appendKnown(b, o.ExpiryDate) }},
	{"breaks", func(b []byte, o *Order) []byte { return appendRare(b, o.Breaks) }},
	{"refusals", func(b []byte, o *Order) []byte { return appendRare(b, o.Refusals) }},
	{"asked", func(b []byte, o *Order) []byte { return appendAsked(b, o.Asked) }},
	{"notifications", func(b []byte, o *Order) []byte { return appendNotifications(b, &o.Notifications) }},
}

// appendOrder appends what writeJSON writes of an order, without the reflection.
func appendOrder(b []byte, o *Order) []byte { return append(appendMembers(b, o, orderMembers), '\n') }

// appendMembers appends an order with these members only.
func appendMembers(b []byte, o *Order, members []orderMember) []byte {
	b = append(b, '{')
	for i := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), members[i].name...), '"', ':')
		b = members[i].append(b, o)
	}
	return append(b, '}')
}

func appendAsked(b []byte, asked *Asked) []byte {
	if asked == nil {
		return append(b, "null"...)
	}
	return appendAny(b, asked)
}

func appendNotifications(b []byte, n *Notifications) []byte {
	b = strconv.AppendUint(append(b, `{"count":`...), n.Count, 10)
	b = strconv.AppendUint(append(b, `,"duplicates":`...), n.Duplicates, 10)
	if n.DroppedFacts != 0 {
		b = strconv.AppendUint(append(b, `,"droppedFacts":`...), n.DroppedFacts, 10)
	}
	if n.Lost != 0 {
		b = strconv.AppendUint(append(b, `,"lost":`...), n.Lost, 10)
	}
	b = strconv.AppendUint(append(b, `,"firstSequence":`...), n.FirstSequence, 10)
	b = strconv.AppendUint(append(b, `,"lastSequence":`...), n.LastSequence, 10)
	b = appendText(append(b, `,"firstReceivedAt":`...), n.FirstReceivedAt)
	b = appendText(append(b, `,"lastReceivedAt":`...), n.LastReceivedAt)
	return append(b, '}')
}

func appendTexts(b []byte, texts []string) []byte {
	if len(texts) == 0 {
		return appendRare(b, texts)
	}
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, text)
	}
	return append(b, ']')
}

func appendKnown(b []byte, text *string) []byte {
	if text == nil {
		return append(b, "null"...)
	}
	return appendText(b, *text)
}

// appendText leaves texts with anything to escape in them to encoding/json.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendAny(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// appendRare appends a list that most orders have nothing in.
func appendRare[T any](b []byte, list []T) []byte {
	if list != nil && len(list) == 0 {
		return append(b, "[]"...)
	}
	return appendAny(b, list)
}

// appendAny appends what writeJSON writes, without the end of line.
func appendAny(b []byte, v any) []byte {
	w := bytes.NewBuffer(b)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // texts and numbers: they can be written
	return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
}
