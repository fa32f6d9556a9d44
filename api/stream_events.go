package api

import (
	"bytes"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// Names of the events of the stream.
const (
	eventSnapshot  = "snapshot"
	eventOrder     = "order"
	eventResync    = "resync"
	eventDay       = "day"
	eventHeartbeat = "heartbeat"
	eventClosed    = "closed"
)

// StreamSnapshot is a part of the orders that match now.
type StreamSnapshot struct {
	Orders  []Order `json:"orders" doc:"Last notified first."`
	Page    int     `json:"page" doc:"Counts from 1. Another 1 means that the views were rebuilt meanwhile and the snapshot starts over."`
	Last    bool    `json:"last" doc:"The snapshot is complete. Only this event has an id."`
	Applied uint64  `json:"applied" doc:"The snapshot and the events after it cover everything up to any later record."`
}

// StreamOrder is an order that changed.
type StreamOrder struct {
	Order        Order       `json:"order" doc:"As in GET /v1/orders/{id}."`
	Cause        StreamCause `json:"cause"`
	StatusBefore *string     `json:"statusBefore" doc:"Status before the notification in cause; null: there was none, or it is unknown."`
	Matches      bool        `json:"matches" doc:"false: the filters no longer select the order. They did when the reader last heard of it or, right after a resume, at any time before."`
}

// StreamCause is the notification for which an event was sent. It is the order's last notification,
// even if a day event made the order due or overdue.
type StreamCause struct {
	Sequence uint64  `json:"sequence"`
	Effect   *string `json:"effect" doc:"Its effect, as in the history; null: it contained no new status (a repeat, or details only), or the effect is no longer known."`
}

// StreamResync reports that the reader's knowledge is no longer valid, or that the stream could not
// continue after Last-Event-ID.
type StreamResync struct {
	Reason      string `json:"reason" enum:"too-old,unknown,redriven,rebuilt,restored" doc:"too-old: more orders changed since than can be sent one by one; unknown: the log does not have that record, or has another one at that sequence; restored: the log was restored or a loss was accepted; redriven: quarantined notifications were applied to orders that have later ones; rebuilt: the views were rebuilt with other rules."`
	LastEventID string `json:"lastEventId" doc:"As it was sent; for an open stream, the id of its last event."`
	Detail      string `json:"detail" doc:"The reason in words."`
}

// StreamHeartbeat shows that the stream is alive.
type StreamHeartbeat struct {
	Applied    uint64 `json:"applied" doc:"Everything up to this record was examined for this stream."`
	Generation int    `json:"generation" doc:"Generation of the views."`
}

// StreamClosed is the last event of a stream that the server ends.
type StreamClosed struct {
	Reason string `json:"reason" enum:"shutdown,slow,failed"`
	Detail string `json:"detail" doc:"The reason in words."`
}

// TransformSchema lists the allowed effects.
func (*StreamCause) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["effect"].Enum = []any{statemachine.Applied, statemachine.Confirmed, statemachine.Late, statemachine.Superseded,
		statemachine.Restated, statemachine.Annotated, nil}
	return s
}

// TransformSchema lists the allowed statuses.
func (*StreamOrder) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["statusBefore"].Enum = append(statusNames(), nil)
	return s
}

// streamResponse describes the events. Each item is one event with its data as JSON in one line.
func (a *API) streamResponse() map[string]*huma.Response {
	kinds := []struct {
		name, id string
		data     reflect.Type
	}{
		{eventSnapshot, "Of the record at its position, as for order; only with the last event of a snapshot.", reflect.TypeFor[StreamSnapshot]()},
		{eventOrder, "The sequence of the order's last notification, a hyphen and the first 8 hex digits of the hash of that record; only the sequence if the record is lost or the log cannot be reached. Absent for an order that is sent for a new day after a day event.", reflect.TypeFor[StreamOrder]()},
		{eventResync, "", reflect.TypeFor[StreamResync]()},
		{eventDay, "", reflect.TypeFor[StreamDay]()},
		{eventHeartbeat, "Of the applied record, as for order, if its sequence is above that of the last id.", reflect.TypeFor[StreamHeartbeat]()},
		{eventClosed, "", reflect.TypeFor[StreamClosed]()},
	}
	var events []*huma.Schema
	for _, k := range kinds {
		properties := map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: []any{k.name}},
			"data":  a.huma.OpenAPI().Components.Schemas.Schema(k.data, true, ""),
		}
		if k.id != "" {
			properties["id"] = &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]+(-[0-9a-f]{8})?$", Description: k.id}
		}
		events = append(events, &huma.Schema{Title: k.name, Type: huma.TypeObject, Properties: properties, Required: []string{"event", "data"}})
	}
	return map[string]*huma.Response{"200": {Description: "Server-sent events, until the reader or the server ends them.",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeArray,
			Description: "The events in the order of the stream; data is written as JSON.", Items: &huma.Schema{OneOf: events}}}}}}
}

// appendEvent appends an event whose data is JSON; with an id of "", the event has no id.
func appendEvent(b []byte, event, id string, data []byte) []byte {
	b = append(append(append(b, "event: "...), event...), '\n')
	b = append(append(append(b, "data: "...), data...), '\n')
	if id != "" {
		b = append(append(append(b, "id: "...), id...), '\n')
	}
	return append(b, '\n')
}

// eventData encodes v as JSON in one line.
func eventData(v any) []byte {
	var b bytes.Buffer
	_ = writeJSON(&b, v) // only strings and numbers, so encoding cannot fail
	return bytes.TrimRight(b.Bytes(), "\n")
}

// sizeOf returns the approximate size of an order in JSON. Only its strings have no bound.
func sizeOf(o *statemachine.Order) int {
	size := 1 << 10
	for f := range statemachine.Fields {
		size += len(o.Detail(f))
	}
	for _, refusal := range o.Refusals() {
		size += len(refusal.ErrorType) + len(refusal.Description)
	}
	return size
}
