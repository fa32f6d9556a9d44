package views

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

const (
	defaultLimit = 100
	maxLimit     = 500
)

func pageLimit(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}

// Orders returns one page of the orders that q selects. It returns ErrCursor when the cursor is of another query, and
// ErrCursorExpired when it is of another generation.
func (s *Store) Orders(ctx context.Context, q Query) (page Page, err error) {
	q.Limit = pageLimit(q.Limit)
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		list := q.list()
		before, err := decodeCursor(q.Cursor, g.number, list)
		if err != nil {
			return err
		}
		if err := c.row(ctx, sequenceText, nil, &page.Applied); err != nil {
			return err
		}
		text, args, err := q.statement(ctx, c, before)
		if err != nil || text == "" {
			return err
		}
		if page.Orders, err = readOrders(ctx, c, text, args, q.Limit+1); err != nil {
			return err
		}
		if len(page.Orders) > q.Limit {
			page.Orders = page.Orders[:q.Limit]
			page.Next = encodeCursor(g.number, list, int64(page.Orders[q.Limit-1].Last.Sequence))
		}
		return nil
	})
	if err != nil {
		return Page{}, fmt.Errorf("views: list orders: %w", err)
	}
	return page, nil
}

func readOrders(ctx context.Context, c *connection, text string, args []any, most int) ([]statemachine.Order, error) {
	orders := make([]statemachine.Order, 0, most)
	err := c.each(ctx, text, args, func(rows *sql.Rows) error {
		var o statemachine.Order
		var state sql.RawBytes
		if err := rows.Scan(&o.ID, &state); err != nil {
			return err
		}
		if err := o.UnmarshalBinary(state); err != nil {
			return fmt.Errorf("order %q: %w", o.ID, err)
		}
		orders = append(orders, o)
		return nil
	})
	return orders, err
}

// The lists, see DESIGN.md. Each reads entries of an index in the order of the page, and no more of them than it shows or has
// to pass over.
const (
	facetArm    = `SELECT last_sequence AS s, n FROM orders INDEXED BY orders_by_facet WHERE facet = ? AND last_sequence < ?`
	byFacetText = `SELECT o.id, o.state FROM (%s ORDER BY 1 DESC LIMIT ?) m CROSS JOIN orders o ON o.n = m.n
		ORDER BY m.s DESC`

	breakArm    = `SELECT last_sequence AS s, n FROM order_breaks INDEXED BY order_breaks_by_last WHERE code = ? AND last_sequence < ?`
	byBreakText = `SELECT o.id, o.state FROM (%s ORDER BY 1 DESC LIMIT -1) m CROSS JOIN orders o ON o.n = m.n
		WHERE +o.facet IN (SELECT value FROM json_each(?)) ORDER BY m.s DESC LIMIT ?`

	byExternalIDText = `SELECT id, state FROM orders INDEXED BY orders_by_external_id
		WHERE external_id = ? AND external_id <> '' AND last_sequence < ?
			AND +facet IN (SELECT value FROM json_each(?)) AND (? = 0 OR breaks & ? <> 0)
		ORDER BY last_sequence DESC LIMIT ?`
)

// statement returns the list of q below the sequence before, one row longer than the page; "" when no order can be in it.
func (q *Query) statement(ctx context.Context, c *connection, before int64) (text string, args []any, err error) {
	facets, err := readFacets(ctx, c)
	if err != nil {
		return "", nil, err
	}
	var selected []int64
	for i := range facets {
		if facets[i].orders > 0 && q.selects(&facets[i].facet) {
			selected = append(selected, facets[i].number)
		}
	}
	if len(selected) == 0 {
		return "", nil, nil
	}
	if q.ExternalID == "" && len(q.Breaks) == 0 {
		text, args = merge(byFacetText, facetArm, " UNION ALL ", selected, before)
		return text, append(args, q.Limit+1), nil
	}
	numbers, err := json.Marshal(selected)
	if err != nil {
		return "", nil, err
	}
	var set breakSet
	for _, code := range q.Breaks {
		set |= 1 << code
	}
	if q.ExternalID != "" {
		return byExternalIDText, []any{q.ExternalID, before, string(numbers), int64(set), int64(set), q.Limit + 1}, nil
	}
	// UNION, for an order with two of the breaks is to be listed once.
	text, args = merge(byBreakText, breakArm, " UNION ", sorted(q.Breaks), before)
	return text, append(args, string(numbers), q.Limit+1), nil
}

// merge returns a text with an arm for each key. The text depends on the number of keys only, and there are few numbers: it
// stays prepared.
func merge[K int64 | statemachine.Code](text, arm, union string, keys []K, before int64) (string, []any) {
	arms := make([]string, len(keys))
	args := make([]any, 0, 2*len(keys)+3)
	for i, key := range keys {
		arms[i] = arm
		args = append(args, int64(key), before)
	}
	return fmt.Sprintf(text, strings.Join(arms, union)), args
}
