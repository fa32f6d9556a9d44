package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// values returns the columns of one value that q selects by, and its key; of several the one that fewest orders have as a rule.
func (q *Query) values() (columns []string) {
	switch {
	case q.ExternalID != "":
		return []string{"external"}
	case q.ProductID != "":
		return []string{"depository", "wallet", "cash"}
	case q.ISIN != "":
		return []string{"isin"}
	case q.Symbol != "":
		return []string{"symbol"}
	}
	return nil
}

func (q *Query) valueKey() int64 {
	for _, value := range []string{q.ExternalID, q.ProductID, q.ISIN, q.Symbol} {
		if value != "" {
			return valueKey(value)
		}
	}
	return 0
}

const (
	// The second condition on the value is what SQLite knows the index by.
	valueArm = `SELECT %[2]s FROM orders o INDEXED BY orders_by_%[1]s WHERE o.%[1]s = ? AND o.%[1]s <> 0 AND o.era >= ? AND o.era <= ?
		AND o.last_sequence >= ? AND o.last_sequence <= ? AND +o.facet IN (SELECT value FROM json_each(?))`
	eraColumns   = "o.era, o.n, o.last_sequence"
	placeColumns = "o.modified, o.n, o.last_sequence"
)

// valueStatement selects the orders of the span that have the value.
func (l *lister) valueStatement(s *span, columns, end string) (text string, args []any) {
	var arms []string
	facets := l.facetList()
	for _, column := range l.q.values() {
		arms = append(arms, fmt.Sprintf(valueArm, column, columns)+l.checks.text)
		args = append(args, l.q.valueKey(), s.since>>eraShift, s.until>>eraShift, s.since, s.until, facets)
		args = append(args, l.checks.args...)
	}
	return strings.Join(arms, " UNION ALL ") + end, args
}

// entriesText selects the entries of a value in an index, those of some eras.
const entriesText = `SELECT o.era FROM orders o INDEXED BY orders_by_%[1]s WHERE o.%[1]s = ? AND o.%[1]s <> 0 AND o.era >= ? AND o.era <= ?`

func (l *lister) entries(first, last int64) (text string, args []any) {
	var arms []string
	for _, column := range l.q.values() {
		arms = append(arms, fmt.Sprintf(entriesText, column))
		args = append(args, l.q.valueKey(), first, last)
	}
	return strings.Join(arms, " UNION ALL "), args
}

// valueRows finds by value what is listed by the time modified.
func (l *lister) valueRows(ctx context.Context, s *span, to *[]found) (few bool, err error) {
	whole := *s
	whole.since = 0
	text, args := l.entries(0, s.until>>eraShift)
	entries, err := l.count(ctx, text+" LIMIT ?", append(args, bounds.orders+1))
	if err != nil || entries > bounds.orders {
		return false, err
	}
	text, args = l.valueStatement(&whole, placeColumns, "")
	return true, l.collect(ctx, text, args, s, to)
}

// denseEra returns the era that the span begins with, as far as the value goes, when many of its orders have the value; else nil.
func (l *lister) denseEra(ctx context.Context, s *span) (*span, error) {
	text, args := l.entries(s.since>>eraShift, s.until>>eraShift)
	var era int64
	err := l.c.row(ctx, text+" ORDER BY 1 "+s.direction()+" LIMIT 1", args, &era)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, args = l.entries(era, era)
	entries, err := l.count(ctx, text+" LIMIT ?", append(args, bounds.inEra+1))
	if err != nil || entries <= bounds.inEra {
		return nil, err
	}
	return s.inEra(era), nil
}

func (s *span) inEra(era int64) *span {
	part := *s
	part.since, part.until = max(s.since, era<<eraShift), min(s.until, (era+1)<<eraShift-1)
	return &part
}

// errEnough ends a statement early.
var errEnough = errors.New("views: enough was read")

// findByEra reads the orders with a value era by era, and sorts those of each: lists by value are kept by era.
func (l *lister) findByEra(ctx context.Context, s span, most int) (rows []found, err error) {
	for len(rows) < most && s.since <= s.until {
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
		if s.ascending {
			s.since = dense.until + 1
		} else {
			s.until = dense.since - 1
		}
	}
	return rows[:min(most, len(rows))], nil
}

// readEras reads whole eras until they have so many orders, the span ends, or one of them is dense, which is returned as the
// part of the span that it is.
func (l *lister) readEras(ctx context.Context, s *span, most int) (rows []found, dense *span, err error) {
	text, args := l.valueStatement(s, eraColumns, " ORDER BY 1 "+s.direction())
	era, before := int64(-1), 0 // rows of the eras before
	err = l.c.each(ctx, text, args, func(r *sql.Rows) error {
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
		if rows = append(rows, f); len(rows)-before > bounds.inEra {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, nil, err
	}
	if len(rows)-before > bounds.inEra {
		rows, dense = rows[:before], s.inEra(era)
	}
	return cut(rows, s, len(rows)), dense, nil
}

const (
	zonesText = `SELECT zone FROM zones WHERE zone >= ? AND zone <= ? AND received_last >= ? AND received_first <= ?
		AND modified_last >= ? AND modified_first <= ? ORDER BY zone %s LIMIT ?`
	zonesAtOnce = 64
)

// walkZones walks the parts of a list by received that can have orders of the times selected.
func (l *lister) walkZones(ctx context.Context, s span, most int) (rows []found, err error) {
	if !s.byReceived || !l.q.Received.given() && !l.q.Modified.given() {
		return l.walk(ctx, s, most)
	}
	for len(rows) < most && s.since <= s.until {
		parts, last, err := l.zones(ctx, &s)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			found, err := l.walk(ctx, part, most-len(rows))
			if err != nil {
				return nil, err
			}
			if rows = append(rows, found...); len(rows) >= most {
				return rows, nil
			}
		}
		if last {
			break
		}
		if end := parts[len(parts)-1]; s.ascending {
			s.since = end.until + 1
		} else {
			s.until = end.since - 1
		}
	}
	return rows, nil
}

// zones returns the next parts of the span, neighbours joined; last when there are no others.
func (l *lister) zones(ctx context.Context, s *span) (parts []span, last bool, err error) {
	received, modified := l.q.Received.keys(), l.q.Modified.keys()
	args := []any{s.since >> zoneShift, s.until >> zoneShift, received.first, received.last, modified.first, modified.last, zonesAtOnce}
	n := 0
	err = l.c.each(ctx, fmt.Sprintf(zonesText, s.direction()), args, func(rows *sql.Rows) error {
		var zone int64
		err := rows.Scan(&zone)
		n++
		part := *s
		part.since, part.until = max(s.since, zone<<zoneShift), min(s.until, (zone+1)<<zoneShift-1)
		if len(parts) == 0 {
			parts = append(parts, part)
			return err
		}
		switch before := &parts[len(parts)-1]; {
		case s.ascending && before.until+1 == part.since:
			before.until = part.until
		case !s.ascending && part.until+1 == before.since:
			before.since = part.since
		default:
			parts = append(parts, part)
		}
		return err
	})
	return parts, n < zonesAtOnce, err
}

// listTexts are statements that lists are made of: together they name every index and column of theirs.
func listTexts() (texts []string) {
	for _, value := range []Query{{ExternalID: "x"}, {ProductID: "x"}, {ISIN: "x"}, {Symbol: "x"}} {
		for _, sort := range []Sort{LatestReceived, EarliestModified} {
			q := value
			q.Sort, q.Received = sort, Period{Since: firstKey}
			l := &lister{q: &q, checks: q.conditions()}
			s := l.span()
			walk, _ := l.merge(&s, []int64{1})
			byValue, _ := l.valueStatement(&s, eraColumns, " ORDER BY 1")
			texts = append(texts, walk, byValue)
		}
	}
	return append(texts, ordersText, fmt.Sprintf(zonesText, "DESC"), fmt.Sprintf(byBreakText, breakArm, "DESC", ""), modifiedRowsArm)
}
