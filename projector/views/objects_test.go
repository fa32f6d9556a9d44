package views

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestObjectsAreListedByTheirLastNotification(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	w := newWorld()
	for i := range 23 {
		w.see("customer", fmt.Sprintf("c-%d", i%12))
		w.see("document", fmt.Sprintf("c-%d", i))
	}
	w.see("customer", "c-3")
	w.commit(t, s)
	var want []Object
	for key, o := range w.objects {
		if key[0] == "customer" {
			want = append(want, o)
		}
	}
	slices.SortFunc(want, func(a, b Object) int { return int(b.Sequence) - int(a.Sequence) })
	require.Equal(t, "c-3", want[0].ID)
	for _, limit := range []int{1, 5, 12, 100} {
		var got []Object
		q := ObjectQuery{Object: "customer", Limit: limit}
		for first := true; first || q.Cursor != ""; first = false {
			page, err := s.Objects(ctx, q)
			require.NoError(t, err)
			require.Equal(t, w.at, page.Applied)
			require.LessOrEqual(t, len(page.Objects), limit)
			got, q.Cursor = append(got, page.Objects...), page.Next
		}
		require.Equal(t, want, got)
	}
	page, err := s.Objects(ctx, ObjectQuery{Object: "customer", Limit: 1})
	require.NoError(t, err)
	_, err = s.Objects(ctx, ObjectQuery{Object: "document", Cursor: page.Next})
	require.ErrorIs(t, err, ErrCursor, "of another kind")
	page, err = s.Objects(ctx, ObjectQuery{Object: "nothing"})
	require.NoError(t, err)
	require.Empty(t, page.Objects)

	found, applied, err := s.ObjectsWithID(ctx, "c-3")
	require.NoError(t, err)
	require.Equal(t, w.at, applied)
	require.Equal(t, []Object{w.objects[[2]string{"customer", "c-3"}], w.objects[[2]string{"document", "c-3"}]}, found)
	found, _, err = s.ObjectsWithID(ctx, "c-99")
	require.NoError(t, err)
	require.Empty(t, found)

	require.NoError(t, s.read(ctx, func(_ *generation, c *connection) error {
		for text, args := range map[string][]any{newestObjectsText: {"", 0, 0}, objectsWithIDText: {""}} {
			require.NoError(t, c.Each(ctx, "EXPLAIN QUERY PLAN "+text, args, func(rows *sql.Rows) error {
				var step string
				err := rows.Scan(new(int), new(int), new(int), &step)
				require.NotContains(t, step, "TEMP B-TREE", text)
				require.NotRegexp(t, "^SCAN o", step, text)
				return err
			}))
		}
		return nil
	}))
}
