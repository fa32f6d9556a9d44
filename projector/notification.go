package projector

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/statemachine"
)

// orderObjects are the objects that are orders.
var orderObjects = map[string]statemachine.AssetClass{
	"traditional-asset-order": statemachine.Traditional,
	"digital-asset-order":     statemachine.Digital,
	"tokenized-asset-order":   statemachine.Tokenized,
}

// UnreadableError says why a record cannot become part of an order. Class is stable, Reason is in words.
type UnreadableError struct{ Class, Reason string }

// Error names the class and the reason.
func (e *UnreadableError) Error() string { return "projector: " + e.Class + ": " + e.Reason }

// decoder reads records one after the other; it is not safe for concurrent use.
type decoder struct {
	body    body
	idName  map[string]places // by object
	encoded []byte            // of compact
}

// notification reads what a record says of an order. It returns an *UnreadableError for a record to be quarantined.
func (d *decoder) notification(r *eventlog.Record) (n statemachine.Notification, err error) {
	b := &d.body
	if err := b.read(r.Body, orderPlaces); err != nil {
		return n, unreadable(err)
	}
	id := b.values[orderID]
	if err := checkID(b, "orderId", id); err != nil {
		return n, err
	}
	n.OrderID, n.Sequence, n.Received, n.AssetClass = id, r.Sequence, r.Received, orderObjects[r.Object]
	n.Type, n.Status = b.values[notificationType], statemachine.ParseStatus(b.values[status])
	if r.Source == eventlog.Fetched {
		n.Kind = statemachine.Fetched
	}
	n.At = b.instant("modifiedOn", modifiedOn, "; the time received stands in")
	executions, sum := b.executions()
	n.Executed = b.executed(sum)
	b.details(&n)
	n.Details[statemachine.Executions] = statemachine.FormatExecutions(executions)
	if b.refused || n.Type == "VALIDATION_ERROR" {
		n.Refused = true
		n.Refusal = statemachine.Refusal{ErrorType: b.values[errorType], Description: b.values[errorDescription]}
	}
	n.Notes = b.notes
	return n, nil
}

// compact gives the texts of a notification memory of their own. They are parts of the body, and orders in memory would hold
// several bodies for the sake of some words.
func (d *decoder) compact(n *statemachine.Notification) {
	var err error
	if d.encoded, err = n.AppendBinary(d.encoded[:0]); err == nil {
		err = n.Decode(string(d.encoded))
	}
	if err != nil {
		panic(err) // it has just been encoded
	}
	// An order keeps these of each of its notifications, the others of few.
	n.Status, n.Executed = statemachine.Status(strings.Clone(string(n.Status))), statemachine.Decimal(strings.Clone(string(n.Executed)))
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
		return &UnreadableError{"no-order-id", bounded(reason)}
	case len(id) > maxID:
		return &UnreadableError{"bad-order-id", fmt.Sprintf("%s is %d bytes long, %d are allowed", name, len(id), maxID)}
	case strings.ContainsRune(id, utf8.RuneError):
		return &UnreadableError{"bad-order-id", name + " is not valid UTF-8"}
	}
	return nil
}

// instant reads an RFC 3339 time with any offset; a text of another shape is noted with what follows from it.
func (b *body) instant(name string, m member, consequence string) time.Time {
	value := b.values[m]
	if value == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil { // T and Z may be small (RFC 3339, section 5.6), which the library does not read
		t, err = time.Parse(time.RFC3339Nano, strings.ToUpper(value))
	}
	t = t.UTC()
	if err != nil || t.Year() < 1 || t.Year() > 9999 || t.IsZero() {
		b.note(fmt.Sprintf("%s: %q is not an RFC 3339 time%s", name, bounded(value), consequence))
		return time.Time{}
	}
	return t
}

func (b *body) decimal(name, value string) statemachine.Decimal {
	if value == "" {
		return ""
	}
	d, ok := statemachine.ParseDecimal(value)
	if !ok {
		b.note(fmt.Sprintf("%s: %q is not a number; not read", name, bounded(value)))
	}
	return d
}

// executed is the cumulative executed quantity, from the first place that tells it; sum is that of the executions.
func (b *body) executed(sum statemachine.Decimal) statemachine.Decimal {
	if d := b.decimal("execution.quantity", b.values[executionQuantity]); d.Known() {
		return d
	}
	if d := b.decimal("executionData.quantity", b.values[executionDataQuantity]); d.Known() {
		return d
	}
	return sum
}

func (b *body) details(n *statemachine.Notification) {
	d := &n.Details
	d[statemachine.Side] = strings.ToUpper(b.first(tradeSide, side))
	d[statemachine.ISIN] = b.values[isin]
	d[statemachine.Symbol] = b.first(symbol, marketSymbol)
	d[statemachine.OrderType] = b.values[orderType]
	d[statemachine.ExchangeCode] = b.values[exchangeCode]
	d[statemachine.ExternalID] = b.values[externalID]
	d[statemachine.DepositoryProduct] = b.values[depositoryProduct]
	d[statemachine.CashProduct] = b.values[cashProduct]
	d[statemachine.WalletProduct] = b.values[walletProduct]
	d[statemachine.ExpiryDate] = b.values[expiryDate]
	d[statemachine.Message] = b.first(message, rejectionReason, rejectReason, reason, errorDescription)
	d[statemachine.LimitPrice] = string(b.decimal("limitPrice", b.values[limitPrice]))
	d[statemachine.StopPrice] = string(b.decimal("stopPrice", b.values[stopPrice]))
	d[statemachine.ExecutionPrice] = string(b.decimal("executionPrice", b.first(executionPrice, executionDataPrice)))
	d[statemachine.ExecutedAmount] = string(b.decimal("executionAmount", b.first(executionAmount, executionDataAmount)))
	ordered := string(b.decimal("quantity", b.first(quantity, marketQuantity)))
	if b.first(quantityType, marketQuantityType) == "AMOUNT" {
		d[statemachine.Amount] = ordered // money, not units: nothing executed compares with it
	} else {
		d[statemachine.Quantity] = ordered
	}
	if created := b.instant("createdOn", createdOn, "; not read"); !created.IsZero() {
		d[statemachine.CreatedOn] = b.values[createdOn]
		var text [len(time.RFC3339Nano)]byte
		if utc := created.AppendFormat(text[:0], time.RFC3339Nano); string(utc) != b.values[createdOn] {
			d[statemachine.CreatedOn] = string(utc)
		}
	}
}

// idFields are the objects whose id is not in the member that their name suggests.
var idFields = map[string]string{"corporate-action": "eventId", "labels-update": "", "re-token-prices": ""}

// object reads the id of an object that is not an order; "" when it has none. It returns an *UnreadableError for a body
// that is not a JSON object.
func (d *decoder) object(r *eventlog.Record) (id string, err error) {
	named, known := d.idName[r.Object]
	if !known {
		named = placesOf(map[string]place{idField(r.Object): {text, objectID, nil}})
		if d.idName == nil {
			d.idName = map[string]places{}
		}
		if len(d.idName) < 64 { // the receiver knows 26; a log may hold anything
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

// idField is customerProductId for customer-product.
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

// OrderID returns the id of the order that the record is about; "" when it is about none or cannot be read.
func OrderID(r *eventlog.Record) string {
	if _, isOrder := orderObjects[r.Object]; !isOrder {
		return ""
	}
	var d decoder
	n, err := d.notification(r)
	if err != nil {
		return ""
	}
	return n.OrderID
}
