package views

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	maxSequence = math.MaxInt64
	unlimited   = -1
	// armsAtOnce is how many ranges one statement merges; SQLite allows 500.
	armsAtOnce = 256
)

func (s Sort) byModified() bool { return s == LatestModified || s == EarliestModified }

func (s Sort) ascending() bool { return s == EarliestReceived || s == EarliestModified }

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.modified, b.modified), cmp.Compare(a.sequence, b.sequence))
}

func earlier(a, b place) place {
	if a.compare(b) < 0 {
		return a
	}
	return b
}

func later(a, b place) place {
	if a.compare(b) > 0 {
		return a
	}
	return b
}

// precedes reports whether a comes before b in the list.
func (s Sort) precedes(a, b place) bool {
	if s.ascending() {
		return a.compare(b) < 0
	}
	return a.compare(b) > 0
}

// conditions are those of a query on a row that is reached by another one.
type conditions struct {
	text string
	args []any
	rows bool // some are on columns that the entries of orders_by_facet and orders_by_modified do not have
}

func (c *conditions) add(text string, args ...any) {
	c.text += " AND " + text
	c.args = append(c.args, args...)
}

func (q *Query) conditions() (c conditions) {
	for _, v := range []struct{ column, value string }{{"external", q.ExternalID}, {"isin", q.ISIN}, {"symbol", q.Symbol}} {
		if v.value != "" {
			c.add("o."+v.column+" = ?", valueKey(v.value))
		}
	}
	if q.ProductID != "" {
		c.add("? IN (o.depository, o.wallet, o.cash)", valueKey(q.ProductID))
	}
	if len(q.Breaks) > 0 {
		c.add("o.breaks & ? <> 0", int64(q.breakSet()))
	}
	c.rows = c.text != ""
	for _, p := range []struct {
		column string
		Period
	}{{"received", q.Received}, {"modified", q.Modified}} {
		if p.given() {
			c.add("o."+p.column+" >= ? AND o."+p.column+" <= ?", p.keys().first, p.keys().last)
		}
	}
	return c
}

func (q *Query) breakSet() (set breakSet) {
	for _, code := range q.Breaks {
		set |= 1 << code
	}
	return set
}

// span is the part of a list, sorted by the last sequence or by the time modified, that is asked for.
type span struct {
	ascending, byReceived bool
	since, until          int64 // last sequences, both included
	after                 place // by modified
	modified              keyRange
}

// span is the part of the list that is still to come and that has not changed since the walk began.
func (l *lister) span() span {
	s := span{ascending: l.q.Sort.ascending(), byReceived: !l.q.Sort.byModified(), until: l.begun, after: l.last,
		modified: l.q.Modified.keys()}
	if s.byReceived && s.ascending {
		s.since = l.last.sequence + 1
	} else if s.byReceived {
		s.until = min(s.until, l.last.sequence-1)
	}
	return s
}

func (s *span) includes(f found) bool {
	if f.sequence < s.since || f.sequence > s.until {
		return false
	}
	if s.byReceived {
		return true
	}
	c := f.place.compare(s.after)
	return s.modified.includes(f.modified) && (s.ascending && c > 0 || !s.ascending && c < 0)
}

func (s *span) direction() string {
	if s.ascending {
		return "ASC"
	}
	return "DESC"
}

func (s *span) sort(rows []found) {
	slices.SortFunc(rows, func(a, b found) int {
		if s.ascending {
			return a.place.compare(b.place)
		}
		return b.place.compare(a.place)
	})
}

// find returns at most so many orders of the span, in its order. DESIGN.md says which way is taken when.
func (l *lister) find(ctx context.Context, s span, most int) ([]found, error) {
	if l.few {
		return l.walk(ctx, s, most)
	}
	rare, err := l.rareBreaks(ctx)
	switch {
	case err != nil:
		return nil, err
	case rare, len(l.q.Breaks) > 0 && s.byReceived && len(l.q.values()) == 0:
		return l.findByBreak(ctx, s, most)
	case len(l.q.values()) > 0 && s.byReceived:
		return l.findByEra(ctx, s, most)
	case len(l.q.values()) > 0:
		return l.findFew(ctx, s, most, l.valueRows)
	case s.byReceived && l.q.Modified.given():
		return l.findFew(ctx, s, most, l.modifiedRows)
	}
	return l.walkZones(ctx, s, most)
}

// walk merges the ranges of the facets. It returns all of the span when most is unlimited.
func (l *lister) walk(ctx context.Context, s span, most int) (rows []found, err error) {
	chunks := 0
	for facets := range slices.Chunk(l.facets, armsAtOnce) {
		text, args := l.merge(&s, facets)
		if err := l.collect(ctx, text, append(args, most), &s, &rows); err != nil {
			return nil, err
		}
		chunks++
	}
	if chunks > 1 {
		s.sort(rows)
		if most >= 0 {
			rows = rows[:min(most, len(rows))]
		}
	}
	return rows, nil
}

const (
	receivedArm = `SELECT o.last_sequence AS k, o.n, 0 AS s, o.received, o.modified FROM orders o INDEXED BY orders_by_facet
		WHERE o.facet = ? AND o.last_sequence >= ? AND o.last_sequence <= ?`
	modifiedArm = `SELECT o.modified AS k, o.n, o.last_sequence AS s, o.received, o.modified FROM orders o INDEXED BY orders_by_modified
		WHERE o.facet = ? AND (o.modified, o.last_sequence) %s (?, ?) AND o.modified %s ? AND o.last_sequence <= ?`
)

// merge returns a statement with an arm for each facet. It has a power of two of them, the surplus ones of a facet that does
// not exist, so that there are few texts to keep prepared. Conditions are looked at after merging: an arm of a facet where nothing
// satisfies them would read all of the facet for its first row.
func (l *lister) merge(s *span, facets []int64) (text string, args []any) {
	arm, order := receivedArm, "1 "+s.direction()
	limits := []any{s.since, s.until}
	if !s.byReceived {
		order = fmt.Sprintf("1 %[1]s, 3 %[1]s", s.direction())
		after, beyond, within, end := s.after, ">", "<=", s.modified.last
		if s.ascending {
			after = later(after, place{s.modified.first, -1})
		} else {
			after, beyond, within, end = earlier(after, place{s.modified.last, math.MaxInt64}), "<", ">=", s.modified.first
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
	text = strings.Repeat(arm+" UNION ALL ", arms-1) + arm + " ORDER BY " + order
	switch {
	case l.checks.rows: // LIMIT -1 keeps SQLite from moving conditions into the arms
		text = "SELECT m.k, m.n, m.s FROM (" + text + " LIMIT -1) m CROSS JOIN orders o ON o.n = m.n WHERE 1" + l.checks.text
	default:
		text = "SELECT m.k, m.n, m.s FROM (" + text + " LIMIT -1) m WHERE 1" + strings.ReplaceAll(l.checks.text, "o.", "m.")
	}
	return text + " LIMIT ?", append(args, l.checks.args...)
}

// collect appends what a statement finds: the last sequence, or the time modified and at the end the last sequence.
func (l *lister) collect(ctx context.Context, text string, args []any, s *span, to *[]found) error {
	return l.c.each(ctx, text, args, func(rows *sql.Rows) error {
		var f found
		if s.byReceived {
			err := rows.Scan(&f.sequence, &f.n, new(int64))
			*to = append(*to, f)
			return err
		}
		err := rows.Scan(&f.modified, &f.n, &f.sequence)
		*to = append(*to, f)
		return err
	})
}

const (
	breakArm    = `SELECT last_sequence AS s, n FROM order_breaks INDEXED BY order_breaks_by_last WHERE code = ? AND last_sequence >= ? AND last_sequence <= ?`
	byBreakText = `SELECT o.last_sequence, o.n, 0 FROM (%[1]s ORDER BY 1 %[2]s LIMIT -1) m CROSS JOIN orders o ON o.n = m.n
		WHERE +o.facet IN (SELECT value FROM json_each(?))%[3]s ORDER BY m.s %[2]s LIMIT ?`
	ofBreakText = `SELECT o.modified, o.n, o.last_sequence FROM (%[1]s) m CROSS JOIN orders o ON o.n = m.n
		WHERE +o.facet IN (SELECT value FROM json_each(?))%[2]s LIMIT ?`
)

// rareBreaks reports whether q selects by breaks that few orders have.
func (l *lister) rareBreaks(ctx context.Context) (bool, error) {
	if len(l.q.Breaks) == 0 {
		return false, nil
	}
	counts, err := readBreakCounts(ctx, l.c)
	if err != nil {
		return false, err
	}
	orders := uint64(0)
	for _, code := range sorted(l.q.Breaks) {
		orders += counts[code]
	}
	return orders <= uint64(bounds.orders), nil
}

// findByBreak reads the orders with the breaks: UNION, for one with two of them is to be listed once.
func (l *lister) findByBreak(ctx context.Context, s span, most int) (rows []found, err error) {
	codes := sorted(l.q.Breaks)
	arms := strings.Repeat(breakArm+" UNION ", len(codes)-1) + breakArm
	var args []any
	for _, code := range codes {
		args = append(args, int64(code), s.since, s.until)
	}
	args = append(append(args, l.facetList()), l.checks.args...)
	if s.byReceived {
		text := fmt.Sprintf(byBreakText, arms, s.direction(), l.checks.text)
		err = l.collect(ctx, text, append(args, most), &s, &rows)
		return rows, err
	}
	err = l.collect(ctx, fmt.Sprintf(ofBreakText, arms, l.checks.text), append(args, unlimited), &s, &rows)
	return cut(rows, &s, most), err
}

// cut sorts rows and keeps those of the span.
func cut(rows []found, s *span, most int) []found {
	rows = slices.DeleteFunc(rows, func(f found) bool { return !s.includes(f) })
	s.sort(rows)
	rows = slices.Compact(rows) // an order may be found by several values
	return rows[:min(most, len(rows))]
}

// facetList is what json_each takes.
func (l *lister) facetList() string {
	list, _ := json.Marshal(l.facets) // numbers can be written
	return string(list)
}

// findFew takes the rows that some other way finds, when they are few; else it walks.
func (l *lister) findFew(ctx context.Context, s span, most int, by func(context.Context, *span, *[]found) (bool, error)) ([]found, error) {
	var rows []found
	few, err := by(ctx, &s, &rows)
	if err != nil {
		return nil, err
	}
	if !few {
		return l.walkZones(ctx, s, most)
	}
	return cut(rows, &s, most), nil
}

const modifiedRowsArm = `SELECT o.last_sequence, o.n, o.received FROM orders o INDEXED BY orders_by_modified
	WHERE o.facet = ? AND o.modified >= ? AND o.modified <= ?`

// modifiedRows finds by the time modified what is listed by the last sequence.
func (l *lister) modifiedRows(ctx context.Context, _ *span, to *[]found) (few bool, err error) {
	period, received := l.q.Modified.keys(), l.q.Received.keys()
	left := bounds.entries
	for facets := range slices.Chunk(l.facets, armsAtOnce) {
		var args []any
		for _, facet := range facets {
			args = append(args, facet, period.first, period.last)
		}
		text := strings.Repeat(modifiedRowsArm+" UNION ALL ", len(facets)-1) + modifiedRowsArm + " LIMIT ?"
		args = append(args, left+1)
		rows, err := l.count(ctx, text, args) // they are not read before it is known that they are few
		if left -= rows; err != nil || left < 0 {
			return false, err
		}
		err = l.c.each(ctx, text, args, func(rows *sql.Rows) error {
			var f found
			var at int64
			err := rows.Scan(&f.sequence, &f.n, &at)
			if received.includes(at) {
				*to = append(*to, f)
			}
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// count returns how many rows a statement has.
func (l *lister) count(ctx context.Context, text string, args []any) (rows int, err error) {
	err = l.c.row(ctx, "SELECT count(*) FROM ("+text+")", args, &rows)
	return rows, err
}
