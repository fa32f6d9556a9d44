package platformtest

import (
	"strconv"
	"time"
)

// object builds a JSON object member by member, so that bodies have the documented order of members and
// numbers keep their digits, which a map or a float would not ensure.
type object []byte

func (b *object) name(name string) {
	if len(*b) == 0 {
		*b = append(*b, '{')
	} else if (*b)[len(*b)-1] != '{' {
		*b = append(*b, ',')
	}
	*b = append(*b, '"')
	*b = append(*b, name...)
	*b = append(*b, '"', ':')
}

// text appends a string member, or nothing if value is empty. Values are printable strings of this
// package, for which Go's quoting is valid JSON.
func (b *object) text(name, value string) {
	if value != "" {
		b.name(name)
		*b = strconv.AppendQuote(*b, value)
	}
}

func (b *object) raw(name, value string) {
	b.name(name)
	*b = append(*b, value...)
}

func (b *object) open(name string) {
	b.name(name)
	*b = append(*b, '{')
}

func (b *object) close() { *b = append(*b, '}') }

var layouts = map[int]string{
	0: "2006-01-02T15:04:05Z07:00",
	3: "2006-01-02T15:04:05.000Z07:00",
	6: "2006-01-02T15:04:05.000000Z07:00",
	9: "2006-01-02T15:04:05.000000000Z07:00",
}

func (n *note) modifiedOn() string {
	at := n.at
	if n.offset != 0 {
		at = at.In(time.FixedZone("", n.offset*60))
	}
	return at.Format(layouts[n.digits])
}

// notification returns the i-th notification of the order. If the order has a notification of another
// object, it is the last one.
func (o *order) notification(i int) Notification {
	if i == len(o.notes) {
		return o.other.notification()
	}
	return Notification{Path: orderPaths[o.assetClass], Body: o.body(&o.notes[i])}
}

func (o *order) path(i int) string { return o.notification(i).Path }

var orderPaths = map[string]string{
	Traditional: "/traditional-asset-order-notification",
	Digital:     "/digital-asset-order-notification",
	Tokenized:   "/tokenized-asset-order-notification",
}

func (o *order) body(n *note) []byte {
	b := make(object, 0, 1024)
	b.text("orderId", o.id.String())
	b.text("externalId", o.externalID())
	b.text("status", n.status)
	b.text("notificationType", n.notificationType)
	if n.status != "" {
		b.text("modifiedOn", n.modifiedOn())
		b.text("createdOn", o.created.Format(layouts[3]))
		if o.assetClass == Traditional {
			o.traditional(&b, n)
		} else {
			o.digital(&b, n)
		}
	}
	b.text(n.messageField, n.message)
	if n.errorType != "" {
		b.open("validationError")
		b.text("errorType", n.errorType)
		b.text("description", n.errorText)
		b.close()
	}
	writeUnknown(&b, n.unknown)
	b.close()
	return b
}

// externalID returns the id that the partner gave the order.
func (o *order) externalID() string {
	digits := strconv.Itoa(o.index + 1)
	return "ord-" + "000000"[min(len(digits), 6):] + digits
}

func (o *order) traditional(b *object, n *note) {
	b.text("isin", o.isin)
	b.text("tradeSide", o.side)
	b.raw("quantity", n.quantity.in(o.notation))
	b.text("quantityType", "UNIT")
	b.text("orderType", o.orderType)
	switch o.orderType {
	case "LIMIT":
		b.raw("limitPrice", n.price.String())
	case "STOP":
		b.raw("stopPrice", n.price.String())
	}
	b.text("exchangeCode", o.exchange)
	b.text("depositoryCustomerProductId", o.depot.String())
	b.text("cashCustomerProductId", o.cash.String())
	if !o.expiry.IsZero() {
		b.text("expiryDate", o.expiry.Format(time.DateOnly))
	}
	if !n.tells {
		return
	}
	// Without fills there is no list, because it is not documented whether an empty list means
	// nothing or zero.
	where := o.shape
	if len(n.fills) == 0 && where != inExecutionData {
		where = inExecution
	}
	if where == inExecutionData {
		o.execution(b, "executionData", n)
	}
	if where == inExecution || where == inBoth {
		o.execution(b, "execution", n)
	}
	if where == inPartialExecutions || where == inBoth {
		o.partialExecutions(b, n)
	}
}

func (o *order) digital(b *object, n *note) {
	b.text("side", o.side)
	if o.assetClass == Digital {
		b.text("orderType", o.orderType)
	}
	b.text("walletCustomerProductId", o.depot.String())
	b.text("cashCustomerProductId", o.cash.String())
	b.open("marketOrderData")
	b.text("symbol", o.symbol)
	b.text("assetType", instruments[o.assetClass][0].kind)
	b.text("quantityType", "UNIT")
	b.raw("quantity", n.quantity.in(o.notation))
	b.close()
	if n.tells {
		o.execution(b, "executionData", n)
	}
}

func (o *order) execution(b *object, name string, n *note) {
	b.open(name)
	b.raw("quantity", n.executed().in(o.notation))
	if len(n.fills) > 0 {
		total := amount{}
		for _, f := range n.fills {
			part := f.quantity.times(f.price)
			total = amount{total.units + part.units, part.scale}
		}
		b.raw("executionPrice", n.fills[len(n.fills)-1].price.String())
		b.raw("executionAmount", total.String())
	}
	b.close()
}

func (o *order) partialExecutions(b *object, n *note) {
	b.name("partialExecutions")
	*b = append(*b, '[')
	for i, f := range n.fills {
		if i > 0 {
			*b = append(*b, ',')
		}
		*b = append(*b, '{')
		b.text("executionId", f.id.String())
		b.raw("executionPrice", f.price.String())
		b.raw("executionQuantity", f.quantity.in(o.notation))
		b.raw("amount", f.quantity.times(f.price).String())
		b.close()
	}
	*b = append(*b, ']')
}

// unknownFields is the number of kinds of undocumented fields, from 1 on.
const unknownFields = 3

func writeUnknown(b *object, kind int) {
	switch kind {
	case 1:
		b.text("exAnteId", "exante-2026-q1")
	case 2:
		b.raw("settlement", `{"cycle":"T+2","venues":["XFRA",null],"fee":1.50}`)
	case 3:
		b.raw("sustainabilityPreference", "null")
	}
}
