package list

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// Age is how long a break has been open, in steps. Every break has one: a day is 24 hours, each
// step begins where the previous one ends, and a break opened in the future has the first.
type Age uint8

// The ages.
const (
	UnderOneDay    Age = iota // "0-1": less than one day
	OneToThree                // "1-2": one day, and less than three
	ThreeToFive               // "3-5": three days, and less than five
	FiveDaysOrMore            // "over-5": five days or more
	Ages                      // the number of ages
)

const day = 24 * time.Hour

var ages = [Ages]struct {
	name string
	from time.Duration
}{{"0-1", 0}, {"1-2", day}, {"3-5", 3 * day}, {"over-5", 5 * day}}

// String returns the name.
func (a Age) String() string {
	if a < Ages {
		return ages[a].name
	}
	return fmt.Sprintf("Age(%d)", uint8(a))
}

// ParseAge returns the age of that name; ok is false for any other text.
func ParseAge(name string) (a Age, ok bool) {
	for a := range Ages {
		if ages[a].name == name {
			return a, true
		}
	}
	return 0, false
}

// AgeOf returns the age, at the time now, of a break that was opened at the given time.
func AgeOf(opened, now time.Time) Age {
	a := Ages - 1
	for a > 0 && now.Sub(opened) < ages[a].from {
		a--
	}
	return a
}

// BreakQuery selects open breaks that satisfy every given field. With only Now it selects all.
type BreakQuery struct {
	Codes    []statemachine.Code   // any of these
	Severity statemachine.Severity // "": any
	Ages     []Age                 // any of these
	Now      time.Time             // the time at which ages are computed; required
	Limit    int                   // 1–500; 0 is 100
	Cursor   string                // from BreakPage.Next of the same query; Now may differ
}

// OpenBreak is a break and the order that has it.
type OpenBreak struct {
	Order statemachine.Order
	Break statemachine.Break
}

// BreakPage is one page of open breaks, the one opened first at the top, as the views were at
// Applied.
type BreakPage struct {
	Breaks  []OpenBreak
	Counts  [statemachine.Codes][Ages]uint64 // of all breaks that the query selects, on every page
	Next    string                           // "" at the end
	Applied uint64
}

const (
	openedArm = `SELECT opened, n, code FROM order_breaks INDEXED BY order_breaks_by_opened
		WHERE code = +? AND (opened, n) > (?, ?) AND opened <= ?`
	byOpenedText = `SELECT m.opened, m.n, m.code, o.id, o.state FROM (%s ORDER BY 1, 2, 3 LIMIT +?) m
		CROSS JOIN orders o ON o.n = m.n ORDER BY m.opened, m.n, m.code`
	countOpenedText = `SELECT count(*) FROM order_breaks INDEXED BY order_breaks_by_opened
		WHERE code = +? AND opened > ? AND opened <= ?`
)

// Breaks returns one page of the open breaks that q selects, with counts of all of them. Errors are
// those of Orders.
func (r *Read) Breaks(ctx context.Context, q BreakQuery) (page BreakPage, err error) {
	q.Limit = PageLimit(q.Limit)
	list := q.list()
	var after breakKey
	if q.Cursor != "" {
		key, opened, err := decodeKey(q.Cursor, r.Position, list, 2)
		if err == nil && opened != "" && len(opened) != timeKeyBytes {
			err = ErrCursor
		}
		if err != nil {
			return page, err
		}
		after = breakKey{opened, key[0], statemachine.Code(key[1])}
	}
	page.Applied = uint64(r.Applied)
	if page.Counts, err = q.count(ctx, r); err != nil {
		return page, err
	}
	keys, err := q.read(ctx, r, after, &page)
	if len(page.Breaks) > q.Limit {
		page.Breaks = page.Breaks[:q.Limit]
		last := keys[q.Limit-1]
		page.Next = EncodeCursor(r.Position, list, last.opened, last.n, int64(last.code))
	}
	return page, err
}

// breakKey is the place of a break in the list of all breaks.
type breakKey struct {
	opened TimeKey
	n      int64
	code   statemachine.Code
}

// read appends the breaks after the given key to the page, one more than its limit.
func (q *BreakQuery) read(ctx context.Context, c Reader, after breakKey, page *BreakPage) (keys []breakKey, err error) {
	text, args := q.statement(after, &page.Counts)
	if text == "" {
		return nil, nil
	}
	err = c.Each(ctx, text, args, func(rows *sql.Rows) error {
		var key breakKey
		var o statemachine.Order
		var state sql.RawBytes
		if err := rows.Scan(&key.opened, &key.n, &key.code, &o.ID, &state); err != nil {
			return err
		}
		if err := o.UnmarshalBinary(state); err != nil {
			return fmt.Errorf("order %q: %w", o.ID, err)
		}
		breaks := o.State().Breaks
		i := slices.IndexFunc(breaks, func(b statemachine.Break) bool { return b.Code == key.code })
		if i < 0 {
			return fmt.Errorf("order %q has no break %s: %w", o.ID, key.code, ErrDamaged)
		}
		keys = append(keys, key)
		page.Breaks = append(page.Breaks, OpenBreak{o, breaks[i]})
		return nil
	})
	return keys, err
}

// statement returns the statement that reads the breaks after the given key, one more than the
// page. It returns "" when there are none.
func (q *BreakQuery) statement(after breakKey, counts *breakCounts) (text string, args []any) {
	var arms []string
	for code := range statemachine.Codes {
		// Breaks of one order that were opened at the same time are sorted by code.
		start := after
		if code > after.code {
			start.n--
		}
		for age := range Ages {
			from, to := age.bounds(q.Now)
			if counts[code][age] == 0 || start.opened > to {
				continue
			}
			arm := start
			if start.opened <= from {
				arm = breakKey{opened: from, n: math.MaxInt64}
			}
			arms = append(arms, openedArm)
			args = append(args, code, arm.opened, arm.n, to)
		}
	}
	if len(arms) == 0 {
		return "", nil
	}
	return fmt.Sprintf(byOpenedText, strings.Join(arms, " UNION ALL ")), append(args, q.Limit+1)
}

type breakCounts = [statemachine.Codes][Ages]uint64

// count counts the breaks that q selects. The number for each code is stored. All ages but the last
// are counted in the index. The last one, which grows for ever, is the difference.
func (q *BreakQuery) count(ctx context.Context, c Reader) (counts breakCounts, err error) {
	totals, err := ReadBreakCounts(ctx, c)
	if err != nil {
		return counts, err
	}
	selected := q.ages()
	for _, code := range q.codes() {
		var by [Ages]uint64
		rest := totals[code]
		for age := Age(0); age < Ages-1 && rest > 0; age++ {
			from, to := age.bounds(q.Now)
			if err := c.Row(ctx, countOpenedText, []any{code, from, to}, &by[age]); err != nil {
				return counts, err
			}
			rest -= by[age]
		}
		by[Ages-1] = rest
		for _, age := range selected {
			counts[code][age] = by[age]
		}
	}
	return counts, nil
}

const breakCountsText = `SELECT code, orders FROM break_counts WHERE orders > 0`

// ReadBreakCounts returns how many orders have each break open.
func ReadBreakCounts(ctx context.Context, c Reader) (map[statemachine.Code]uint64, error) {
	counts := map[statemachine.Code]uint64{}
	err := c.Each(ctx, breakCountsText, nil, func(rows *sql.Rows) error {
		var code statemachine.Code
		var orders uint64
		err := rows.Scan(&code, &orders)
		counts[code] = orders
		return err
	})
	return counts, err
}

// codes returns the selected codes, ascending.
func (q *BreakQuery) codes() (codes []statemachine.Code) {
	for code := range statemachine.Codes {
		if (len(q.Codes) == 0 || slices.Contains(q.Codes, code)) && (q.Severity == "" || q.Severity == code.Severity()) {
			codes = append(codes, code)
		}
	}
	return codes
}

// ages returns the selected ages, ascending.
func (q *BreakQuery) ages() (selected []Age) {
	for age := range Ages {
		if len(q.Ages) == 0 || slices.Contains(q.Ages, age) {
			selected = append(selected, age)
		}
	}
	return selected
}

// bounds returns the times, as they are stored, between which breaks of that age were opened: later
// than from, up to and including to.
func (a Age) bounds(now time.Time) (from, to TimeKey) {
	from, to = "", afterAllTimes
	if a+1 < Ages {
		from = TimeKeyOf(now.Add(-ages[a+1].from))
	}
	if a > 0 {
		to = TimeKeyOf(now.Add(-ages[a].from))
	}
	return from, to
}

// list returns a number that identifies the selection of q. It does not depend on the order or
// repetition of values.
func (q *BreakQuery) list() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "breaks %v %v", q.codes(), q.ages())
	return h.Sum64()
}
