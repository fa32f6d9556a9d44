package list

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

// PageLimit returns the largest number of rows on a page.
func PageLimit(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}

// Reader reads the views. It is not safe for concurrent use.
type Reader interface {
	// Each calls scan for every row of a query, until scan fails. A sql.RawBytes is valid only
	// until scan returns.
	Each(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error
	// Row reads the only row of a query. It returns sql.ErrNoRows when there is none.
	Row(ctx context.Context, text string, args []any, dest ...any) error
}

// Read is one read of the views. All of its statements read the same state of them.
type Read struct {
	Reader
	Position
	Bounds *Bounds
}

// Page is one page of a list. Next is the cursor of the next page, "" at the end.
type Page struct {
	Totals *Totals // if the query wants them, whatever the cursor
	Orders []statemachine.Order
	Next   string
}

// Orders returns one page of the orders that q selects. It returns ErrCursor when the cursor
// belongs to another query, ErrCursorExpired when it belongs to views of another lineage, and a
// BehindError when these views have not reached the position of the views that made it.
func (r *Read) Orders(ctx context.Context, q Query) (page Page, err error) {
	q.Limit = PageLimit(q.Limit)
	at, err := q.progress(r.Position)
	if err != nil {
		return page, err
	}
	if q.Totals {
		if page.Totals, err = r.totals(ctx, &q); err != nil {
			return page, err
		}
	}
	l, err := newLister(ctx, r, &q, at)
	if err != nil || len(l.facets) == 0 {
		return page, err
	}
	if q.Sort.byQuantity() {
		page.Orders, err = l.pageByQuantity(ctx)
	} else {
		page.Orders, err = l.page(ctx)
	}
	if err == nil && l.more {
		page.Next = encodeProgress(r.Position, q.list(), l.progress)
	}
	return page, err
}

// place is an order's place in a list: the value by which the list is sorted, and the order's last
// sequence. In lists by received, modified is empty.
type place struct {
	modified TimeKey
	sequence int64
}

// found is an order in a list.
type found struct {
	place
	n int64
}

// lister makes one page in one read of the views.
type lister struct {
	*Read
	q      *Query
	facets []int64 // that q selects
	orders uint64  // of these facets
	few    bool    // there are few orders

	facetOf map[int64]*Facet // that q selects
	trades  []tradeGroup     // these facets, grouped by the selected trade dates

	everyFacet bool // q selects all orders by facets

	checks conditions
	value  *valueFilter // by which orders are found; nil: q has none
	progress
	more      bool   // there is another page
	readWhole int    // up to this many rows found by value, id or break are all read and sorted
	budget    int    // entries that may still be examined for this page
	stopped   *place // where budget ended; nil: the span was read to its end, or the page is full
}

// Bounds are numbers of rows that can be examined in a few milliseconds.
type Bounds struct {
	Orders     int // each in its own place in the file
	Entries    int // next to each other in an index
	InEra      int // orders of one value in one era: with more, walking the era is faster
	Looked     int // entries for one page, which ends early when more do not match
	LookedRows int // the same, each in its own place in the file
	Summed     int // entries examined for totals, in 100 milliseconds
	SummedRows int // the same, each in its own place in the file
}

// UsualBounds are the bounds that the views use.
var UsualBounds = Bounds{Orders: 2_000, Entries: 5_000, InEra: 1_000, Looked: 10_000, LookedRows: 2_000, Summed: 200_000, SummedRows: 18_000}

func newLister(ctx context.Context, r *Read, q *Query, at progress) (*lister, error) {
	known, err := ReadFacets(ctx, r)
	if err != nil {
		return nil, err
	}
	l := &lister{Read: r, q: q, checks: q.conditions(), value: q.value(), progress: at, budget: r.Bounds.Looked, readWhole: r.Bounds.Orders,
		facetOf: map[int64]*Facet{}}
	trades := q.tradesOf()
	l.everyFacet = true
	for i := range known {
		f := &known[i]
		if f.Orders == 0 {
			continue
		}
		ranges := trades(&f.Facet)
		if !q.Selects(&f.Facet) || len(ranges) == 0 {
			l.everyFacet = false
			continue
		}
		l.facets, l.facetOf[f.Number] = append(l.facets, f.Number), &f.Facet
		l.group(f, ranges)
		l.orders += f.Orders
	}
	l.addTrades()
	l.few = l.orders <= uint64(l.Bounds.Orders)
	if l.value != nil || len(q.Breaks) > 0 || l.checks.ids || l.checks.rows && !q.Sort.byReceived() {
		l.budget = l.Bounds.LookedRows
	}
	return l, nil
}

// page returns the orders that left the part of the list still to come, followed by the orders in
// that part.
func (l *lister) page(ctx context.Context) ([]statemachine.Order, error) {
	orders, whole, err := l.left(ctx)
	if err != nil || !whole {
		l.more = true
		return orders, err
	}
	l.accounted = l.Applied
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

// read calls f with each order and the encoded sequences in its row. Both are overwritten after f
// returns, but a copy of the order stays valid.
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
	return l.Each(ctx, ordersText, []any{string(list)}, func(r *sql.Rows) error {
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

// holds reports whether the order has the values that q selects. Other values may have the same
// keys.
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
