package views

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

const (
	defaultLimit = 100
	maxLimit     = 500
)

func pageLimit(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}

// Orders returns one page of the orders that q selects. It returns ErrCursor when the cursor is of another query, and
// ErrCursorExpired when it is of another generation.
func (s *Store) Orders(ctx context.Context, q Query) (page Page, err error) {
	q.Limit = pageLimit(q.Limit)
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		page.Generation = g.number
		var feed string
		if err := c.row(ctx, placeText, nil, &page.Applied, &feed); err != nil {
			return err
		}
		var err error
		if page.Feed, err = readFeed(feed); err != nil {
			return err
		}
		at, err := q.progress(g.number, int64(page.Applied))
		if err != nil {
			return err
		}
		if q.Totals {
			if page.Totals, err = totals(ctx, c, &q, int64(page.Applied)); err != nil {
				return err
			}
		}
		l, err := newLister(ctx, c, &q, at)
		if err != nil || len(l.facets) == 0 {
			return err
		}
		if q.Sort.byQuantity() {
			page.Orders, err = l.pageByQuantity(ctx, int64(page.Applied))
		} else {
			page.Orders, err = l.page(ctx, int64(page.Applied))
		}
		if err == nil && l.more {
			page.Next = encodeProgress(g.number, q.list(), l.progress)
		}
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("views: list orders: %w", err)
	}
	return page, nil
}

// place is where an order stands in a list: what it is sorted by, and its last sequence. Lists by received have no modified.
type place struct {
	modified timeKey
	sequence int64
}

// found is an order in a list.
type found struct {
	place
	n int64
}

// lister makes one page, in one read of the views.
type lister struct {
	q      *Query
	c      *connection
	facets []int64 // that q selects
	orders uint64  // of these facets
	few    bool    // orders are few

	facetOf map[int64]*facet // that q selects
	trades  []tradeGroup     // they, by what trade dates are selected

	everyFacet bool // q selects all orders by facets

	checks conditions
	value  *valueFilter // that orders are found by; nil: q selects by none
	progress
	more      bool   // there is a page after this one
	readWhole int    // so many orders of a value, of a beginning of ids or with breaks are read whole and sorted
	budget    int    // entries that may still be looked at for this page
	stopped   *place // where nothing was left of that; nil: the span was read to its end, or the page is full
}

// bounds are numbers of rows that can be looked at in a few milliseconds. A variable for tests, to which few are many.
var bounds = struct{ orders, entries, inEra, looked, lookedRows, summed, summedRows int }{
	orders:     2_000,   // each in its own place in the file
	entries:    5_000,   // one after another in an index
	inEra:      1_000,   // orders of one value in one era: beyond that walking the era takes less time
	looked:     10_000,  // for one page: when more do not match, it ends early
	lookedRows: 2_000,   // the same, each in its own place in the file
	summed:     200_000, // looked at for totals, in 100 milliseconds
	summedRows: 18_000,  // the same, each in its own place in the file
}

func newLister(ctx context.Context, c *connection, q *Query, at progress) (*lister, error) {
	known, err := readFacets(ctx, c)
	if err != nil {
		return nil, err
	}
	l := &lister{q: q, c: c, checks: q.conditions(), value: q.value(), progress: at, budget: bounds.looked, readWhole: bounds.orders,
		facetOf: map[int64]*facet{}}
	trades := q.tradesOf()
	l.everyFacet = true
	for i := range known {
		f := &known[i]
		if f.orders == 0 {
			continue
		}
		ranges := trades(&f.facet)
		if !q.selects(&f.facet) || len(ranges) == 0 {
			l.everyFacet = false
			continue
		}
		l.facets, l.facetOf[f.number] = append(l.facets, f.number), &f.facet
		l.group(f, ranges)
		l.orders += f.orders
	}
	l.addTrades()
	l.few = l.orders <= uint64(bounds.orders)
	if l.value != nil || len(q.Breaks) > 0 || l.checks.ids || l.checks.rows && !q.Sort.byReceived() {
		l.budget = bounds.lookedRows
	}
	return l, nil
}

// page returns first the orders that left the part of the list that is still to come, then those that are in it.
func (l *lister) page(ctx context.Context, applied int64) ([]statemachine.Order, error) {
	orders, whole, err := l.left(ctx, applied)
	if err != nil || !whole {
		l.more = true
		return orders, err
	}
	l.accounted = applied
	rest := l.q.Limit - len(orders)
	rows, err := l.find(ctx, l.span(), rest+1)
	if err != nil {
		return nil, err
	}
	full := len(rows) > rest
	l.more = full || l.stopped != nil
	switch {
	case full && rest == 0:
		rows = nil
	case full:
		rows = rows[:rest]
		l.last = rows[rest-1].place
	case l.stopped != nil:
		l.last = *l.stopped
	case len(rows) > 0:
		l.last = rows[len(rows)-1].place
	}
	orders = slices.Grow(orders, len(rows))
	err = l.read(ctx, rows, func(o *statemachine.Order, _ []byte) error {
		if l.q.holds(o) {
			orders = append(orders, *o)
		}
		return nil
	})
	return orders, err
}

const ordersText = `SELECT o.n, o.id, o.state, o.recent FROM json_each(?) j CROSS JOIN orders o ON o.n = j.value`

// read calls f with each of the orders and the sequences in its row. Both are overwritten when f returns; a copy of the order stays valid.
func (l *lister) read(ctx context.Context, rows []found, f func(o *statemachine.Order, recent []byte) error) error {
	if len(rows) == 0 {
		return nil
	}
	numbers := make([]int64, len(rows))
	for i := range rows {
		numbers[i] = rows[i].n
	}
	list, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	var n int64
	var o statemachine.Order
	var state, recent sql.RawBytes
	return l.c.each(ctx, ordersText, []any{string(list)}, func(r *sql.Rows) error {
		if err := r.Scan(&n, &o.ID, &state, &recent); err != nil {
			return err
		}
		if n != numbers[0] {
			return fmt.Errorf("row %d in place of %d: %w", n, numbers[0], ErrDamaged)
		}
		numbers = numbers[1:]
		if err := o.UnmarshalBinary(state); err != nil {
			return fmt.Errorf("order %q: %w", o.ID, err)
		}
		return f(&o, recent)
	})
}

// holds tells orders that q selects from others whose values have the same keys.
func (q *Query) holds(o *statemachine.Order) bool {
	for v := range q.valueFilters() {
		if !slices.ContainsFunc(v.fields, func(f statemachine.Field) bool { return v.includes(o.Detail(f)) }) {
			return false
		}
	}
	quantity := statemachine.Decimal(o.Detail(statemachine.Quantity))
	return strings.HasPrefix(o.ID, q.IDPrefix) && (!q.QuantityMin.Known() || quantity.Compare(q.QuantityMin) >= 0) &&
		(!q.QuantityMax.Known() || quantity.Known() && quantity.Compare(q.QuantityMax) <= 0)
}
