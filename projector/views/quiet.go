package views

import (
	"context"
	"fmt"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// QuietQuery selects orders by the time without a notification.
type QuietQuery struct {
	Statuses []statemachine.Status // any of these; none: all
	Final    *bool
	After    uint64 // the last notification is after this sequence
	Limit    int    // 1–500; 0 is 100
}

// Quiet returns the orders that q selects, those with the longest time without a notification
// first. A caller that continues after the last sequence of the last order gets every order once,
// and again if it was notified since. Quiet reads only the orders that it returns.
func (s *Store) Quiet(ctx context.Context, q QuietQuery) (orders []statemachine.Order, err error) {
	q.Limit = list.PageLimit(q.Limit)
	err = s.snapshot(ctx, func(_ *generation, c *connection) error {
		facets, err := list.ReadFacets(ctx, c)
		if err != nil {
			return err
		}
		wanted := Query{Statuses: q.Statuses}
		var args []any
		for i := range facets {
			f := &facets[i]
			if f.Orders > 0 && wanted.Selects(&f.Facet) && (q.Final == nil || *q.Final == f.Final) {
				args = append(args, f.Number, int64(q.After))
			}
		}
		if len(args) == 0 {
			return nil
		}
		text := union(byChangedText, changedArm, len(args)/2)
		orders, err = readOrders(ctx, c, text, append(args, q.Limit))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("views: list quiet orders: %w", err)
	}
	return orders, nil
}
