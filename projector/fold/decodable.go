package fold

import (
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
)

// Decodable returns the part of a record that the decoder needs.
func Decodable(r *eventlog.Record) *decode.Record {
	return &decode.Record{Sequence: r.Sequence, Received: r.Received, Fetched: r.Source == eventlog.Fetched, Object: r.Object, Body: r.Body}
}
