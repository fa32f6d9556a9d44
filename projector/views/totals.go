package views

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// ErrTooManyToSum occurs when the totals of a list are asked for, and more orders would have to be looked at than are for one answer.
// Nothing was summed.
var ErrTooManyToSum = errors.New("views: more orders than are summed for one answer")

// Totals are of all orders that a query selects.
type Totals struct {
	Orders  uint64
	LeftOut uint64 // orders with a number that is not in the sums: of more than 18 decimal places, or too great

	OrderedUnits, OrderedAmount   statemachine.Decimal // by quantity, and by money
	ExecutedUnits, ExecutedAmount statemachine.Decimal
}

// sums are those of some orders, or of one: quantities ordered and executed, in units and in money.
type sums struct {
	orderedUnits, orderedAmount, executedUnits, executedAmount statemachine.Fixed
	leftOut                                                    int64
}

// each calls f with each number.
func (s *sums) each(f func(i int, number *statemachine.Fixed)) {
	for i, number := range []*statemachine.Fixed{&s.orderedUnits, &s.orderedAmount, &s.executedUnits, &s.executedAmount} {
		f(i, number)
	}
}

func sumsOf(o *statemachine.Order, state *statemachine.State) (s sums) {
	told := [...]statemachine.Decimal{statemachine.Decimal(o.Detail(statemachine.Quantity)), statemachine.Decimal(o.Detail(statemachine.Amount)),
		state.Executed, state.Amount}
	s.each(func(i int, number *statemachine.Fixed) {
		f, ok := told[i].Fixed()
		if *number = f; !ok {
			s.leftOut = 1
		}
	})
	return s
}

func (s *sums) add(t *sums) {
	s.orderedUnits, s.orderedAmount = s.orderedUnits.Add(t.orderedUnits), s.orderedAmount.Add(t.orderedAmount)
	s.executedUnits, s.executedAmount = s.executedUnits.Add(t.executedUnits), s.executedAmount.Add(t.executedAmount)
	s.leftOut += t.leftOut
}

func (s *sums) subtract(t *sums) {
	s.orderedUnits, s.orderedAmount = s.orderedUnits.Sub(t.orderedUnits), s.orderedAmount.Sub(t.orderedAmount)
	s.executedUnits, s.executedAmount = s.executedUnits.Sub(t.executedUnits), s.executedAmount.Sub(t.executedAmount)
	s.leftOut -= t.leftOut
}

// encoded is how sums are stored.
func (s *sums) encoded() (b []byte) {
	b = make([]byte, 0, 48)
	s.each(func(_ int, number *statemachine.Fixed) { b = number.Append(b) })
	return binary.AppendVarint(b, s.leftOut)
}

// String writes them for a person.
func (s *sums) String() string {
	t := s.totals(0)
	return fmt.Sprintf("ordered %s and %s, executed %s and %s, left out %d", t.OrderedUnits, t.OrderedAmount, t.ExecutedUnits, t.ExecutedAmount, t.LeftOut)
}

// decode reads what encoded returned at the beginning of b, and returns what follows; ok is false when b does not begin so.
func (s *sums) decode(b []byte) (rest []byte, ok bool) {
	ok = true
	s.each(func(_ int, number *statemachine.Fixed) {
		if ok {
			*number, b, ok = statemachine.FixedOf(b)
		}
	})
	n := 0
	s.leftOut, n = binary.Varint(b)
	if !ok || n <= 0 {
		return nil, false
	}
	return b[n:], true
}

// Scan reads what encoded returned; nothing is zero.
func (s *sums) Scan(stored any) error {
	*s = sums{}
	b, ok := stored.([]byte)
	if ok && len(b) == 0 {
		return nil
	}
	if ok {
		b, ok = s.decode(b)
	}
	if !ok || len(b) > 0 {
		return fmt.Errorf("sums %x: %w", stored, ErrDamaged)
	}
	return nil
}

func (s *sums) totals(orders uint64) *Totals {
	return &Totals{orders, uint64(s.leftOut), s.orderedUnits.Decimal(), s.orderedAmount.Decimal(), s.executedUnits.Decimal(), s.executedAmount.Decimal()}
}

// totals returns those of all orders that q selects, in the same read of the views as a page. What facets alone select is kept. Of the
// rest each order is looked at: in its row, when a value, a break or the beginning of an id shows that they are few, and else in the
// entries of orders_by_facet. Two values with the same key count as one. It returns ErrTooManyToSum.
func totals(ctx context.Context, c *connection, q *Query, applied int64) (*Totals, error) {
	whole := *q
	whole.Sort, whole.Cursor = LatestReceived, ""
	at, err := whole.progress(0, applied)
	if err != nil {
		return nil, err
	}
	l, err := newLister(ctx, c, &whole, at)
	if err != nil {
		return nil, err
	}
	l.readWhole = bounds.summedRows
	if l.checks.n == 0 {
		return l.totalsOfFacets(ctx)
	}
	s := l.span()
	text, args, err := l.fewRows(ctx, &s)
	if err != nil {
		return nil, err
	}
	if text != "" {
		var all sums
		orders := uint64(0)
		err := l.add(ctx, sumText+" FROM ("+text+") o", args, &all, &orders)
		return all.totals(orders), err
	}
	return l.totalsOfEntries(ctx, &s)
}

const sumColumns = "o.n, o.sums"

// fewRows returns a statement that reads sumColumns of the orders that q selects; "" when there is no way on which few rows are
// read.
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
			text = strings.ReplaceAll(text, "UNION ALL", "UNION") // one may have a value in two columns
		}
	}
	return text, args, err
}

const (
	// SQLite puts the sums of all orders one after the other, which takes a quarter of the time of handing over as many rows.
	sumText = `SELECT count(*), CAST(group_concat(o.sums, '') AS BLOB)`
)

// add adds the sums of what a statement that begins with sumText reads.
func (l *lister) add(ctx context.Context, text string, args []any, to *sums, orders *uint64) error {
	n := uint64(0)
	var together []byte
	if err := l.c.row(ctx, text, args, &n, &together); err != nil {
		return err
	}
	*orders += n
	return to.addTogether(together, n)
}

// totalsOfEntries looks at all entries of the facets in the part of the list that can have such orders.
func (l *lister) totalsOfEntries(ctx context.Context, s *span) (*Totals, error) {
	most := bounds.summed
	if l.checks.ids {
		most = bounds.summedRows
	}
	if l.ofTime() {
		if err := l.narrow(ctx, s); err != nil {
			return nil, err
		}
	}
	if few, err := l.fewEntries(ctx, s, uint64(most)); err != nil || !few {
		return nil, cmp.Or(err, ErrTooManyToSum)
	}
	var all sums
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

// addTogether adds the sums of so many orders, encoded one after the other.
func (s *sums) addTogether(b []byte, orders uint64) error {
	var one sums
	ok := true
	for ; orders > 0 && ok; orders-- {
		if b, ok = one.decode(b); ok {
			s.add(&one)
		}
	}
	if !ok || len(b) > 0 {
		return fmt.Errorf("sums of a facet: %w", ErrDamaged)
	}
	return nil
}

const facetSumsText = `SELECT f.facet, f.orders, f.sums FROM facets f`

func (l *lister) totalsOfFacets(ctx context.Context) (*Totals, error) {
	selected := map[int64]bool{}
	for _, facet := range l.facets {
		selected[facet] = true
	}
	var all sums
	orders := uint64(0)
	err := l.c.each(ctx, facetSumsText, nil, func(rows *sql.Rows) error {
		var facet int64
		var n uint64
		var s sums
		err := rows.Scan(&facet, &n, &s)
		if selected[facet] {
			orders += n
			all.add(&s)
		}
		return err
	})
	return all.totals(orders), err
}
