package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// Changes are the orders notified after some sequence, in the order of their last notifications.
// Each order occurs once, as it is now.
type Changes struct {
	Orders []statemachine.Order
	// Through is the sequence up to which the changes are complete: Applied, or the sequence of the
	// last order when there are more. It is never below the requested sequence, though Applied may
	// be.
	Through uint64
	At      At
}

const (
	changedArm    = `SELECT last_sequence AS s, n FROM orders INDEXED BY orders_by_facet WHERE facet = +? AND last_sequence > ?`
	recentArm     = `SELECT last_sequence AS s FROM orders INDEXED BY orders_by_facet WHERE facet = +?`
	byChangedText = `SELECT o.id, o.state FROM (%s ORDER BY 1 LIMIT +?) m CROSS JOIN orders o ON o.n = m.n ORDER BY m.s`
	recentlyText  = `SELECT s FROM (%s) ORDER BY 1 DESC LIMIT 1 OFFSET ?`
)

// Changes returns up to limit orders (1–500; 0 is 100) notified after a sequence. Those notified
// first come first.
func (s *Store) Changes(ctx context.Context, after uint64, limit int) (changes Changes, err error) {
	limit = list.PageLimit(limit)
	err = s.snapshot(ctx, func(g *generation, c *connection) error {
		if changes.At, err = g.at(ctx, c); err != nil {
			return err
		}
		changes.Through = max(after, changes.At.Applied)
		if after >= changes.At.Applied {
			return nil
		}
		occupied, err := occupiedFacets(ctx, c)
		if err != nil || len(occupied) == 0 {
			return err
		}
		var args []any
		for _, facet := range occupied {
			args = append(args, facet, int64(after))
		}
		text := union(byChangedText, changedArm, len(occupied))
		if changes.Orders, err = readOrders(ctx, c, text, append(args, limit)); err != nil {
			return err
		}
		if len(changes.Orders) == limit {
			changes.Through = changes.Orders[limit-1].Last.Sequence
		}
		return nil
	})
	if err != nil {
		return Changes{}, fmt.Errorf("views: changes after %d: %w", after, err)
	}
	return changes, nil
}

// Recent returns the least sequence after which at most n orders had their last notification.
func (s *Store) Recent(ctx context.Context, n int) (after uint64, err error) {
	err = s.snapshot(ctx, func(_ *generation, c *connection) error {
		occupied, err := occupiedFacets(ctx, c)
		if err != nil || len(occupied) == 0 {
			return err
		}
		var args []any
		for _, facet := range occupied {
			args = append(args, facet)
		}
		err = c.Row(ctx, union(recentlyText, recentArm, len(occupied)), append(args, n), &after)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("views: the last %d changes: %w", n, err)
	}
	return after, nil
}

// union returns a statement with the given number of arms: a merge of ranges that are sorted
// already. Its text depends only on the number of arms, so the statement stays prepared.
func union(text, arm string, arms int) string {
	return fmt.Sprintf(text, strings.Repeat(arm+" UNION ALL ", arms-1)+arm)
}

// occupiedFacets returns the numbers of the facets that have orders.
func occupiedFacets(ctx context.Context, c *connection) (numbers []int64, err error) {
	facets, err := list.ReadFacets(ctx, c)
	for i := range facets {
		if facets[i].Orders > 0 {
			numbers = append(numbers, facets[i].Number)
		}
	}
	return numbers, err
}

func readOrders(ctx context.Context, c *connection, text string, args []any) (orders []statemachine.Order, err error) {
	var o statemachine.Order
	var state sql.RawBytes
	err = c.Each(ctx, text, args, func(rows *sql.Rows) error {
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
