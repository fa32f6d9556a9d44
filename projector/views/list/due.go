package list

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/orderfold/orderfold/statemachine"
)

// Lists by due date have places of their own: the due date and then the trade date, so that orders
// of one cycle have the order of orders_by_trade. Orders that are never due come last, whichever
// way the list is sorted.
const (
	duePlace         = "\x80"
	cyclelessPlace   = "\xc0" // traded before there was a cycle; sorted by trade date
	cyclelessInverse = "\x40" // in a descending list
	neverPlace       = "\xff"
	neverInverse     = ""
	duePlaceBytes    = 1 + 4 + 4
)

// dueKey returns the place of an order in a list by due date.
func (q *Query) dueKey(class statemachine.AssetClass, trade int64) TimeKey {
	if trade <= TradeUnknown || len(q.Schedule.CyclesOf(class)) == 0 {
		if q.Sort.ascending() {
			return neverPlace
		}
		return neverInverse
	}
	day := statemachine.Day(trade)
	key, due := duePlace, statemachine.Day(0)
	if cycle := q.Schedule.CycleOf(class, day); cycle != nil {
		due = q.Schedule.Due(day, cycle.Days)
	} else if key = cyclelessInverse; q.Sort.ascending() {
		key = cyclelessPlace
	}
	b := binary.BigEndian.AppendUint32([]byte(key), uint32(due))
	return TimeKey(binary.BigEndian.AppendUint32(b, uint32(day)))
}

// lane is a part of a list whose orders one statement returns in the order of the list.
type lane struct {
	facets []int64
	dated  bool              // by trade date; else by the last sequence
	days   statemachine.Days // of the trade dates
	class  statemachine.AssetClass
}

// lanes returns the parts of the span. A list by due date has a lane for the trade dates of each
// cycle, and a last one for orders that are never due. Other lists have one lane.
func (l *lister) lanes(s *span) (lanes []lane) {
	if !s.byDue {
		return []lane{{facets: l.facets}}
	}
	var never []int64
	for _, g := range l.trades {
		cycles := l.q.Schedule.CyclesOf(g.class)
		trading := g.facets
		if g.ranges == nil {
			trading = slices.DeleteFunc(slices.Clone(g.facets), func(facet int64) bool { return !l.facetOf[facet].trades() })
			never = append(never, slices.DeleteFunc(slices.Clone(g.facets), func(facet int64) bool { return len(cycles) > 0 && l.facetOf[facet].trades() })...)
		}
		if len(trading) == 0 || len(cycles) == 0 {
			continue
		}
		for _, r := range g.ranges {
			lanes = append(lanes, ofCycles(g.class, cycles, trading, r)...)
		}
		if g.ranges == nil {
			lanes = append(lanes, ofCycles(g.class, cycles, trading, everyTrade)...)
		}
	}
	// Lanes with unknown dates come last.
	slices.SortStableFunc(lanes, func(a, b lane) int { return -cmp.Compare(a.days.First, b.days.First) })
	if len(never) > 0 {
		lanes = append(lanes, lane{facets: never})
	}
	return lanes
}

// ofCycles divides a range of trade dates by cycle.
func ofCycles(class statemachine.AssetClass, cycles []statemachine.Cycle, facets []int64, r statemachine.Days) (lanes []lane) {
	parts := []statemachine.Days{unknownTrade, {First: statemachine.AllDays.First, Last: cycles[0].From - 1}}
	for i := range cycles {
		parts = append(parts, cycles[i].DaysOf())
	}
	for _, part := range parts {
		if days := part.And(r); !days.None() {
			lanes = append(lanes, lane{facets, true, days, class})
		}
	}
	return lanes
}

const (
	dueArm = `SELECT o.trade AS k, o.n, o.last_sequence AS s, o.received, o.modified, o.facet, o.trade FROM orders o INDEXED BY orders_by_trade
		WHERE o.facet = +? AND (o.trade, o.last_sequence) %s (?, ?) AND o.trade %s +? AND o.last_sequence <= ? AND o.trade >= 0`
	neverArm = `SELECT o.last_sequence AS k, o.n, o.last_sequence AS s, o.received, o.modified, o.facet, o.trade FROM orders o
		INDEXED BY orders_by_facet WHERE o.facet = +? AND o.last_sequence >= ? AND o.last_sequence <= ?`
)

// dueArm returns the arm that reads a lane of one facet after the last place of the list that was
// returned. ok is false when nothing is left.
func (l *lister) dueArm(s *span, of *lane) (arm string, limits []any, ok bool) {
	key := func(i int) TimeKey { return l.q.dueKey(of.class, int64(of.days.First)+int64(i)) }
	if !of.dated {
		since, until := int64(0), s.until
		switch never := l.q.dueKey(0, neverTrades); {
		case s.after.modified != never:
		case s.ascending:
			since = s.after.sequence + 1
		default:
			until = min(until, s.after.sequence-1)
		}
		return neverArm, []any{since, until}, true
	}
	length := int(of.days.Last-of.days.First) + 1
	if s.ascending {
		i := sort.Search(length, func(i int) bool { return key(i) >= s.after.modified })
		if i == length {
			return "", nil, false
		}
		from := place{sequence: -1}
		if key(i) == s.after.modified {
			from.sequence = s.after.sequence
		}
		return fmt.Sprintf(dueArm, ">", "<="), []any{int64(of.days.First) + int64(i), from.sequence, int64(of.days.Last), s.until}, true
	}
	i := sort.Search(length, func(i int) bool { return key(i) > s.after.modified }) - 1
	if i < 0 {
		return "", nil, false
	}
	from := int64(math.MaxInt64)
	if key(i) == s.after.modified {
		from = s.after.sequence
	}
	return fmt.Sprintf(dueArm, "<", ">="), []any{int64(of.days.First) + int64(i), from, int64(of.days.First), s.until}, true
}

// packed is the facet and the trade date in one number, as statements return them for a list by due
// date.
const packedText = "(%[1]sfacet << 32) + %[1]strade + 1"

func (l *lister) unpacked(packed int64) TimeKey {
	facet := l.facetOf[packed>>32]
	return l.q.dueKey(facet.AssetClass, packed&math.MaxUint32-1)
}
