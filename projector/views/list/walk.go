package list

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	entriesOfText = ` FROM orders o INDEXED BY orders_by_facet WHERE o.facet = +? AND o.last_sequence >= ? AND o.last_sequence <= ?`
	receivedArm   = `SELECT o.last_sequence AS k, o.n, 0 AS s` + entriesOfText
	modifiedArm   = `SELECT o.modified AS k, o.n, o.last_sequence AS s, o.received, o.modified, o.facet, o.trade FROM orders o INDEXED BY orders_by_modified
		WHERE o.facet = +? AND (o.modified, o.last_sequence) %s (?, ?) AND o.modified %s ? AND o.last_sequence <= ?`
)

// walk merges the ranges of the facets. If most is unlimited it returns the whole span. Otherwise
// it examines no more entries than the budget allows, and records in l.stopped how far it came.
func (l *lister) walk(ctx context.Context, s span, most int) (rows []found, err error) {
	switch {
	case s.byReceived && (most < 0 || l.few || l.checks.n == 0):
		return l.walkWindow(ctx, s, most)
	case s.byReceived:
		return l.walkWindows(ctx, s, most)
	}
	statements := 0
	for _, of := range l.lanes(&s) {
		if !of.dated && s.byDue && most >= 0 && len(rows) >= most {
			break // orders that are never due come last
		}
		for facets := range slices.Chunk(of.facets, armsAtOnce) {
			if err := l.walkLane(ctx, &s, &of, facets, most, &rows); err != nil {
				return nil, err
			}
			statements++
		}
	}
	if statements > 1 {
		s.sort(rows)
		rows = l.reached(rows, &s)
		if most >= 0 {
			rows = rows[:min(most, len(rows))]
		}
	}
	return rows, nil
}

// walkWindows walks a list by received in windows. Each window contains about as many entries as
// may still be examined: a sequence is the last sequence of at most one order. Entries that do not
// match are dropped in the arms, because merging them takes ten times as long.
func (l *lister) walkWindows(ctx context.Context, s span, most int) (rows []found, err error) {
	for size := int64(l.budget); s.since <= s.until; {
		window := s.begin(size)
		found, err := l.walkWindow(ctx, *window, most-len(rows))
		if rows = append(rows, found...); err != nil || len(rows) >= most {
			return rows, err
		}
		looked := 0
		for _, facet := range l.facets {
			n, err := l.count(ctx, "SELECT 1"+entriesOfText, []any{facet, window.since, window.until})
			if looked += n; err != nil {
				return nil, err
			}
		}
		s.passOver(window)
		if l.budget -= looked; l.budget <= 0 {
			l.budget = 1
			if s.since <= s.until {
				l.stop(window.end())
			}
			break
		}
		size = min(1<<40, int64(l.budget)*max(1, size/int64(max(1, looked))))
	}
	return rows, nil
}

// walkWindow walks a list by received, without a bound on the entries examined.
func (l *lister) walkWindow(ctx context.Context, s span, most int) (rows []found, err error) {
	chunks := slices.Collect(slices.Chunk(l.facets, armsAtOnce))
	for _, facets := range chunks {
		text, args := l.merge(&s, &lane{}, facets)
		if err := l.collect(ctx, text+" LIMIT +?", append(args, most), &s, &rows); err != nil {
			return nil, err
		}
	}
	if len(chunks) > 1 {
		s.sort(rows)
		if most >= 0 {
			rows = rows[:min(most, len(rows))]
		}
	}
	return rows, nil
}

func (l *lister) walkLane(ctx context.Context, s *span, of *lane, facets []int64, most int, rows *[]found) error {
	budget := l.budget
	if most < 0 || l.checks.text == "" { // every entry examined is on the page
		budget = unlimited
	}
	entries, args := l.merge(s, of, facets)
	if entries == "" {
		return nil
	}
	all := append(append(slices.Clone(args), budget), l.checks.args...)
	before := len(*rows)
	if err := l.collect(ctx, l.checked(entries, s), append(all, most), s, rows); err != nil {
		return err
	}
	if budget >= 0 && len(*rows)-before < most {
		return l.spend(ctx, entries, args, s, budget)
	}
	return nil
}

// reached removes the rows beyond the place at which the page ends early. They come from another
// statement, whose entries the walk did not reach.
func (l *lister) reached(rows []found, s *span) []found {
	if l.stopped == nil {
		return rows
	}
	return slices.DeleteFunc(rows, func(f found) bool { return l.q.Sort.precedes(*l.stopped, f.place) })
}

// merge returns a statement with an arm for each facet, or "" when nothing is left of the lane. The
// number of arms is a power of two, so that there are few statements to keep prepared. The surplus
// arms are of a facet that does not exist. In a list by received the conditions are in the arms.
func (l *lister) merge(s *span, of *lane, facets []int64) (text string, args []any) {
	arm, order := receivedArm+l.checks.text, "1 "+s.direction()
	limits := append([]any{s.since, s.until}, l.checks.args...)
	switch {
	case s.byDue:
		var left bool
		if arm, limits, left = l.dueArm(s, of); !left {
			return "", nil
		}
		if of.dated {
			order = fmt.Sprintf("1 %[1]s, 3 %[1]s", s.direction())
		}
	case !s.byReceived:
		order = fmt.Sprintf("1 %[1]s, 3 %[1]s", s.direction())
		after, beyond, within, end := s.after, ">", "<=", s.modified.Last
		if s.ascending {
			after = later(after, place{s.modified.First, -1})
		} else {
			after, beyond, within, end = earlier(after, place{s.modified.Last, math.MaxInt64}), "<", ">=", s.modified.First
		}
		arm, limits = fmt.Sprintf(modifiedArm, beyond, within), []any{after.modified, after.sequence, end, s.until}
	}
	arms := 1
	for arms < len(facets) {
		arms *= 2
	}
	for i := range arms {
		facet := int64(0)
		if i < len(facets) {
			facet = facets[i]
		}
		args = append(append(args, facet), limits...)
	}
	return strings.Repeat(arm+" UNION ALL ", arms-1) + arm + " ORDER BY " + order, args
}

// checked selects those of the first entries that satisfy the conditions. Except in a list by
// received, the conditions are checked after merging, because an arm of a facet without a match
// would read the whole facet for its first row. The inner LIMIT prevents SQLite from moving the
// conditions into the arms.
func (l *lister) checked(entries string, s *span) string {
	place := "m.k, m.n, m.s"
	if s.byDue {
		place = fmt.Sprintf(packedText, "m.") + ", m.n, m.s"
	}
	if l.checks.rows {
		return "SELECT " + place + " FROM (" + entries + " LIMIT +?) m CROSS JOIN orders o ON o.n = m.n WHERE 1" + l.checks.text + " LIMIT +?"
	}
	return "SELECT " + place + " FROM (" + entries + " LIMIT +?) m WHERE 1" + strings.ReplaceAll(l.checks.text, "o.", "m.") + " LIMIT +?"
}

// spend subtracts the examined entries of a statement from the budget for the page. budget is the
// budget with which walk began. If the statement has at least that many entries, the page ends
// early instead, at the last of them.
func (l *lister) spend(ctx context.Context, entries string, args []any, s *span, budget int) error {
	looked, err := l.count(ctx, entries+" LIMIT +?", append(slices.Clone(args), budget))
	if err != nil || looked < budget {
		l.budget = max(1, l.budget-looked)
		return err
	}
	var last place
	var packed int64
	columns, dest := "k, 0", []any{&last.sequence, new(int64)}
	switch {
	case s.byDue:
		columns, dest = fmt.Sprintf(packedText, "")+", s", []any{&packed, &last.sequence}
	case !s.byReceived:
		columns, dest = "k, s", []any{&last.modified, &last.sequence}
	}
	err = l.Row(ctx, "SELECT "+columns+" FROM ("+entries+" LIMIT 1 OFFSET ?)", append(slices.Clone(args), budget-1), dest...)
	if s.byDue {
		last.modified = l.unpacked(packed)
	}
	l.stop(last)
	return err
}

// stop records that the page ends early, at the given place or earlier.
func (l *lister) stop(at place) {
	if l.stopped == nil || l.q.Sort.precedes(at, *l.stopped) {
		l.stopped = &at
	}
}
