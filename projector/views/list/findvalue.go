package list

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// valueFilter selects orders by a detail that has many values; see DESIGN.md.
type valueFilter struct {
	columns []string
	fields  []statemachine.Field
	folded  bool // the case of letters is ignored
	indexed bool
	unique  bool // few orders share a value: not a column of orders_by_facet
	values  []string
}

// valueTable contains all filters by value. The filter whose values have the fewest orders as a
// rule comes first.
var valueTable = []struct {
	valueFilter
	of func(*Query) []string
}{
	{valueFilter{[]string{"external"}, []statemachine.Field{statemachine.ExternalID}, false, true, true, nil}, func(q *Query) []string { return q.ExternalIDs }},
	{valueFilter{[]string{"depository", "wallet", "cash"},
		[]statemachine.Field{statemachine.DepositoryProduct, statemachine.WalletProduct, statemachine.CashProduct}, false, true, false, nil},
		func(q *Query) []string { return q.ProductIDs }},
	{valueFilter{[]string{"isin"}, []statemachine.Field{statemachine.ISIN}, true, true, false, nil}, func(q *Query) []string { return q.ISINs }},
	{valueFilter{[]string{"symbol"}, []statemachine.Field{statemachine.Symbol}, true, true, false, nil}, func(q *Query) []string { return q.Symbols }},
	{valueFilter{[]string{"order_type"}, []statemachine.Field{statemachine.OrderType}, true, false, false, nil}, func(q *Query) []string { return q.OrderTypes }},
	{valueFilter{[]string{"exchange"}, []statemachine.Field{statemachine.ExchangeCode}, true, false, false, nil}, func(q *Query) []string { return q.ExchangeCodes }},
}

// valueFilters yields the filters that q uses.
func (q *Query) valueFilters() iter.Seq[valueFilter] {
	return func(yield func(valueFilter) bool) {
		for i := range valueTable {
			if values := valueTable[i].of(q); len(values) > 0 {
				v := valueTable[i].valueFilter
				v.values = values
				if !yield(v) {
					return
				}
			}
		}
	}
}

// value returns the first of those filters that has an index, or nil when there is none.
func (q *Query) value() *valueFilter {
	for v := range q.valueFilters() {
		if v.indexed {
			return &v
		}
		break
	}
	return nil
}

func (v *valueFilter) includes(text string) bool {
	return text != "" && slices.ContainsFunc(v.values, func(value string) bool {
		return value == text || v.folded && FoldCase(value) == FoldCase(text)
	})
}

// keys returns the keys of the values in an index, each once.
func (v *valueFilter) keys() (keys []int64) {
	for _, value := range v.values {
		if v.folded {
			value = FoldCase(value)
		}
		keys = append(keys, ValueKey(value))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// keyList returns the keys as json_each takes them.
func (v *valueFilter) keyList() string { return numberList(v.keys()) }

// ranges calls f for each range of an index that contains orders with the values. The number of
// ranges is that of the columns times a power of two, so that there are few statements to keep
// prepared. The surplus ranges are of no value.
func (v *valueFilter) ranges(f func(column string, key int64)) {
	keys := v.keys()
	for n := len(keys); n&(n-1) != 0; n++ {
		keys = append(keys, 0)
	}
	for _, column := range v.columns {
		for _, key := range keys {
			f(column, key)
		}
	}
}

const (
	// SQLite recognizes the index by the second condition on the value.
	valueArm = `SELECT %[2]s FROM orders o INDEXED BY orders_by_%[1]s WHERE o.%[1]s = ? AND o.%[1]s <> 0 AND o.era >= ? AND o.era <= ?
		AND o.last_sequence >= ? AND o.last_sequence <= ? AND +o.facet IN (SELECT value FROM json_each(?))`
	eraColumns = "o.era, o.n, o.last_sequence"
)

// valueStatement returns a statement that selects the orders of the span that have one of the
// values.
func (l *lister) valueStatement(s *span, columns, end string) (text string, args []any) {
	var arms []string
	facets := numberList(l.facets)
	l.value.ranges(func(column string, key int64) {
		arms = append(arms, fmt.Sprintf(valueArm, column, columns)+l.checks.text)
		args = append(args, key, s.since>>EraShift, s.until>>EraShift, s.since, s.until, facets)
		args = append(args, l.checks.args...)
	})
	return strings.Join(arms, " UNION ALL ") + end, args
}

// entriesText selects the entries of a value in some eras of an index.
const entriesText = `SELECT o.era FROM orders o INDEXED BY orders_by_%[1]s WHERE o.%[1]s = ? AND o.%[1]s <> 0 AND o.era >= ? AND o.era <= ?`

func (l *lister) entries(first, last int64) (text string, args []any) {
	var arms []string
	l.value.ranges(func(column string, key int64) {
		arms = append(arms, fmt.Sprintf(entriesText, column))
		args = append(args, key, first, last)
	})
	return strings.Join(arms, " UNION ALL "), args
}

// valueRows finds the orders of a list by the time modified, by their value.
func (l *lister) valueRows(ctx context.Context, s *span, to *[]found) (few bool, err error) {
	if few, err = l.fewOfValue(ctx, s); err != nil || !few {
		return false, err
	}
	whole := *s
	whole.since = 0
	text, args := l.valueStatement(&whole, s.placeColumns(), "")
	return true, l.collect(ctx, text, args, s, to)
}

func (l *lister) fewOfValue(ctx context.Context, s *span) (bool, error) {
	text, args := l.entries(0, s.until>>EraShift)
	entries, err := l.count(ctx, text+" LIMIT +?", append(args, l.readWhole+1))
	return entries <= l.readWhole, err
}

const (
	idEntriesText = `SELECT o.n FROM orders o INDEXED BY orders_by_id WHERE o.id >= ? AND o.id < ?`
	idRowsText    = `SELECT %s FROM orders o INDEXED BY orders_by_id WHERE o.id >= ? AND o.id < ?
		AND +o.facet IN (SELECT value FROM json_each(?))`
)

// idRows finds orders by the beginning of their id.
func (l *lister) idRows(ctx context.Context, s *span, to *[]found) (few bool, err error) {
	if few, err = l.fewIDs(ctx); err != nil || !few {
		return false, err
	}
	text, args := l.idStatement(s.placeColumns())
	return true, l.collect(ctx, text, args, s, to)
}

func (l *lister) fewIDs(ctx context.Context) (bool, error) {
	args := []any{l.q.IDPrefix, prefixEnd(l.q.IDPrefix), l.readWhole + 1}
	entries, err := l.count(ctx, idEntriesText+" LIMIT +?", args)
	return entries <= l.readWhole, err
}

// idStatement returns a statement that reads columns of all orders that q selects by the beginning
// of their id.
func (l *lister) idStatement(columns string) (text string, args []any) {
	args = append([]any{l.q.IDPrefix, prefixEnd(l.q.IDPrefix), numberList(l.facets)}, l.checks.args...)
	return fmt.Sprintf(idRowsText, columns) + l.checks.text, args
}

// prefixEnd returns the first string after all strings that begin with the prefix. Like SQLite, it
// compares strings by their bytes.
func prefixEnd(prefix string) string {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return string(end[:i+1])
		}
	}
	return strings.Repeat("\xff", len(prefix)+1) // no string in UTF-8 comes after it
}

// denseEra looks at the first era of the span that has an order with the value. If many orders of
// that era have it, denseEra returns the era as a part of the span, otherwise nil.
func (l *lister) denseEra(ctx context.Context, s *span) (*span, error) {
	text, args := l.entries(s.since>>EraShift, s.until>>EraShift)
	var era int64
	err := l.Row(ctx, text+" ORDER BY 1 "+s.direction()+" LIMIT 1", args, &era)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, args = l.entries(era, era)
	entries, err := l.count(ctx, text+" LIMIT +?", append(args, l.Bounds.InEra+1))
	if err != nil || entries <= l.Bounds.InEra {
		return nil, err
	}
	return s.inEra(era), nil
}

// passed subtracts the entries of the eras before the dense one from the budget.
func (l *lister) passed(ctx context.Context, s, dense *span) error {
	first, last := dense.until>>EraShift+1, s.until>>EraShift
	if s.ascending {
		first, last = s.since>>EraShift, dense.since>>EraShift-1
	}
	text, args := l.entries(first, last)
	looked, err := l.count(ctx, text+" LIMIT +?", append(args, l.budget))
	l.budget = max(1, l.budget-looked)
	return err
}

// end returns the place at which a span by received ends. The next page continues after it.
func (s *span) end() place {
	if s.ascending {
		return place{sequence: s.until}
	}
	return place{sequence: s.since}
}

// begin returns the first part of the span, with the given number of sequences.
func (s *span) begin(size int64) *span {
	part := *s
	if s.ascending {
		part.until = min(s.until, s.since+size-1)
	} else {
		part.since = max(s.since, s.until-size+1)
	}
	return &part
}

func (s *span) inEra(era int64) *span {
	part := *s
	part.since, part.until = max(s.since, era<<EraShift), min(s.until, (era+1)<<EraShift-1)
	return &part
}

// errEnough ends a statement early.
var errEnough = errors.New("views: enough was read")

// findByEra reads the orders with a value one era at a time, and sorts those of each era, because
// lists by value are kept by era.
func (l *lister) findByEra(ctx context.Context, s span, most int) (rows []found, err error) {
	for len(rows) < most && s.since <= s.until && l.stopped == nil {
		dense, err := l.denseEra(ctx, &s)
		if err == nil && dense == nil {
			var sparse []found
			sparse, dense, err = l.readEras(ctx, &s, most-len(rows))
			rows = append(rows, sparse...)
		}
		if err != nil {
			return nil, err
		}
		if dense == nil || len(rows) >= most {
			break
		}
		more, err := l.walk(ctx, *dense, most-len(rows))
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		s.passOver(dense)
	}
	return rows[:min(most, len(rows))], nil
}

// passOver removes the part with which the span begins.
func (s *span) passOver(part *span) {
	if s.ascending {
		s.since = part.until + 1
	} else {
		s.until = part.since - 1
	}
}

// affordable returns the part of the span, in whole eras, for whose entries of the value the budget
// suffices.
func (l *lister) affordable(ctx context.Context, s *span) (*span, error) {
	if l.checks.n == 1 && l.everyFacet {
		return s, nil // the value is the only condition: every entry examined is on the page
	}
	text, args := l.entries(s.since>>EraShift, s.until>>EraShift)
	var beyond int64
	err := l.Row(ctx, text+" ORDER BY 1 "+s.direction()+" LIMIT 1 OFFSET ?", append(args, l.budget), &beyond)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	rest := s.inEra(beyond)
	part := *s
	if s.ascending {
		part.until = rest.since - 1
	} else {
		part.since = rest.until + 1
	}
	return &part, err
}

// readEras reads whole eras until they have enough orders, the span ends, or an era is dense; it
// returns the dense era as a part of the span. It may end early. The first era is not dense, so
// every page makes progress.
func (l *lister) readEras(ctx context.Context, whole *span, most int) (rows []found, dense *span, err error) {
	s, err := l.affordable(ctx, whole)
	if err != nil {
		return nil, nil, err
	}
	text, args := l.valueStatement(s, eraColumns, " ORDER BY 1 "+s.direction())
	era, before := int64(-1), 0 // rows of the previous eras
	err = l.Each(ctx, text, args, func(r *sql.Rows) error {
		var f found
		var of int64
		if err := r.Scan(&of, &f.n, &f.sequence); err != nil {
			return err
		}
		if of != era {
			if len(rows) >= most {
				return errEnough
			}
			era, before = of, len(rows)
		}
		if rows = append(rows, f); len(rows)-before > l.Bounds.InEra {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, nil, err
	}
	if len(rows)-before > l.Bounds.InEra {
		rows, dense = rows[:before], s.inEra(era)
		if err := l.passed(ctx, s, dense); err != nil {
			return nil, nil, err
		}
	}
	if s != whole && dense == nil && len(rows) < most {
		l.stop(s.end())
	}
	return cut(rows, s, len(rows)), dense, nil
}

// Texts returns statements of which lists are made. Together they contain every index and column
// that lists use.
func Texts() (texts []string) {
	x := []string{"x"}
	for _, value := range []Query{{ExternalIDs: x}, {ProductIDs: x}, {ISINs: x}, {Symbols: x}} {
		for _, sort := range []Sort{LatestReceived, EarliestModified} {
			q := value
			q.Sort, q.Received = sort, Period{Since: &firstReceived}
			l := &lister{q: &q, checks: q.conditions(), value: q.value()}
			s := l.span()
			entries, _ := l.merge(&s, &lane{}, []int64{1})
			walk := entries
			if !s.byReceived {
				walk = l.checked(entries, &s)
			}
			byValue, _ := l.valueStatement(&s, eraColumns, " ORDER BY 1")
			texts = append(texts, walk, byValue)
		}
	}
	var unindexed conditions
	(&Query{QuantityMin: "1", Executed: new(statemachine.Extent), Created: Period{Since: &firstReceived},
		StatusChanged: Period{Since: &firstReceived}}).addUnindexed(&unindexed)
	return append(texts, fmt.Sprintf(idRowsText, sumColumns), sumText+entriesOfText, zoneSpanText, fmt.Sprintf(tradeArm, "o.n"), ordersText, fmt.Sprintf(zonesText, "DESC"),
		fmt.Sprintf(byBreakText, breakArm, "DESC", unindexed.text), modifiedRowsArm, facetsText, facetSumsText, quantitiesText,
		fmt.Sprintf(byOpenedText, openedArm), countOpenedText)
}
