package subscribe

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Type is the kind of an event.
type Type string

// The types. The first three belong to a snapshot, the others to the feed.
const (
	SnapshotBegins Type = "snapshot.begins" // discard the known orders
	SnapshotOrder  Type = "snapshot.order"  // the current state of an order
	SnapshotEnds   Type = "snapshot.ends"   // the snapshot is complete

	Changed   Type = "orderfold.order.changed.v1"   // a notification changed the order
	Corrected Type = "orderfold.order.corrected.v1" // the order changed, or may have changed, without a notification
	Withdrawn Type = "orderfold.order.withdrawn.v1" // the order no longer exists
	Revision  Type = "orderfold.revision.v1"        // orders are being published again, or have been; see Body
)

// Pair orders the states of one order: first by revision, then by the sequence in the log. The zero value is
// before every state.
type Pair struct {
	Revision uint64 `json:"revision"`
	Sequence uint64 `json:"sequence"`
}

// After reports whether p belongs to a later state than q.
func (p Pair) After(q Pair) bool {
	return p.Revision > q.Revision || p.Revision == q.Revision && p.Sequence > q.Sequence
}

// Event is an event of the feed, or a part of a snapshot.
type Event struct {
	Type     Type
	Order    string // the id of the order; "": the event has no order
	Pair     Pair
	Sequence uint64    // in the feed; 0: part of a snapshot
	ID       string    // ce-id; "": part of a snapshot
	Time     time.Time // ce-time; zero: part of a snapshot
	Digest   string    // of State; equal digests mean equal states. "": part of a snapshot, or no order

	State  json.RawMessage // the order as GET /v1/orders/{id} returns it; nil: it was withdrawn, or does not fit in a message
	Cause  *Cause          // the notification that changed the order; nil: none
	Before *Before         // the order before the change; nil: there was none, or it is unknown
	Body   json.RawMessage // the body of the message; in a snapshot, the order
}

// Cause is the notification that changed an order.
type Cause struct {
	Sequence uint64 `json:"sequence"`
	Effect   string `json:"effect"`
	Rule     string `json:"rule"`
}

// Before is the previous state of an order.
type Before struct {
	Status           *string  `json:"status"`
	ExecutedQuantity *string  `json:"executedQuantity"`
	Breaks           []string `json:"breaks"`
}

// eventOf decodes a message of the feed.
func eventOf(sequence uint64, header map[string][]string, body []byte) (e Event, err error) {
	text := func(name string) string {
		if values := header[name]; len(values) > 0 {
			return decode(values[0])
		}
		return ""
	}
	number := func(name string) uint64 {
		n, parseErr := strconv.ParseUint(text(name), 10, 64)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("subscribe: message %d is not an order event: its header %s is %.40q", sequence, name, text(name))
		}
		return n
	}
	e = Event{Type: Type(text("ce-type")), Order: text("ce-subject"), ID: text("ce-id"), Digest: text("Orderfold-Digest"), Sequence: sequence, Body: body,
		Pair: Pair{number("Orderfold-Revision"), number("Orderfold-Sequence")}}
	if err != nil {
		return e, err
	}
	if e.Time, err = time.Parse(time.RFC3339Nano, text("ce-time")); err != nil {
		return e, fmt.Errorf("subscribe: message %d is not an order event: its header ce-time: %w", sequence, err)
	}
	if e.Order == "" {
		return e, nil
	}
	var parts struct {
		Order  json.RawMessage `json:"order"`
		Cause  *Cause          `json:"cause"`
		Before *Before         `json:"before"`
	}
	if err := json.Unmarshal(body, &parts); err != nil {
		return e, fmt.Errorf("subscribe: the body of message %d cannot be read: %w", sequence, err)
	}
	if string(parts.Order) != "null" {
		e.State = parts.Order
	}
	e.Cause, e.Before = parts.Cause, parts.Before
	return e, nil
}

// shown returns the event for an order of a snapshot.
func shown(revision uint64, order json.RawMessage) (e Event, err error) {
	var o struct {
		OrderID       string `json:"orderId"`
		Notifications struct {
			LastSequence uint64 `json:"lastSequence"`
		} `json:"notifications"`
	}
	if err := json.Unmarshal(order, &o); err != nil || o.OrderID == "" {
		return e, fmt.Errorf("subscribe: a line of the snapshot is not an order: %.80q", order)
	}
	return Event{Type: SnapshotOrder, Order: o.OrderID, Pair: Pair{revision, o.Notifications.LastSequence}, State: order, Body: order}, nil
}

// decode decodes a percent-encoded header value. A percent sign that does not begin an encoded byte
// stands for itself.
func decode(value string) string {
	if !strings.Contains(value, "%") {
		return value
	}
	b := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] == '%' && i+2 < len(value) {
			if n, err := strconv.ParseUint(value[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, value[i])
	}
	return string(b)
}
