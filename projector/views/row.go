package views

import (
	"fmt"
	"slices"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// row contains the columns of an order that are computed without the views. It does not contain the
// sequences.
type row struct {
	facet       list.Facet
	breaks      []rowBreak // open
	first       int64      // the sequence of the first notification, which is the number of the row
	count, last uint64     // notifications, and the sequence of the last one
	received    int64
	modified    list.TimeKey
	since       list.TimeKey // of the status
	trade       int64
	extent      statemachine.Extent
	sums        list.Sums
	places      places
	state       []byte
}

type rowBreak struct {
	code   statemachine.Code
	opened list.TimeKey
}

// take makes r the row of o. It encodes the state into the free part of buffer if it fits.
func (r *row) take(o *statemachine.Order, buffer []byte) (err error) {
	state := o.State()
	*r = row{facet: list.FacetOf(o, &state), first: int64(o.First.Sequence), count: o.Count, last: o.Last.Sequence, received: list.ReceivedKey(o.Last.Received),
		modified: list.ModifiedKey(state.ModifiedOn, state.Dated),
		since:    list.ModifiedKey(state.StatusSince, state.Status != ""), extent: state.Extent, trade: list.TradeOf(&state), sums: list.SumsOf(o, &state), places: placesOf(o)}
	for i := range state.Breaks {
		r.breaks = append(r.breaks, rowBreak{state.Breaks[i].Code, list.TimeKeyOf(state.Breaks[i].OpenedAt)})
	}
	r.state, err = o.AppendBinary(buffer)
	return err
}

// states is memory for encoded states. It is allocated in pieces. A new piece is begun when the rest
// of the last one is too small for nearly every state.
type states []byte

const (
	statesTogether = 64 << 10 // size of the largest piece, in bytes
	usualState     = 512
	largeState     = 4 << 10
)

// put makes r the row of o. left is the number of orders that follow.
func (s *states) put(r *row, o *statemachine.Order, left int) error {
	used := len(*s)
	if cap(*s)-used < largeState {
		*s, used = make([]byte, 0, min(largeState+left*usualState, statesTogether)), 0
	}
	if err := r.take(o, (*s)[used:]); err != nil {
		return fmt.Errorf("views: order %q: %w", o.ID, err)
	}
	if end := used + len(r.state); end <= cap(*s) {
		*s = (*s)[:end]
	}
	r.state = slices.Clip(r.state) // the memory after it belongs to other rows
	return nil
}

// Row is a new order with all of its notifications, in its stored form. It can be made without
// access to the views.
type Row struct {
	id        string
	sequences []uint64
	row
}

// NewRows makes the rows of new orders. The changes must contain all of their notifications.
func NewRows(changes []*Change) ([]Row, error) {
	rows := make([]Row, len(changes))
	var s states
	for i, ch := range changes {
		r := &rows[i]
		r.id, r.sequences = ch.Order.ID, ch.Sequences
		if err := s.put(&r.row, ch.Order, len(changes)-1-i); err != nil {
			return nil, err
		}
		if r.count != uint64(len(ch.Sequences)) {
			return nil, fmt.Errorf("views: order %q has %d notifications, of which %d are given", r.id, r.count, len(ch.Sequences))
		}
	}
	return rows, nil
}

// Notifications returns the number of notifications from which the row was made.
func (r *Row) Notifications() uint64 { return r.count }
