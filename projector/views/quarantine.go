package views

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"math"
	"strings"

	"github.com/orderfold/orderfold/projector/views/list"
)

// QuarantineQuery selects records that could not become part of an order.
type QuarantineQuery struct {
	Class  string // "": any
	Limit  int    // 1–500; 0 is 100
	Cursor string // from the previous page of the same query
}

// list returns a number that identifies the selection of q.
func (q *QuarantineQuery) list() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "quarantine %q", q.Class)
	return h.Sum64()
}

// quarantineRows selects records in quarantine, with or without a condition on the class.
const quarantineRows = `SELECT sequence, received, object, class, reason FROM quarantine WHERE %s sequence > ? AND sequence < ?
	ORDER BY sequence %s LIMIT +?`

var (
	newestText, newestOfClassText = quarantineTexts("DESC")
	oldestText, oldestOfClassText = quarantineTexts("ASC")
)

func quarantineTexts(order string) (all, ofClass string) {
	return fmt.Sprintf(quarantineRows, "", order), fmt.Sprintf(quarantineRows, "class = +? AND", order)
}

// Quarantine returns one page of the records that could not become part of an order, newest first,
// as the views were at applied. next is the cursor of the next page, or "" at the end. Errors are
// those of Orders.
func (s *Store) Quarantine(ctx context.Context, q QuarantineQuery) (rows []Quarantined, next string, applied uint64, err error) {
	limit := list.PageLimit(q.Limit)
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		at, err := g.position(ctx, c)
		if err != nil {
			return err
		}
		applied = uint64(at.Applied)
		before, err := list.DecodeCursor(q.Cursor, at, q.list())
		if err != nil {
			return err
		}
		rows, err = readQuarantine(ctx, c, [2]string{newestText, newestOfClassText}, q.Class, []any{0, before, limit + 1})
		if len(rows) > limit {
			rows = rows[:limit]
			next = list.EncodeCursor(at, q.list(), "", int64(rows[limit-1].Sequence))
		}
		return err
	})
	if err != nil {
		return nil, "", 0, fmt.Errorf("views: quarantine: %w", err)
	}
	return rows, next, applied, nil
}

// QuarantinedAfter returns at most limit quarantined records of a class after a sequence. Class ""
// is any.
func (s *Store) QuarantinedAfter(ctx context.Context, class string, after uint64, limit int) (rows []Quarantined, err error) {
	err = s.read(ctx, func(_ *generation, c *connection) error {
		rows, err = readQuarantine(ctx, c, [2]string{oldestText, oldestOfClassText}, class,
			[]any{min(after, math.MaxInt64), int64(math.MaxInt64), limit})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("views: quarantine: %w", err)
	}
	return rows, nil
}

func readQuarantine(ctx context.Context, c *connection, texts [2]string, class string, args []any) (rows []Quarantined, err error) {
	text := texts[0]
	if class != "" {
		text, args = texts[1], append([]any{strings.ToValidUTF8(class, "")}, args...)
	}
	err = c.Each(ctx, text, args, func(r *sql.Rows) error {
		var q Quarantined
		var received int64
		err := r.Scan(&q.Sequence, &received, &q.Object, &q.Class, &q.Reason)
		q.Received = fromNanos(received)
		rows = append(rows, q)
		return err
	})
	return rows, err
}
