package api

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// appendOrder appends what writeJSON writes of an order, without the reflection. The definition of the view is Order; a test holds
// the two together.
func appendOrder(b []byte, o *Order) []byte {
	b = appendText(append(b, `{"orderId":`...), o.OrderID)
	b = appendKnown(append(b, `,"assetClass":`...), o.AssetClass)
	b = appendKnown(append(b, `,"status":`...), o.Status)
	b = appendKnown(append(b, `,"statusSince":`...), o.StatusSince)
	b = strconv.AppendBool(append(b, `,"open":`...), o.Open)
	b = strconv.AppendBool(append(b, `,"final":`...), o.Final)
	b = appendKnown(append(b, `,"side":`...), o.Side)
	b = appendKnown(append(b, `,"isin":`...), o.ISIN)
	b = appendKnown(append(b, `,"symbol":`...), o.Symbol)
	b = appendKnown(append(b, `,"orderType":`...), o.OrderType)
	b = appendKnown(append(b, `,"exchangeCode":`...), o.ExchangeCode)
	b = appendKnown(append(b, `,"quantity":`...), o.Quantity)
	b = appendKnown(append(b, `,"amount":`...), o.Amount)
	b = appendKnown(append(b, `,"executedQuantity":`...), o.ExecutedQuantity)
	b = appendKnown(append(b, `,"executionPrice":`...), o.ExecutionPrice)
	b = appendKnown(append(b, `,"executedAmount":`...), o.ExecutedAmount)
	b = appendRare(append(b, `,"executions":`...), o.Executions)
	b = appendKnown(append(b, `,"limitPrice":`...), o.LimitPrice)
	b = appendKnown(append(b, `,"stopPrice":`...), o.StopPrice)
	b = appendKnown(append(b, `,"externalId":`...), o.ExternalID)
	b = appendTexts(append(b, `,"productIds":`...), o.ProductIDs)
	b = appendKnown(append(b, `,"message":`...), o.Message)
	b = appendKnown(append(b, `,"createdOn":`...), o.CreatedOn)
	b = appendKnown(append(b, `,"modifiedOn":`...), o.ModifiedOn)
	b = appendKnown(append(b, `,"expiryDate":`...), o.ExpiryDate)
	b = appendRare(append(b, `,"breaks":`...), o.Breaks)
	b = appendRare(append(b, `,"refusals":`...), o.Refusals)
	b = append(b, `,"asked":`...)
	if o.Asked == nil {
		b = append(b, "null"...)
	} else {
		b = appendAny(b, o.Asked)
	}
	b = appendNotifications(append(b, `,"notifications":`...), &o.Notifications)
	return append(b, "}\n"...)
}

func appendNotifications(b []byte, n *Notifications) []byte {
	b = strconv.AppendUint(append(b, `{"count":`...), n.Count, 10)
	b = strconv.AppendUint(append(b, `,"duplicates":`...), n.Duplicates, 10)
	if n.DroppedFacts != 0 {
		b = strconv.AppendUint(append(b, `,"droppedFacts":`...), n.DroppedFacts, 10)
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
