package views

import (
	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// tally contains the changes of the counts in a batch.
type tally struct {
	facets        map[int64]int64
	sums          map[int64]*list.Sums // of facets
	trades        map[tradedOn]int64
	breaks        map[statemachine.Code]int64
	objects       map[string]int64
	quarantined   map[string]int64 // by class
	zones         map[int64]*zone
	lasts         map[uint64]bool // the last sequences of the orders in the batch
	notifications int
}

func newTally() *tally {
	return &tally{facets: map[int64]int64{}, sums: map[int64]*list.Sums{}, trades: map[tradedOn]int64{}, breaks: map[statemachine.Code]int64{}, objects: map[string]int64{},
		quarantined: map[string]int64{}, zones: map[int64]*zone{}, lasts: map[uint64]bool{}}
}

func (t *tally) count(old, is *stored, notifications int) {
	if old.n != 0 {
		t.facets[old.facet]--
	}
	t.facets[is.facet]++
	t.notifications += notifications
	if old.facet != is.facet || old.sums != is.sums {
		t.sumsOf(old.facet).Subtract(&old.sums) // without an old row its facet is none
		t.sumsOf(is.facet).Add(&is.sums)
	}
}

// sumsOf returns the changes of the sums of a facet.
func (t *tally) sumsOf(facet int64) *list.Sums {
	s := t.sums[facet]
	if s == nil {
		s = &list.Sums{}
		t.sums[facet] = s
	}
	return s
}

// zone contains the ranges of the times of orders whose last notification is one of a few thousand
// neighbours. All times of these orders are within the ranges, which are never narrowed.
type zone struct {
	received                 list.KeyRange[int64]
	modified, created, since list.KeyRange[list.TimeKey]
	awaiting, settled        list.KeyRange[int64] // trade dates
}

func (t *tally) widen(r *row) {
	number := int64(r.last >> list.ZoneShift)
	z := t.zones[number]
	if z == nil {
		z = &zone{list.Only(r.received), list.Only(r.modified), list.Only(r.places.created), list.Only(r.since), list.NoTrade, list.NoTrade}
		t.zones[number] = z
	}
	z.received.Widen(r.received)
	z.modified.Widen(r.modified)
	z.created.Widen(r.places.created)
	z.since.Widen(r.since)
	switch {
	case r.trade <= list.TradeUnknown:
	case r.facet.Awaits():
		z.awaiting.Widen(r.trade)
	default:
		z.settled.Widen(r.trade)
	}
}
