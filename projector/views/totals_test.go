package views

import (
	"context"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// requireTotals compares the totals of a list with those of the orders in the world, summed as rational numbers.
func requireTotals(t require.TestingT, s *Store, all []listed, q Query) {
	var want [4]big.Rat
	orders, leftOut := uint64(0), uint64(0)
	for _, o := range all {
		if !accepts(&q, o.order, o.state) {
			continue
		}
		orders++
		out := false
		for i, d := range []statemachine.Decimal{statemachine.Decimal(o.order.Detail(statemachine.Quantity)),
			statemachine.Decimal(o.order.Detail(statemachine.Amount)), o.state.Executed, o.state.Amount} {
			if d == "" {
				continue
			}
			if _, ok := d.Fixed(); !ok {
				out = true
				continue
			}
			r, _ := new(big.Rat).SetString(string(d))
			want[i].Add(&want[i], r)
		}
		if out {
			leftOut++
		}
	}
	q.Totals, q.Limit = true, 1
	page, err := s.Orders(context.Background(), q)
	require.NoError(t, err, "%+v", q)
	require.Equal(t, []uint64{orders, leftOut}, []uint64{page.Totals.Orders, page.Totals.LeftOut}, "%+v", q)
	for i, got := range []statemachine.Decimal{page.Totals.OrderedUnits, page.Totals.OrderedAmount, page.Totals.ExecutedUnits, page.Totals.ExecutedAmount} {
		r, ok := new(big.Rat).SetString(string(got))
		require.True(t, ok)
		require.Zero(t, want[i].Cmp(r), "%d of %+v: %s and not %s", i, q, got, want[i].RatString())
	}
}

func TestTotalsCoverAllOrdersOrAreRefused(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	w := newWorld()
	order := func(id string, n statemachine.Notification, quantity, amount string) {
		n.Details[statemachine.Quantity], n.Details[statemachine.Amount], n.Details[statemachine.ISIN] = quantity, amount, "DE1"
		n.Details[statemachine.DepositoryProduct], n.Details[statemachine.CashProduct] = "p", "p"
		w.notify(id, n)
	}
	placed := statemachine.Notification{Status: statemachine.Placed}
	filled := statemachine.Notification{Status: statemachine.Filled, Executed: "0.1", Amount: "12.50", Reported: true}
	order("a", placed, "0.1", "")
	order("b", placed, "0.2", "")
	order("c", placed, "", "100.00")
	order("d", placed, "1e400", "")
	w.commit(t, s)
	order("b", filled, "0.2", "")
	order("c", filled, "", "250")
	w.commit(t, s)
	total := func(q Query) Totals {
		q.Totals = true
		page, err := s.Orders(ctx, q)
		require.NoError(t, err)
		return *page.Totals
	}
	all := Totals{Orders: 4, LeftOut: 1, OrderedUnits: "0.3", OrderedAmount: "250", ExecutedUnits: "0.2", ExecutedAmount: "25"}
	require.Equal(t, all, total(Query{}))
	require.Equal(t, all, total(Query{ISINs: []string{"de1"}}))
	open := Totals{Orders: 2, LeftOut: 1, OrderedUnits: "0.1", OrderedAmount: "0", ExecutedUnits: "0", ExecutedAmount: "0"}
	require.Equal(t, open, total(Query{Open: flag(true)}))
	require.Equal(t, open, total(Query{ISINs: []string{"DE1"}, Statuses: []statemachine.Status{statemachine.Placed}, Limit: 1}))
	require.Equal(t, Totals{OrderedUnits: "0", OrderedAmount: "0", ExecutedUnits: "0", ExecutedAmount: "0"}, total(Query{Statuses: []statemachine.Status{statemachine.Settled}}))
	page, err := s.Orders(ctx, Query{Limit: 1, Totals: true})
	require.NoError(t, err)
	require.Equal(t, all, total(Query{Limit: 1, Cursor: page.Next}), "of the whole list, on each page")

	bounds.Summed, bounds.SummedRows = 3, 3
	t.Cleanup(func() { bounds = usual })
	require.Equal(t, all, total(Query{}), "a selection by facets is never too large")
	_, err = s.Orders(ctx, Query{ISINs: []string{"DE1"}, Totals: true})
	require.ErrorIs(t, err, ErrTooManyToSum)
	_, err = s.Orders(ctx, Query{QuantityMin: "500", Totals: true})
	require.ErrorIs(t, err, ErrTooManyToSum, "examined orders count")
	_, err = s.Orders(ctx, Query{Received: Period{Since: &earliest}, Totals: true})
	require.ErrorIs(t, err, ErrTooManyToSum, "of a time as well")
	_, err = s.Orders(ctx, Query{ISINs: []string{"DE1"}})
	require.NoError(t, err)
	bounds.Orders, bounds.InEra, bounds.Looked, bounds.LookedRows = 1, 1, 2, 2
	bounds.Summed = 4
	require.Equal(t, all, total(Query{ISINs: []string{"DE1"}}), "the maximum number")
	require.Equal(t, all, total(Query{Received: Period{Since: &earliest}}))
	bounds.Summed, bounds.SummedRows = 3, 4
	require.Equal(t, all, total(Query{ISINs: []string{"DE1"}}), "the maximum number of rows")
	bounds.SummedRows = 8
	require.Equal(t, all, total(Query{ISINs: []string{"DE1", "de1"}, ProductIDs: []string{"p"}}), "each once")
}
