package decode

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orderfold/orderfold/statemachine"
)

// Record is the part of a record of the log that decoding needs.
type Record struct {
	Sequence uint64
	Received time.Time
	Fetched  bool   // an answer of the platform to GET order, not a notification
	Object   string // event type in kebab case without -notification: "traditional-asset-order"
	Body     []byte // must not change, because decoded strings may be parts of it
}

// orderObjects are the objects that are orders.
var orderObjects = map[string]statemachine.AssetClass{
	"traditional-asset-order": statemachine.Traditional,
	"digital-asset-order":     statemachine.Digital,
	"tokenized-asset-order":   statemachine.Tokenized,
}

// IsOrder reports whether the object is an order. Notification decodes its records; Object decodes those
// of all other objects.
func IsOrder(object string) bool {
	_, is := orderObjects[object]
	return is
}

// UnreadableError means that a record cannot become part of an order: its body is not JSON, not an object,
// or has no usable order id. The record stays in the log; another version of this package may decode it.
type UnreadableError struct {
	Class  string // stable: not-json, not-an-object, no-order-id, bad-order-id
	Reason string // in words
}

// Error returns the class and the reason.
func (e *UnreadableError) Error() string { return "projector: " + e.Class + ": " + e.Reason }

// Decoder decodes records. The zero value is ready to use. A Decoder is not safe for concurrent use.
type Decoder struct {
	body    body
	idName  map[string]shapes // by object
	encoded []byte            // a buffer for Compact
}

// Notification decodes a record about an order. The error is an *UnreadableError, and means that the record
// belongs in quarantine. Texts of the result may be parts of the body; see Compact.
func (d *Decoder) Notification(r *Record) (n statemachine.Notification, err error) {
	b := &d.body
	if err := b.read(r.Body, orderShapes); err != nil {
		return n, unreadable(err)
	}
	id := b.values[orderID]
	if err := checkID(b, "orderId", id); err != nil {
		return n, err
	}
	n.OrderID, n.Sequence, n.Received, n.AssetClass = id, r.Sequence, r.Received, orderObjects[r.Object]
	n.Type, n.Status = b.values[notificationType], statemachine.ParseStatus(b.values[status])
	if r.Fetched {
		n.Kind = statemachine.Fetched
	}
	n.At, n.Dated = b.instant("modifiedOn", b.values[modifiedOn], "; the time received is used")
	trades, sum := b.executions()
	n.Executed = b.executed(sum)
	n.Amount, n.Reported = b.amount(trades, sum, n.Executed)
	b.details(&n)
	n.Details[statemachine.Executions] = b.shown(trades)
	if b.refused || strings.EqualFold(n.Type, "VALIDATION_ERROR") {
		n.Refused = true
		n.Refusal = statemachine.Refusal{ErrorType: b.values[errorType], Description: b.values[errorDescription]}
	}
	n.Notes = b.notes
	return n, nil
}

// Compact copies the strings of a notification to memory of their own. Otherwise they are parts of the
// body, and orders in memory would retain whole bodies because of a few words.
func (d *Decoder) Compact(n *statemachine.Notification) {
	var err error
	if d.encoded, err = n.AppendBinary(d.encoded[:0]); err == nil {
		err = n.Decode(string(d.encoded))
	}
	if err != nil {
		panic(err) // the notification was encoded above
	}
	// An order retains these strings of each of its notifications, and the other strings of few.
	n.Status, n.Executed = statemachine.Status(strings.Clone(string(n.Status))), statemachine.Decimal(strings.Clone(string(n.Executed)))
	n.Amount = statemachine.Decimal(strings.Clone(string(n.Amount)))
	n.Refusal = statemachine.Refusal{ErrorType: strings.Clone(n.Refusal.ErrorType), Description: strings.Clone(n.Refusal.Description)}
}

func unreadable(err error) error {
	class := "not-json"
	if errors.Is(err, errNotObject) {
		class = "not-an-object"
	}
	return &UnreadableError{class, err.Error()}
}

func checkID(b *body, name, id string) error {
	switch {
	case id == "":
		reason := "the body has no " + name
		if len(b.notes) > 0 {
			reason += " (" + strings.Join(b.notes, "; ") + ")"
		}
		return &UnreadableError{"no-order-id", Bounded(reason)}
	case len(id) > maxID:
		return &UnreadableError{"bad-order-id", fmt.Sprintf("%s is %d bytes long; the limit is %d", name, len(id), maxID)}
	case strings.ContainsRune(id, utf8.RuneError):
		return &UnreadableError{"bad-order-id", name + " is not valid UTF-8"}
	}
	return nil
}

// instant parses an RFC 3339 time. Any other text is noted, together with the consequence.
func (b *body) instant(name, value, consequence string) (at time.Time, given bool) {
	if value == "" {
		return time.Time{}, false
	}
	at, err := statemachine.ParseTime(value)
	if err != nil {
		b.note(fmt.Sprintf("%s: %q is not an RFC 3339 time%s", name, Bounded(value), consequence))
	}
	return at, err == nil
}

// executed returns the cumulative executed quantity, from the first member that contains it, or else sum,
// which is the sum of the executions.
func (b *body) executed(sum statemachine.Decimal) statemachine.Decimal {
	if d := b.decimal("execution.quantity", b.values[executionQuantity]); d.Known() {
		return d
	}
	if d := b.decimal("executionData.quantity", b.values[executionDataQuantity]); d.Known() {
		return d
	}
	return sum
}

// amount returns the money for the executed quantity: as the platform reported it, or else the sum of the
// trades, unless it is known that their quantities do not add up to the executed quantity.
func (b *body) amount(trades []statemachine.Execution, sum, executed statemachine.Decimal) (amount statemachine.Decimal, reported bool) {
	for _, m := range [...]member{executionAmount, executionDataAmount} {
		if d := b.decimal("executionAmount", b.values[m]); d.Known() {
			return d, true
		}
	}
	if len(trades) == 0 || sum.Known() && sum.Compare(executed) != 0 {
		return "", false
	}
	amount = "0"
	for i := range trades {
		part, ok := trades[i].Amount, trades[i].Amount.Known()
		if !ok {
			part, ok = trades[i].Price.Mul(trades[i].Quantity)
		}
		if ok {
			amount, ok = amount.Add(part)
		}
		if !ok {
			return "", false
		}
	}
	return amount, false
}

func (b *body) details(n *statemachine.Notification) {
	for f := range statemachine.Fields {
		value, name := b.detail(f)
		if value == "" {
			continue
		}
		switch statemachine.Details()[f].Form {
		case statemachine.WordForm:
			value = strings.ToUpper(value)
		case statemachine.NumberForm:
			value = string(b.decimal(name, value))
		case statemachine.TimeForm:
			value = b.utc(name, value)
		}
		n.Details[f] = value
	}
	if strings.EqualFold(cmp.Or(b.values[quantityType], b.values[marketQuantityType]), "AMOUNT") {
		// The quantity is money, not units, so it cannot be compared with the executed quantity.
		n.Details[statemachine.Amount], n.Details[statemachine.Quantity] = n.Details[statemachine.Quantity], ""
	}
}

// utc converts an RFC 3339 time to UTC. It returns "" for any other text.
func (b *body) utc(name, value string) string {
	at, given := b.instant(name, value, "; ignored")
	if !given {
		return ""
	}
	var text [len(time.RFC3339Nano)]byte
	if utc := statemachine.AppendTime(text[:0], at); string(utc) != value {
		return string(utc)
	}
	return value
}

// idFields contains the name of the member with the id for objects for which idField cannot derive it; "":
// the object has no id.
var idFields = map[string]string{"corporate-action": "eventId", "labels-update": "", "re-token-prices": ""}

// Object returns the id of an object that is not an order, or "" if it has none. The error is an
// *UnreadableError, and means that the body is not a JSON object.
func (d *Decoder) Object(r *Record) (id string, err error) {
	named, known := d.idName[r.Object]
	if !known {
		named = shapesOf(place{idField(r.Object), text, objectID})
		if d.idName == nil {
			d.idName = map[string]shapes{}
		}
		if len(d.idName) < 64 { // the receiver knows 26 objects; a log may contain any
			d.idName[r.Object] = named
		}
	}
	if err := d.body.read(r.Body, named); err != nil {
		return "", unreadable(err)
	}
	if id = d.body.values[objectID]; len(id) > maxID {
		return "", nil
	}
	return id, nil
}

// idField derives the name of the member with the id: customerProductId for customer-product.
func idField(object string) string {
	if name, special := idFields[object]; special {
		return name
	}
	words := strings.Split(object, "-")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "") + "Id"
}

// OrderID returns the id of the order that a record with the given object and body is about. It returns ""
// if the record is not about an order or cannot be decoded.
func OrderID(object string, body []byte) string {
	if !IsOrder(object) {
		return ""
	}
	var d Decoder
	n, err := d.Notification(&Record{Object: object, Body: body})
	if err != nil {
		return ""
	}
	return n.OrderID
}
