package views

import (
	"fmt"
	"slices"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// row is what is to be written of an order, apart from its sequences: all that can be told without
// the views.
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

// take makes r the row of o, with the state in what buffer has room for, if that is enough.
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

// states are put down in pieces of memory of one size, each until so much is left as nearly every
// one fits into.
type states []byte

const (
	statesTogether = 64 << 10
	largeState     = 4 << 10
)

// put makes r the row of o.
func (s *states) put(r *row, o *statemachine.Order) error {
	used := len(*s)
	if cap(*s)-used < largeState {
		*s, used = make([]byte, 0, statesTogether), 0
	}
	if err := r.take(o, (*s)[used:]); err != nil {
		return fmt.Errorf("views: order %q: %w", o.ID, err)
	}
	if end := used + len(r.state); end <= cap(*s) {
		*s = (*s)[:end]
	}
	r.state = slices.Clip(r.state) // what follows belongs to others
	return nil
}

// Row is a new order with all of its notifications, as it is stored, so that it can be made apart
// from the views.
type Row struct {
	id        string
	sequences []uint64
	row
}

// NewRows makes the rows of new orders, all of whose notifications are in the changes.
func NewRows(changes []*Change) ([]Row, error) {
	rows := make([]Row, len(changes))
	var s states
	for i, ch := range changes {
		r := &rows[i]
		r.id, r.sequences = ch.Order.ID, ch.Sequences
		if err := s.put(&r.row, ch.Order); err != nil {
			return nil, err
		}
		if r.count != uint64(len(ch.Sequences)) {
			return nil, fmt.Errorf("views: order %q has %d notifications, of which %d are given", r.id, r.count, len(ch.Sequences))
		}
	}
	return rows, nil
}

// Notifications is how many the row is made of.
func (r *Row) Notifications() uint64 { return r.count }
