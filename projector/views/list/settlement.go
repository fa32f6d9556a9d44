package list

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// The only stored part of a settlement is the trade date, which follows from the facts. The due
// date, and whether it has passed, are computed for each query: a query is translated into ranges
// of trade dates, by asset class. See DESIGN.md, "Settlement".

// Settling derives the settlement of an order from its trade date.
type Settling struct {
	Schedule *statemachine.Schedule
	Today    statemachine.Day
}

// The column trade contains the trade date of an order that awaits its settlement or has settled,
// or one of these.
const (
	neverTrades  = -1 // it neither awaits a settlement nor has settled
	TradeUnknown = 0  // it has settled, and the fact that completed it is not known
)

var (
	everyTrade   = statemachine.Days{First: neverTrades, Last: statemachine.AllDays.Last}
	unknownTrade = statemachine.Days{First: TradeUnknown, Last: TradeUnknown}
)

// TradeOf returns the column trade of an order in the given state.
func TradeOf(state *statemachine.State) int64 {
	if state.Status != statemachine.Settled && !state.AwaitsSettlement() {
		return neverTrades
	}
	return int64(state.Traded)
}

// Awaits reports whether the orders of the facet await their settlement. All of them have a trade
// date.
func (f *Facet) Awaits() bool {
	return (&statemachine.State{Status: f.Status, Open: f.Open, Final: f.Final}).AwaitsSettlement()
}

func (f *Facet) trades() bool { return f.Status == statemachine.Settled || f.Awaits() }

func (q *Query) dueGiven() bool { return q.Due != statemachine.Days{} }

// bySettlement reports whether q selects by settlement, which follows from trade dates.
func (q *Query) bySettlement() bool { return len(q.Settlement) > 0 || q.dueGiven() }

func (q *Query) wants(state statemachine.SettlementState) bool {
	return len(q.Settlement) == 0 || slices.Contains(q.Settlement, state)
}

// settles reports whether q selects, by settlement, an order of that class and state.
func (q *Query) settles(class statemachine.AssetClass, state *statemachine.State) bool {
	if !q.bySettlement() {
		return true
	}
	s, _ := q.Schedule.Settlement(class, state, q.Today)
	return q.wants(s.State) && (!q.dueGiven() || s.Due != 0 && s.Due >= q.Due.First && s.Due <= q.Due.Last)
}

// tradeRanges returns the values of the column trade that q selects for the orders of a facet, as
// ascending ranges.
func (q *Query) tradeRanges(f *Facet) (ranges []statemachine.Days) {
	if !q.bySettlement() {
		return []statemachine.Days{everyTrade}
	}
	cycles := q.Schedule.CyclesOf(f.AssetClass)
	if !f.trades() || len(cycles) == 0 {
		if q.dueGiven() || !q.wants(statemachine.NothingToSettle) {
			return nil
		}
		return []statemachine.Days{everyTrade}
	}
	add := func(days statemachine.Days) {
		if !days.None() {
			ranges = append(ranges, days)
		}
	}
	if !q.dueGiven() {
		// The trade dates before the first cycle.
		before := statemachine.Days{First: statemachine.AllDays.First, Last: cycles[0].From - 1}
		if f.Status == statemachine.Settled && q.wants(statemachine.HasSettled) {
			add(unknownTrade)
			add(before)
		} else if f.Awaits() && q.wants(statemachine.NothingToSettle) {
			add(before)
		}
	}
	for i := range cycles {
		for _, due := range q.dueDays(f) {
			add(q.Schedule.Traded(&cycles[i], due))
		}
	}
	return joined(ranges)
}

// dueDays returns the due dates that q selects for the orders of a facet that trades.
func (q *Query) dueDays(f *Facet) (ranges []statemachine.Days) {
	asked := statemachine.AllDays
	if q.dueGiven() {
		asked = q.Due.And(asked)
	}
	if f.Status == statemachine.Settled {
		if q.wants(statemachine.HasSettled) {
			return []statemachine.Days{asked}
		}
		return nil
	}
	for _, state := range []struct {
		statemachine.SettlementState
		statemachine.Days
	}{
		{statemachine.Overdue, statemachine.Days{First: statemachine.AllDays.First, Last: q.Today - 1}},
		{statemachine.SettlesToday, statemachine.Days{First: q.Today, Last: q.Today}},
		{statemachine.SettlesLater, statemachine.Days{First: q.Today + 1, Last: statemachine.AllDays.Last}},
	} {
		if days := state.And(asked); q.wants(state.SettlementState) && !days.None() {
			ranges = append(ranges, days)
		}
	}
	return ranges
}

// joined returns the same days in as few ranges as possible.
func joined(ranges []statemachine.Days) (joined []statemachine.Days) {
	slices.SortFunc(ranges, func(a, b statemachine.Days) int { return cmp.Compare(a.First, b.First) })
	for _, r := range ranges {
		if last := len(joined) - 1; last >= 0 && r.First <= joined[last].Last+1 {
			joined[last].Last = max(joined[last].Last, r.Last)
		} else {
			joined = append(joined, r)
		}
	}
	return joined
}

// tradesOf returns a function that returns the ranges of a facet. Facets of one asset class that
// trade alike have the same ranges.
func (q *Query) tradesOf() func(*Facet) []statemachine.Days {
	type kind struct {
		class          statemachine.AssetClass
		trades, awaits bool
	}
	known := map[kind][]statemachine.Days{}
	return func(f *Facet) []statemachine.Days {
		k := kind{f.AssetClass, f.trades(), f.Awaits()}
		ranges, ok := known[k]
		if !ok {
			ranges = q.tradeRanges(f)
			known[k] = ranges
		}
		return ranges
	}
}

// isAll reports whether the ranges contain all values that an order of the facet can have.
func isAll(f *Facet, ranges []statemachine.Days) bool {
	return ranges[0].First <= TradeUnknown && ranges[0].Last == statemachine.AllDays.Last || f.Awaits() && ranges[0] == statemachine.AllDays
}

// tradeGroup is the facets for which the same trade dates are selected.
type tradeGroup struct {
	class  statemachine.AssetClass
	awaits bool
	facets []int64
	ranges []statemachine.Days
}

// addTrades adds the conditions on trade dates, if the orders of some facets are selected by them.
func (l *lister) addTrades() {
	var texts []string
	var args []any
	partial := false
	for i := range l.trades {
		g := &l.trades[i]
		text := "+o.facet IN (SELECT value FROM json_each(?))"
		args = append(args, numberList(g.facets))
		if g.ranges != nil {
			partial = true
			var ranges []string
			for _, r := range g.ranges {
				ranges = append(ranges, "+o.trade BETWEEN ? AND ?")
				args = append(args, int64(r.First), int64(r.Last))
			}
			text += " AND (" + strings.Join(ranges, " OR ") + ")"
		}
		texts = append(texts, "("+text+")")
	}
	if partial {
		l.checks.add("("+strings.Join(texts, " OR ")+")", args...)
	}
}

// group adds a facet to the group for which those ranges are selected. Nil ranges select all
// orders.
func (l *lister) group(f *CountedFacet, ranges []statemachine.Days) {
	if isAll(&f.Facet, ranges) {
		ranges = nil
	}
	i := slices.IndexFunc(l.trades, func(g tradeGroup) bool {
		return g.class == f.AssetClass && g.awaits == f.Awaits() && slices.Equal(g.ranges, ranges)
	})
	if i < 0 {
		i = len(l.trades)
		l.trades = append(l.trades, tradeGroup{class: f.AssetClass, awaits: f.Awaits(), ranges: ranges})
	}
	l.trades[i].facets = append(l.trades[i].facets, f.Number)
}

// byTrades reports whether only some trade dates are selected for every facet.
func (l *lister) byTrades() bool {
	return len(l.trades) > 0 && !slices.ContainsFunc(l.trades, func(g tradeGroup) bool { return g.ranges == nil })
}

const tradeArm = `SELECT %s FROM orders o INDEXED BY orders_by_trade WHERE o.facet = +? AND o.trade >= +? AND o.trade <= ? AND o.trade >= 0`

// tradeRows finds the orders of a list with another sort order by their trade date.
func (l *lister) tradeRows(ctx context.Context, s *span, to *[]found) (few bool, err error) {
	var args []any
	arms := 0
	for i := range l.trades {
		for _, facet := range l.trades[i].facets {
			for _, r := range l.trades[i].ranges {
				args = append(args, facet, int64(r.First), int64(r.Last))
				arms++
			}
		}
	}
	if arms > armsAtOnce {
		return false, nil
	}
	for ; arms&(arms-1) != 0; arms++ { // so that there are few statements to keep prepared
		args = append(args, 0, 0, 0)
	}
	most := l.Bounds.Entries
	if l.checks.rows {
		most = l.readWhole
	}
	union := func(arm string) string { return strings.Repeat(arm+" UNION ALL ", arms-1) + arm }
	entries, err := l.count(ctx, union(fmt.Sprintf(tradeArm, "o.n"))+" LIMIT +?", append(slices.Clone(args), most+1))
	if err != nil || entries > most {
		return false, err
	}
	text := l.checked(union(fmt.Sprintf(tradeArm, s.entryColumns())), s)
	return true, l.collect(ctx, text, append(append(append(args, unlimited), l.checks.args...), unlimited), s, to)
}

// entryColumns returns the columns of an index entry that conditions use, and the place.
func (s *span) entryColumns() string {
	place := "o.last_sequence AS k, o.n, 0 AS s"
	if !s.byReceived {
		place = "o.modified AS k, o.n, o.last_sequence AS s"
	}
	return place + ", o.received, o.modified, o.facet, o.trade"
}

// hulls returns the ranges that contain the trade dates of all selected orders: of those that await
// their settlement, and of those that have settled. given is false when other orders are selected,
// too.
func (l *lister) hulls() (awaiting, settled KeyRange[int64], given bool) {
	awaiting, settled = NoTrade, NoTrade
	for i := range l.trades {
		g := &l.trades[i]
		if g.ranges == nil || g.ranges[0].First <= TradeUnknown {
			return KeyRange[int64]{math.MinInt64, math.MaxInt64}, KeyRange[int64]{math.MinInt64, math.MaxInt64}, false
		}
		of := &settled
		if g.awaits {
			of = &awaiting
		}
		of.Widen(int64(g.ranges[0].First))
		of.Widen(int64(g.ranges[len(g.ranges)-1].Last))
	}
	return awaiting, settled, true
}

// NoTrade is the empty range of trade dates.
var NoTrade = KeyRange[int64]{math.MaxInt64, math.MinInt64}
