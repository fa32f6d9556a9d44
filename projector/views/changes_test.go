package views

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/stretchr/testify/require"
)

func TestChangesAreAllOrdersNotifiedSinceInTheOrderOfTheirLastNotification(t *testing.T) {
	s := open(t, t.TempDir())
	w := crowd(t, s, 400)
	all := w.newestFirst()
	slices.Reverse(all)
	for _, after := range []uint64{0, 1, w.at / 2, w.at - 1, w.at, w.at + 7} {
		var want, got []string
		for _, o := range all {
			if o.order.Last.Sequence > after {
				want = append(want, o.order.ID)
			}
		}
		for at := after; ; {
			changes, err := s.Changes(t.Context(), at, 70)
			require.NoError(t, err)
			require.Equal(t, At{Generation: 1, Lineage: list.Lineage("log-1", 1, testVersion), Applied: w.at}, changes.At)
			for _, o := range changes.Orders {
				require.Greater(t, o.Last.Sequence, at)
				require.LessOrEqual(t, o.Last.Sequence, changes.Through)
				got = append(got, o.ID)
				at = o.Last.Sequence
			}
			if len(changes.Orders) < 70 {
				require.Equal(t, max(after, w.at), changes.Through)
				break
			}
			at = changes.Through
		}
		require.Equal(t, want, got, "after %d", after)
	}
}

func TestRecentReturnsTheSequenceAfterWhichThatManyOrdersChanged(t *testing.T) {
	s := open(t, t.TempDir())
	after, err := s.Recent(t.Context(), 10)
	require.NoError(t, err)
	require.Zero(t, after, "views without orders")
	w := crowd(t, s, 300)
	for _, n := range []int{0, 1, 10, 299} {
		after, err := s.Recent(t.Context(), n)
		require.NoError(t, err)
		require.Equal(t, w.newestFirst()[n].order.Last.Sequence, after)
		changes, err := s.Changes(t.Context(), after, 500)
		require.NoError(t, err)
		require.Len(t, changes.Orders, n)
	}
	after, err = s.Recent(t.Context(), 300)
	require.NoError(t, err)
	require.Zero(t, after)
}

func TestChangesAreReadFromTheIndex(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 2_000)
	err := s.snapshot(context.Background(), func(_ *generation, c *connection) error {
		occupied, err := occupiedFacets(context.Background(), c)
		require.NoError(t, err)
		for text, args := range map[string][]any{
			union(byChangedText, changedArm, 2): {occupied[0], 7, occupied[1], 7, 10},
			union(recentlyText, recentArm, 2):   {occupied[0], occupied[1], 10},
		} {
			err = c.Each(context.Background(), "EXPLAIN QUERY PLAN "+text, args, func(rows *sql.Rows) error {
				var step string
				err := rows.Scan(new(int), new(int), new(int), &step)
				require.NotContains(t, step, "TEMP B-TREE")
				require.NotContains(t, step, "MATERIALIZE")
				return err
			})
			require.NoError(t, err)
		}
		return nil
	})
	require.NoError(t, err)
}

func BenchmarkChanges(b *testing.B) {
	s := open(b, b.TempDir())
	crowd(b, s, 20_000)
	for _, n := range []int{1, 100, 500} {
		after, err := s.Recent(b.Context(), n)
		require.NoError(b, err)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				changes, err := s.Changes(b.Context(), after, 500)
				require.NoError(b, err)
				require.Len(b, changes.Orders, n)
			}
		})
	}
	b.Run("recent 10,000", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Recent(b.Context(), 10_000)
			require.NoError(b, err)
		}
	})
}
