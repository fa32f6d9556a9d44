package list

import (
	"cmp"
	"context"
	"database/sql"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// Totals are the totals of all orders that a query selects.
type Totals struct {
	Orders  uint64
	LeftOut uint64 // orders not in the sums: a number has over 18 decimal places or is too large

	OrderedUnits, OrderedAmount   statemachine.Decimal // ordered by quantity, and by amount
	ExecutedUnits, ExecutedAmount statemachine.Decimal
}

// totals returns the totals of all orders that q selects, in the same read of the views as a page.
// The sums of facets are stored, so orders that q selects by facet alone are not examined. Every
// other order is examined: in its row if a value, a break or the beginning of an id shows that
// there are few, otherwise in the entries of orders_by_facet. Two values with the same key count as
// one. It returns ErrTooManyToSum.
func (r *Read) totals(ctx context.Context, q *Query) (*Totals, error) {
	whole := *q
	whole.Sort, whole.Cursor = LatestReceived, ""
	at, err := whole.progress(r.Position)
	if err != nil {
		return nil, err
	}
	l, err := newLister(ctx, r, &whole, at)
	if err != nil {
		return nil, err
	}
	l.readWhole = l.Bounds.SummedRows
	if l.checks.n == 0 {
		return l.totalsOfFacets(ctx)
	}
	s := l.span()
	text, args, err := l.fewRows(ctx, &s)
	if err != nil {
		return nil, err
	}
	if text != "" {
		var all Sums
		orders := uint64(0)
		err := l.add(ctx, sumText+" FROM ("+text+") o", args, &all, &orders)
		return all.totals(orders), err
	}
	return l.totalsOfEntries(ctx, &s)
}

const sumColumns = "o.n, o.sums"

// fewRows returns a statement that reads sumColumns of the orders that q selects, or "" when no way
// reads only few rows.
func (l *lister) fewRows(ctx context.Context, s *span) (text string, args []any, err error) {
	few := false
	if l.q.IDPrefix != "" {
		if few, err = l.fewIDs(ctx); few {
			text, args = l.idStatement(sumColumns)
		}
	}
	if !few && err == nil {
		if few, err = l.rareBreaks(ctx); few {
			text, args = l.breakStatement(s, sumColumns)
		}
	}
	if !few && err == nil && l.value != nil {
		if few, err = l.fewOfValue(ctx, s); few {
			text, args = l.valueStatement(s, sumColumns, "")
			text = strings.ReplaceAll(text, "UNION ALL", "UNION") // an order may have a value in two columns
		}
	}
	return text, args, err
}

const (
	// SQLite concatenates the sums of all orders, which takes a quarter of the time of returning as
	// many rows.
	sumText = `SELECT count(*), CAST(group_concat(o.sums, '') AS BLOB)`
)

// add adds the sums read by a statement that begins with sumText.
func (l *lister) add(ctx context.Context, text string, args []any, to *Sums, orders *uint64) error {
	n := uint64(0)
	var together []byte
	if err := l.Row(ctx, text, args, &n, &together); err != nil {
		return err
	}
	*orders += n
	return to.addTogether(together, n)
}

// totalsOfEntries examines all entries of the facets in the part of the list that can contain
// selected orders.
func (l *lister) totalsOfEntries(ctx context.Context, s *span) (*Totals, error) {
	most := l.Bounds.Summed
	if l.checks.ids {
		most = l.Bounds.SummedRows
	}
	if l.ofTime() {
		if err := l.narrow(ctx, s); err != nil {
			return nil, err
		}
	}
	if few, err := l.fewEntries(ctx, s, uint64(most)); err != nil || !few {
		return nil, cmp.Or(err, ErrTooManyToSum)
	}
	var all Sums
	orders := uint64(0)
	for _, facet := range l.facets {
		args := append([]any{facet, s.since, s.until}, l.checks.args...)
		if err := l.add(ctx, sumText+entriesOfText+l.checks.text, args, &all, &orders); err != nil {
			return nil, err
		}
	}
	return all.totals(orders), nil
}

func (l *lister) fewEntries(ctx context.Context, s *span, most uint64) (bool, error) {
	if l.orders <= most || !l.ofTime() {
		return l.orders <= most, nil
	}
	entries := uint64(0)
	for _, facet := range l.facets {
		n, err := l.count(ctx, "SELECT 1"+entriesOfText+" LIMIT +?", []any{facet, s.since, s.until, most + 1})
		if entries += uint64(n); err != nil || entries > most {
			return false, err
		}
	}
	return true, nil
}

const facetSumsText = `SELECT f.facet, f.Orders, f.sums FROM facets f`

// ReadSums calls f with the number of each facet, the number of its orders, and their sums.
func ReadSums(ctx context.Context, c Reader, f func(facet int64, orders uint64, s Sums)) error {
	return c.Each(ctx, facetSumsText, nil, func(rows *sql.Rows) error {
		var facet int64
		var orders uint64
		var s Sums
		err := rows.Scan(&facet, &orders, &s)
		f(facet, orders, s)
		return err
	})
}

func (l *lister) totalsOfFacets(ctx context.Context) (*Totals, error) {
	var all Sums
	orders := uint64(0)
	err := ReadSums(ctx, l, func(facet int64, n uint64, s Sums) {
		if l.facetOf[facet] != nil {
			orders += n
			all.Add(&s)
		}
	})
	return all.totals(orders), err
}
