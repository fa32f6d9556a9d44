package views

import (
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

// row is what is to be written of an order, apart from its sequences: all that can be told without the views.
type row struct {
	facet              facet
	breaks             []rowBreak // open
	count, last        uint64     // notifications, and the sequence of the last one
	received, modified int64
	places             places
	state              []byte
}

type rowBreak struct {
	code   statemachine.Code
	opened int64
}

// take makes r the row of o, with the state in what buffer has room for, if that is enough.
func (r *row) take(o *statemachine.Order, buffer []byte) (err error) {
	state := o.State()
	*r = row{facet: facetOf(o, &state), count: o.Count, last: o.Last.Sequence, received: timeKey(o.Last.Received),
		modified: modifiedKey(state.ModifiedOn), places: placesOf(o)}
	for i := range state.Breaks {
		r.breaks = append(r.breaks, rowBreak{state.Breaks[i].Code, timeKey(state.Breaks[i].OpenedAt)})
	}
	r.state, err = o.AppendBinary(buffer)
	return err
}

func (r *row) breakSet() (set breakSet) {
	for _, b := range r.breaks {
		set |= 1 << b.code
	}
	return set
}

// Row is a new order with all of its notifications, as it is stored, so that it can be made apart from the views.
type Row struct {
	id        string
	sequences []uint64
	row
}

// NewRow makes the row of a new order, all of whose notifications are in ch.
func NewRow(ch *Change) (Row, error) {
	r := Row{id: ch.Order.ID, sequences: ch.Sequences}
	if err := r.take(ch.Order, nil); err != nil {
		return Row{}, fmt.Errorf("views: order %q: %w", r.id, err)
	}
	if r.count != uint64(len(ch.Sequences)) {
		return Row{}, fmt.Errorf("views: order %q has %d notifications, of which %d are given", r.id, r.count, len(ch.Sequences))
	}
	return r, nil
}

// Notifications is how many the row is made of.
func (r *Row) Notifications() uint64 { return r.count }
