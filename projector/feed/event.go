package feed

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// Type is the type of an event: what it reports.
type Type string

// The types.
const (
	Changed    Type = "orderfold.order.changed.v1"   // a notification reported something new about the order
	Corrected  Type = "orderfold.order.corrected.v1" // the order changed, or may have changed, without a notification
	Withdrawn  Type = "orderfold.order.withdrawn.v1" // the order no longer exists
	RevisionOf Type = "orderfold.revision.v1"        // a revision of orders began or ended
)

// The headers of an event that readers use.
const (
	HeaderType     = "ce-type"
	HeaderSubject  = "ce-subject"
	HeaderID       = "ce-id"
	HeaderSequence = "Orderfold-Sequence"
	HeaderRevision = "Orderfold-Revision"
	HeaderDigest   = "Orderfold-Digest"
	HeaderPosition = "Orderfold-Position"
)

// Schema identifies the JSON Schema of all bodies. It is served at /schemas/order-event-v1.json.
const Schema = "urn:orderfold:schema:order-event-v1"

// Render appends to b the JSON of an order that events contain. The JSON must depend on the order alone.
type Render func(b []byte, o *statemachine.Order) []byte

// Event is an event of the feed, without what is known only when it is published: see Place. The zero value
// means no event.
type Event struct {
	Type     Type
	Order    string // the id of the order; "": a revision
	Class    string // traditional, digital, tokenized or other; "": a revision
	Sequence uint64 // the sequence, in the log, of the state that the event contains
	Time     time.Time
	Digest   string // of the JSON of the order; "": a revision
	Body     []byte

	name string // the end of the id of an event without an order
}

// Cause is the notification that changed an order.
type Cause struct {
	Sequence uint64              `json:"sequence"`
	Effect   statemachine.Effect `json:"effect"`
	Rule     string              `json:"rule"`
}

// Before is the state of an order before the event.
type Before struct {
	Status           *statemachine.Status  `json:"status"`
	ExecutedQuantity *statemachine.Decimal `json:"executedQuantity"`
	Breaks           []string              `json:"breaks"`
}

// Revision is the body of an event that reports that a revision of orders began or ended.
type Revision struct {
	Revision     uint64    `json:"revision"`
	State        string    `json:"state"` // started or finished
	Cause        string    `json:"cause"`
	FoldVersions [2]string `json:"foldVersions"` // before, after
	At           string    `json:"at"`
	Corrected    *uint64   `json:"corrected,omitempty"` // number of corrected orders, if finished
	Withdrawn    *uint64   `json:"withdrawn,omitempty"`
}

// The states of a revision.
const (
	Started  = "started"
	Finished = "finished"
)

// Apply applies n to o and returns the event for it. ok is false if n contained nothing new, so that there is
// no event.
func Apply(o *statemachine.Order, n *statemachine.Notification, render Render) (e Event, ok bool) {
	observer, known := statemachine.NewObserver(o), o.Count > 0
	var before []byte
	if known {
		before = appendBefore(nil, observer.Summary())
	}
	entry := observer.Observe(n)
	if entry.Effect == statemachine.Duplicate {
		return Event{}, false
	}
	return event(Changed, o, n.Sequence, n.Received, appendJSON(nil, Cause{n.Sequence, entry.Effect, entry.Rule}), before, render), true
}

// Correct returns the event for an order that changed without a notification. before is the order before
// the change; nil: unknown.
func Correct(o *statemachine.Order, before *statemachine.Order, at time.Time, render Render) Event {
	var shown []byte
	if before != nil {
		shown = appendBefore(nil, statemachine.NewObserver(before).Summary())
	}
	return event(Corrected, o, o.Last.Sequence, at, nil, shown, render)
}

// Withdraw returns the event for an order that no longer exists at a sequence of the log. before is the
// order as it was; nil: unknown.
func Withdraw(id string, sequence uint64, before *statemachine.Order, at time.Time) Event {
	e := Event{Type: Withdrawn, Order: id, Class: "other", Sequence: sequence, Time: at, Digest: digest(null)}
	var shown []byte
	if before != nil {
		e.Class, shown = class(before), appendBefore(nil, statemachine.NewObserver(before).Summary())
	}
	e.Body = body(null, nil, shown)
	return e
}

// Revise returns the event for a revision that began or ended at a sequence of the log.
func Revise(r Revision, sequence uint64, at time.Time) Event {
	r.At = statemachine.FormatTime(at)
	return Event{Type: RevisionOf, Sequence: sequence, Time: at, Body: appendJSON(nil, r), name: "revision:" + r.State}
}

// IsFinished reports whether the body of an event reports that a revision has ended.
func IsFinished(body []byte) bool {
	var r Revision
	return json.Unmarshal(body, &r) == nil && r.State == Finished
}

func event(t Type, o *statemachine.Order, sequence uint64, at time.Time, cause, before []byte, render Render) Event {
	const begin = `{"order":`
	b := render(append(make([]byte, 0, usualBody), begin...), o)
	e := Event{Type: t, Order: o.ID, Class: class(o), Sequence: sequence, Time: at, Digest: digest(b[len(begin):])}
	e.Body = appendRest(b, cause, before)
	return e
}

// usualBody is enough for most bodies, in bytes.
const usualBody = 2 << 10

var null = []byte("null")

// body returns the body with the given parts; nil: null.
func body(order, cause, before []byte) []byte {
	return appendRest(append([]byte(`{"order":`), order...), cause, before)
}

// appendRest completes a body that already contains the order.
func appendRest(b, cause, before []byte) []byte {
	if cause == nil {
		cause = null
	}
	if before == nil {
		before = null
	}
	b = append(append(b, `,"cause":`...), cause...)
	b = append(append(b, `,"before":`...), before...)
	return append(b, '}')
}

// Fit replaces the order in a body of more than most bytes by null; readers get the order from the API. The
// digest remains that of the order.
func (e *Event) Fit(most int) {
	var parts struct {
		Order  json.RawMessage `json:"order"`
		Cause  json.RawMessage `json:"cause"`
		Before json.RawMessage `json:"before"`
	}
	if len(e.Body) <= most || e.Type == RevisionOf || json.Unmarshal(e.Body, &parts) != nil {
		return
	}
	e.Body = body(null, parts.Cause, parts.Before)
}

func class(o *statemachine.Order) string {
	if c := o.AssetClass(); c != 0 {
		return strings.ToLower(c.String())
	}
	return "other"
}

// digest returns the first 16 bytes of the SHA-256 of the JSON of an order, in base64url.
func digest(order []byte) string {
	sum := sha256.Sum256(order)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func appendBefore(b []byte, s statemachine.Summary) []byte {
	before := Before{Breaks: make([]string, len(s.Breaks))}
	if s.Status != "" {
		before.Status = &s.Status
	}
	if s.Executed.Known() {
		before.ExecutedQuantity = &s.Executed
	}
	for i, code := range s.Breaks {
		before.Breaks[i] = code.String()
	}
	return appendJSON(b, before)
}

func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return append(b, text...)
}

// Place is where an event is published, and the position in the log with which it is published.
type Place struct {
	Log      string // the identity of the log
	Revision uint64
	Sequence uint64 // of the feed
	Position uint64 // in the log: the events of all records up to it are published with this event or before it
}

// Headers returns the headers of an event, with encoded values. The caller may add headers but must not
// change the values.
func (e *Event) Headers(at *Place) map[string][]string {
	h := make(map[string][]string, 18) // with capacity for two or three headers of a batch
	values := make([]string, 0, 12)
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	maps.Copy(h, constant)
	set(HeaderID, encode(e.ID(at.Revision)))
	set("ce-source", encode("urn:orderfold:"+at.Log))
	set(HeaderType, string(e.Type))
	if e.Order != "" {
		set(HeaderSubject, encode(e.Order))
	}
	set("ce-time", statemachine.FormatTime(e.Time))
	set("ce-sequence", padded(at.Sequence))
	set(HeaderSequence, strconv.FormatUint(e.Sequence, 10))
	set(HeaderRevision, strconv.FormatUint(at.Revision, 10))
	if e.Digest != "" {
		set(HeaderDigest, e.Digest)
	}
	if e.Type != Changed { // a Changed event has its sequence as position
		set(HeaderPosition, strconv.FormatUint(at.Position, 10))
	}
	return h
}

// padded returns a number with 20 digits.
func padded(n uint64) string {
	var b [20]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i], n = byte('0'+n%10), n/10
	}
	return string(b[:])
}

// constant are the headers that are the same for every event.
var constant = map[string][]string{"ce-specversion": {"1.0"}, "ce-datacontenttype": {"application/json"}, "Content-Type": {"application/json"},
	"ce-dataschema": {Schema}}

// ID returns the id of an event with a revision. No two events of one log have the same id.
func (e *Event) ID(revision uint64) string {
	name := e.Order
	if name == "" {
		name = e.name
	}
	return strconv.FormatUint(e.Sequence, 10) + "." + strconv.FormatUint(revision, 10) + "." + name
}
