package subscribe

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Type says what an event reports.
type Type string

// The types. The first three are of a snapshot, the others of the feed.
const (
	SnapshotBegins Type = "snapshot.begins" // throw away what is known of orders
	SnapshotOrder  Type = "snapshot.order"  // an order as it is
	SnapshotEnds   Type = "snapshot.ends"   // all orders have been reported

	Changed   Type = "orderfold.order.changed.v1"   // a notification changed the order
	Corrected Type = "orderfold.order.corrected.v1" // the order is another one, or may be, though no notification came
	Withdrawn Type = "orderfold.order.withdrawn.v1" // the order does not exist any more
	Revision  Type = "orderfold.revision.v1"        // orders are published again, or have been; Body says which
)

// Pair orders the states of one order: first by revision, then by the log's sequence. The zero value is before every state.
type Pair struct {
	Revision uint64 `json:"revision"`
	Sequence uint64 `json:"sequence"`
}

// After reports whether p is of a later state than q.
func (p Pair) After(q Pair) bool {
	return p.Revision > q.Revision || p.Revision == q.Revision && p.Sequence > q.Sequence
}

// Event is what a subscriber is told: an event of the feed, or a part of a snapshot.
type Event struct {
	Type     Type
	Order    string // its id; "" where the event is of no order
	Pair     Pair
	Sequence uint64    // of the feed; 0: of a snapshot
	ID       string    // ce-id; "": of a snapshot
	Time     time.Time // ce-time; zero: of a snapshot
	Digest   string    // of the order as shown; two equal ones have nothing new. "": of a snapshot, or of no order

	State  json.RawMessage // the order, as GET /v1/orders/{id} shows it; nil where it was withdrawn, or is larger than a message may be
	Cause  *Cause          // the notification that changed it; nil: none did
	Before *Before         // what was shown before; nil: nothing, or it is not known
	Body   json.RawMessage // as it was sent; of a snapshot the order
}

// Cause is the notification that changed an order.
type Cause struct {
	Sequence uint64 `json:"sequence"`
	Effect   string `json:"effect"`
	Rule     string `json:"rule"`
}

// Before is what was shown of an order before.
type Before struct {
	Status           *string  `json:"status"`
	ExecutedQuantity *string  `json:"executedQuantity"`
	Breaks           []string `json:"breaks"`
}

// eventOf reads a message of the feed.
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

// shown reads what a snapshot needs of an order.
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

// decode undoes the percent-encoding of a header's value. A percent sign that begins no encoded byte stands for itself.
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
