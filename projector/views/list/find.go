package list

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
	// armsAtOnce is the largest number of ranges that one statement merges. SQLite allows 500.
	armsAtOnce = 256
)

func (s Sort) byModified() bool { return s == LatestModified || s == EarliestModified }

func (s Sort) byDue() bool { return s == LatestDue || s == EarliestDue }

func (s Sort) byReceived() bool { return !s.byModified() && !s.byDue() }

func (s Sort) byQuantity() bool { return s == LargestQuantity || s == SmallestQuantity }

func (s Sort) ascending() bool {
	return s == EarliestReceived || s == EarliestModified || s == SmallestQuantity || s == EarliestDue
}

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

// conditions are a query's conditions on a row that is found by something else.
type conditions struct {
	text string
	args []any
	rows bool // some columns are not in the entries of orders_by_modified
	ids  bool // nor in those of orders_by_facet
	n    int
}

func (c *conditions) add(text string, args ...any) {
	c.n++
	c.text += " AND " + text
	c.args = append(c.args, args...)
}

func (q *Query) conditions() (c conditions) {
	for v := range q.valueFilters() {
		var any []string
		keys := v.keyList()
		for _, column := range v.columns {
			any = append(any, "o."+column+" IN (SELECT value FROM json_each(?))")
			c.args = append(c.args, keys)
		}
		c.ids = c.ids || v.unique
		c.add("(" + strings.Join(any, " OR ") + ")")
	}
	if len(q.Breaks) > 0 {
		c.add("o.breaks & ? <> 0", q.breakBits())
	}
	if q.IDPrefix != "" { // the + keeps SQLite from using the index of ids
		c.ids = true
		c.add("+o.id >= ? AND +o.id < ?", q.IDPrefix, prefixEnd(q.IDPrefix))
	}
	q.addUnindexed(&c)
	c.rows = c.text != ""
	if r := q.Received.received(); q.Received.given() {
		c.add("o.received >= ? AND o.received <= ?", r.First, r.Last)
	}
	if r, given := q.modified(); given {
		c.add("o.modified >= ? AND o.modified <= ?", r.First, r.Last)
	}
	return c
}

// addUnindexed adds the conditions on columns by which no index is sorted.
func (q *Query) addUnindexed(c *conditions) {
	if q.QuantityMin.Known() || q.QuantityMax.Known() {
		first, last := q.QuantityMin.Key(), q.QuantityMax.Key()
		c.add("o.quantity >= ? AND o.quantity <= ?", []byte(cmp.Or(first, leastQuantity)), []byte(cmp.Or(last, afterAllQuantities)))
	}
	if q.Executed != nil {
		c.add("o.executed = +?", int64(*q.Executed))
	}
	if r := q.Created.told(); q.Created.given() {
		c.add("o.created >= ? AND o.created <= ?", r.First, r.Last)
	}
	if r := q.StatusChanged.told(); q.StatusChanged.given() {
		c.add("o.since >= ? AND o.since <= ?", r.First, r.Last)
	}
}

// The empty key is that of an unknown quantity.
const leastQuantity, afterAllQuantities = "\x00", "\xff"

// modified returns the range of the time modified that q selects, and whether q restricts it. No
// order has had its status since later than its time modified.
func (q *Query) modified() (r KeyRange[TimeKey], given bool) {
	r = q.Modified.told()
	if q.StatusChanged.Since != nil {
		r.First = max(r.First, TimeKeyOf(*q.StatusChanged.Since))
	}
	return r, q.Modified.given() || q.StatusChanged.Since != nil
}

// breakBits returns the bit 1<<code of each break by which q selects.
func (q *Query) breakBits() (bits int64) {
	for _, code := range q.Breaks {
		bits |= 1 << code
	}
	return bits
}

// span is the requested part of a list, sorted by the last sequence, the time modified or the due
// date.
type span struct {
	ascending, byReceived, byDue bool
	since, until                 int64 // last sequences, both included
	after                        place // unless by received
	modified                     KeyRange[TimeKey]
}

// span returns the part of the list that was not returned yet and that has not changed since the
// walk began.
func (l *lister) span() span {
	s := span{ascending: l.q.Sort.ascending(), byReceived: l.q.Sort.byReceived(), byDue: l.q.Sort.byDue(),
		until: l.begun, after: l.last}
	if s.modified, _ = l.q.modified(); s.byDue {
		s.modified = KeyRange[TimeKey]{"", afterAllTimes} // checked in the rows
	}
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
	return s.modified.Includes(f.modified) && (s.ascending && c > 0 || !s.ascending && c < 0)
}

// placeColumns returns the columns of an order's number and place.
func (s *span) placeColumns() string {
	switch {
	case s.byReceived:
		return "o.last_sequence, o.n, 0"
	case s.byDue:
		return fmt.Sprintf(packedText, "o.") + ", o.n, o.last_sequence"
	}
	return "o.modified, o.n, o.last_sequence"
}

// placeDest returns the destinations of the columns, for a list that is not sorted by received.
func (s *span) placeDest(f *found, packed *int64) []any {
	if s.byDue {
		return []any{packed, &f.n, &f.sequence}
	}
	return []any{&f.modified, &f.n, &f.sequence}
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

// find returns at most most orders of the span, in its order. DESIGN.md describes when each way of
// finding them is used.
func (l *lister) find(ctx context.Context, s span, most int) ([]found, error) {
	if l.few {
		return l.walk(ctx, s, most)
	}
	if l.q.IDPrefix != "" {
		var rows []found
		if few, err := l.idRows(ctx, &s, &rows); err != nil || few {
			return cut(rows, &s, most), err
		}
	}
	rare, err := l.rareBreaks(ctx)
	_, ofModified := l.q.modified()
	switch {
	case err != nil:
		return nil, err
	case rare, len(l.q.Breaks) > 0 && s.byReceived && l.value == nil:
		return l.findByBreak(ctx, s, most)
	case l.value != nil && s.byReceived:
		return l.findByEra(ctx, s, most)
	case l.value != nil:
		return l.findFew(ctx, s, most, l.valueRows)
	case l.byTrades() && !s.byDue:
		return l.findFew(ctx, s, most, l.tradeRows)
	case s.byReceived && ofModified && !l.checks.rows && !l.q.bySettlement():
		return l.findFew(ctx, s, most, l.modifiedRows)
	}
	return l.walkZones(ctx, s, most)
}

// collect appends the rows that a statement finds. Its columns are the last sequence, or begin with
// the time modified and end with the last sequence.
func (l *lister) collect(ctx context.Context, text string, args []any, s *span, to *[]found) error {
	return l.Each(ctx, text, args, func(rows *sql.Rows) error {
		var f found
		if s.byReceived {
			err := rows.Scan(&f.sequence, &f.n, new(int64))
			*to = append(*to, f)
			return err
		}
		var packed int64
		err := rows.Scan(s.placeDest(&f, &packed)...)
		if s.byDue {
			f.modified = l.unpacked(packed)
		}
		*to = append(*to, f)
		return err
	})
}

const (
	breakArm    = `SELECT last_sequence AS k, n FROM order_breaks INDEXED BY order_breaks_by_last WHERE code = +? AND last_sequence >= ? AND last_sequence <= ?`
	byBreakText = `SELECT o.last_sequence, o.n, 0 FROM (%[1]s LIMIT +?) m CROSS JOIN orders o ON o.n = m.n
		WHERE +o.facet IN (SELECT value FROM json_each(?))%[3]s ORDER BY m.k %[2]s LIMIT +?`
	ofBreakText = `SELECT %[2]s FROM (%[1]s) m CROSS JOIN orders o ON o.n = m.n WHERE +o.facet IN (SELECT value FROM json_each(?))%[3]s`
)

// rareBreaks reports whether q selects by breaks that few orders have.
func (l *lister) rareBreaks(ctx context.Context) (bool, error) {
	if len(l.q.Breaks) == 0 {
		return false, nil
	}
	counts, err := ReadBreakCounts(ctx, l)
	if err != nil {
		return false, err
	}
	orders := uint64(0)
	for _, code := range sorted(l.q.Breaks) {
		orders += counts[code]
	}
	return orders <= uint64(l.readWhole), nil
}

// breakArms selects the orders of the span with the breaks. It uses UNION, so that an order with
// two of them is listed once.
func (l *lister) breakArms(s *span) (arms string, args []any) {
	codes := sorted(l.q.Breaks)
	for _, code := range codes {
		args = append(args, int64(code), s.since, s.until)
	}
	return strings.Repeat(breakArm+" UNION ", len(codes)-1) + breakArm, args
}

// breakStatement returns a statement that reads columns of all orders of the span that q selects by
// breaks.
func (l *lister) breakStatement(s *span, columns string) (text string, args []any) {
	arms, args := l.breakArms(s)
	return fmt.Sprintf(ofBreakText, arms, columns, l.checks.text), append(append(args, numberList(l.facets)), l.checks.args...)
}

func (l *lister) findByBreak(ctx context.Context, s span, most int) (rows []found, err error) {
	if s.byReceived {
		arms, args := l.breakArms(&s)
		entries := arms + " ORDER BY 1 " + s.direction()
		text := fmt.Sprintf(byBreakText, entries, s.direction(), l.checks.text)
		all := append(append(slices.Clone(args), l.budget, numberList(l.facets)), l.checks.args...)
		if err = l.collect(ctx, text, append(all, most), &s, &rows); err != nil || len(rows) >= most {
			return rows, err
		}
		return rows, l.spend(ctx, entries, args, &s, l.budget)
	}
	text, args := l.breakStatement(&s, s.placeColumns())
	err = l.collect(ctx, text, args, &s, &rows)
	return cut(rows, &s, most), err
}

// cut sorts rows and keeps those in the span.
func cut(rows []found, s *span, most int) []found {
	rows = slices.DeleteFunc(rows, func(f found) bool { return !s.includes(f) })
	s.sort(rows)
	rows = slices.Compact(rows) // an order may be found by several values
	return rows[:min(most, len(rows))]
}

// numberList returns numbers as json_each takes them.
func numberList(numbers []int64) string {
	list, _ := json.Marshal(numbers) // numbers are always encoded
	return string(list)
}

// findFew returns the rows that another way finds, if they are few; otherwise it walks.
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
	WHERE o.facet = +? AND o.modified >= ? AND o.modified <= ?`

// modifiedRows finds the orders of a list by the last sequence, by their time modified.
func (l *lister) modifiedRows(ctx context.Context, s *span, to *[]found) (few bool, err error) {
	period, received := s.modified, l.q.Received.received()
	left := l.Bounds.Entries
	for facets := range slices.Chunk(l.facets, armsAtOnce) {
		var args []any
		for _, facet := range facets {
			args = append(args, facet, period.First, period.Last)
		}
		text := strings.Repeat(modifiedRowsArm+" UNION ALL ", len(facets)-1) + modifiedRowsArm + " LIMIT +?"
		args = append(args, left+1)
		rows, err := l.count(ctx, text, args) // read only if they are few
		if left -= rows; err != nil || left < 0 {
			return false, err
		}
		err = l.Each(ctx, text, args, func(rows *sql.Rows) error {
			var f found
			var at int64
			err := rows.Scan(&f.sequence, &f.n, &at)
			if received.Includes(at) {
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

// count returns the number of rows of a statement.
func (l *lister) count(ctx context.Context, text string, args []any) (rows int, err error) {
	err = l.Row(ctx, "SELECT count(*) FROM ("+text+")", args, &rows)
	return rows, err
}
