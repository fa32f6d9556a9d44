package views

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

func TestFewOrdersAreSortedByQuantity(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	w := newWorld()
	quantities := []string{"10", "9.5", "", "1e2", "100.0", "-3", "9007199254740993", "9007199254740992", "0", "0.25"}
	for i, quantity := range quantities {
		n := statemachine.Notification{Status: statemachine.Placed}
		n.Details[statemachine.Quantity], n.Details[statemachine.ISIN] = quantity, "DE1"
		w.notify(fmt.Sprintf("o-%d", i), n)
		w.commit(t, s) // one commit for each, because orders with the same quantity are listed in the order of arrival
	}
	ascending := "o-2 o-5 o-8 o-9 o-1 o-0 o-3 o-4 o-7 o-6"
	walk := func(q Query, between func()) string {
		var ids []string
		for first := true; first || q.Cursor != ""; first = false {
			page, err := s.Orders(ctx, q)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Orders), q.Limit)
			for i := range page.Orders {
				ids = append(ids, page.Orders[i].ID)
			}
			q.Cursor = page.Next
			between()
		}
		return strings.Join(ids, " ")
	}
	still := func() {}
	move := func() { // orders keep their places, whatever is notified about them
		for i := range quantities {
			w.status(fmt.Sprintf("o-%d", i), statemachine.Filled)
		}
		w.commit(t, s)
	}
	for _, limit := range []int{1, 3, 10, 100} {
		for _, between := range []func(){still, move} {
			require.Equal(t, ascending, walk(Query{Sort: SmallestQuantity, Limit: limit}, between))
			require.Equal(t, ascending, walk(Query{Sort: SmallestQuantity, Limit: limit, ISINs: []string{"DE1"}}, between))
			reversed := strings.Fields(ascending)
			slices.Reverse(reversed)
			require.Equal(t, strings.Join(reversed, " "), walk(Query{Sort: LargestQuantity, Limit: limit}, between))
		}
	}
	require.Equal(t, "o-3 o-4", walk(Query{Sort: SmallestQuantity, Limit: 5, QuantityMin: "100", QuantityMax: "100"}, still))
	require.Empty(t, walk(Query{Sort: SmallestQuantity, Limit: 5, ISINs: []string{"DE2"}}, still))

	page, err := s.Orders(ctx, Query{Sort: SmallestQuantity, Limit: 2})
	require.NoError(t, err)
	_, err = s.Orders(ctx, Query{Sort: LatestModified, Limit: 2, Cursor: page.Next})
	require.ErrorIs(t, err, ErrCursor, "of a list with another sort")

	bounds.Orders = 5
	t.Cleanup(func() { bounds = usual })
	for _, q := range []Query{{}, {ISINs: []string{"DE1"}}, {QuantityMax: "1"}} {
		q.Sort = LargestQuantity
		_, err := s.Orders(ctx, q)
		require.ErrorIs(t, err, ErrTooManyToSort, "%+v", q)
	}
	require.Equal(t, "o-4", walk(Query{Sort: LargestQuantity, Limit: 5, IDPrefix: "o-4"}, still))
}
