package views

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// quietest computes the expected result of Quiet from the world in memory.
func (w *world) quietest(q QuietQuery) []string {
	all := w.newestFirst()
	slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(a.order.Last.Sequence, b.order.Last.Sequence) })
	ids := []string{}
	for _, o := range all {
		if o.order.Last.Sequence > q.After && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, o.state.Status)) &&
			(q.Final == nil || *q.Final == o.state.Final) && len(ids) < q.Limit {
			ids = append(ids, o.order.ID)
		}
	}
	return ids
}

func TestEachQuietOrderIsReturnedOnceTheLongestQuietFirst(t *testing.T) {
	s, w := open(t, t.TempDir()), newWorld()
	statuses := []statemachine.Status{"", statemachine.Placed, statemachine.Filled, statemachine.Canceled, statemachine.Settled}
	for i := range 300 {
		w.status(fmt.Sprintf("order-%d", i*7%90), statuses[i*i%len(statuses)])
		if i%20 == 0 {
			w.commit(t, s)
		}
	}
	w.commit(t, s)
	yes, no := true, false
	for _, q := range []QuietQuery{{}, {Statuses: statuses[:1]}, {Statuses: statuses[1:3]}, {Final: &yes}, {Final: &no}, {Statuses: statuses[3:4], Final: &yes},
		{Statuses: []statemachine.Status{"HALTED"}}} {
		q.Limit = 7
		for {
			found, err := s.Quiet(t.Context(), q)
			require.NoError(t, err)
			ids := []string{}
			for _, o := range found {
				ids = append(ids, o.ID)
			}
			require.Equal(t, w.quietest(q), ids)
			if len(found) == 0 {
				break
			}
			q.After = found[len(found)-1].Last.Sequence
		}
	}
}

func TestTheListOfQuietOrdersReadsOnlyTheIndex(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.status("a", statemachine.Placed)
	w.commit(t, s)
	var plan string
	require.NoError(t, s.read(t.Context(), func(_ *generation, c *connection) error {
		rows, err := c.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+fmt.Sprintf(byChangedText, changedArm+" UNION ALL "+changedArm), 1, 0, 2, 0, 10)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			plan += detail + "\n"
		}
		return rows.Err()
	}))
	require.NotContains(t, plan, "SCAN orders")
	require.Contains(t, plan, "COVERING INDEX orders_by_facet (facet=? AND last_sequence>?)")
}
