package list

import (
	"context"
	"database/sql"
	"slices"

	"github.com/orderfold/orderfold/statemachine"
)

const quantitiesText = `SELECT o.n, o.quantity FROM json_each(?) j CROSS JOIN orders o ON o.n = j.value`

// pageByQuantity reads and sorts the whole list for every page. It returns ErrTooManyToSort when
// the list is too long. The place of an order is its quantity and the sequence of its first
// notification, so an order keeps its place unless its quantity changes.
func (l *lister) pageByQuantity(ctx context.Context) (orders []statemachine.Order, err error) {
	whole, err := l.wholeList(ctx, l.q)
	if err != nil {
		return nil, err
	}
	rows, err := whole.findAll(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	numbers := make([]int64, len(rows))
	for i := range rows {
		numbers[i] = rows[i].n
	}
	rows = rows[:0]
	err = l.Each(ctx, quantitiesText, []any{numberList(numbers)}, func(r *sql.Rows) error {
		var f found
		err := r.Scan(&f.n, &f.modified)
		if f.sequence = f.n; l.q.Sort.precedes(l.last, f.place) {
			rows = append(rows, f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b found) int {
		if l.q.Sort.ascending() {
			return a.place.compare(b.place)
		}
		return b.place.compare(a.place)
	})
	if l.more = len(rows) > l.q.Limit; l.more {
		rows = rows[:l.q.Limit]
		l.last = rows[l.q.Limit-1].place
	}
	err = l.read(ctx, rows, func(o *statemachine.Order, _ []byte) error {
		if l.q.holds(o) {
			orders = append(orders, *o)
		}
		return nil
	})
	return orders, err
}

// wholeList returns a lister that finds all orders that q selects at once.
func (r *Read) wholeList(ctx context.Context, q *Query) (*lister, error) {
	whole := *q
	whole.Sort, whole.Cursor = LatestReceived, ""
	if q.value() != nil || len(q.Breaks) > 0 {
		whole.Sort = LatestModified // orders with the value are then read at once, not era by era
	}
	at, err := whole.progress(r.Position)
	if err != nil {
		return nil, err
	}
	l, err := newLister(ctx, r, &whole, at)
	if err == nil {
		l.budget, l.readWhole = l.Bounds.Orders, l.Bounds.Orders
	}
	return l, err
}

// findAll returns the rows of the whole list, or ErrTooManyToSort when the budget is too small.
func (l *lister) findAll(ctx context.Context) ([]found, error) {
	most := l.budget
	if len(l.facets) == 0 {
		return nil, nil
	}
	rows, err := l.find(ctx, l.span(), most+1)
	if err == nil && (l.stopped != nil || len(rows) > most) {
		err = ErrTooManyToSort
	}
	return rows, err
}
