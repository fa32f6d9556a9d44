package views

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

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
		if err := c.row(ctx, sequenceText, nil, &page.Applied); err != nil {
			return err
		}
		at, err := q.progress(g.number, int64(page.Applied))
		if err != nil {
			return err
		}
		l, err := newLister(ctx, c, &q, at)
		if err != nil || len(l.facets) == 0 {
			return err
		}
		page.Orders, err = l.page(ctx, int64(page.Applied))
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
type place struct{ modified, sequence int64 }

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
	few    bool    // they have few orders
	checks conditions
	progress
	more bool // there is a page after this one
}

// bounds are numbers of rows that can be looked at in a few milliseconds. A variable for tests, to which few are many.
var bounds = struct{ orders, entries, inEra int }{
	orders:  2_000, // each in its own place in the file
	entries: 5_000, // one after another in an index
	inEra:   1_000, // orders of one value in one era: beyond that walking the era takes less time
}

func newLister(ctx context.Context, c *connection, q *Query, at progress) (*lister, error) {
	known, err := readFacets(ctx, c)
	if err != nil {
		return nil, err
	}
	l := &lister{q: q, c: c, checks: q.conditions(), progress: at}
	orders := uint64(0)
	for i := range known {
		if known[i].orders > 0 && q.selects(&known[i].facet) {
			l.facets = append(l.facets, known[i].number)
			orders += known[i].orders
		}
	}
	l.few = orders <= uint64(bounds.orders)
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
	if l.more = len(rows) > rest; l.more {
		rows = rows[:rest]
	}
	if len(rows) > 0 {
		l.last = rows[len(rows)-1].place
	}
	err = l.read(ctx, rows, func(o *statemachine.Order, _ []byte) error {
		if l.q.holds(o) {
			orders = append(orders, *o)
		}
		return nil
	})
	return orders, err
}

const ordersText = `SELECT o.n, o.id, o.state, o.recent FROM json_each(?) j CROSS JOIN orders o ON o.n = j.value`

// read calls f with each of the orders and the sequences in its row, which are gone when f returns.
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
	return l.c.each(ctx, ordersText, []any{string(list)}, func(r *sql.Rows) error {
		var n int64
		var o statemachine.Order
		var state, recent sql.RawBytes
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
	is := func(value string, fields ...statemachine.Field) bool {
		return value == "" || slices.ContainsFunc(fields, func(f statemachine.Field) bool { return o.Detail(f) == value })
	}
	return is(q.ExternalID, statemachine.ExternalID) && is(q.ISIN, statemachine.ISIN) && is(q.Symbol, statemachine.Symbol) &&
		is(q.ProductID, statemachine.DepositoryProduct, statemachine.WalletProduct, statemachine.CashProduct)
}
