package views

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

func madeRow(t testing.TB, ch *Change) Row {
	rows, err := NewRows([]*Change{ch})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.EqualValues(t, len(ch.Sequences), rows[0].Notifications())
	return rows[0]
}

func TestInsertedRowsEqualCommittedOrders(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	w := crowd(t, s, 400)
	for range 300 { // more than a row holds
		w.status("o-7", statemachine.PartiallyFilled)
	}
	w.see("customer", "c-1")
	w.quarantine("a reason")
	w.commit(t, s)

	d, err := NewDraft(ctx, dir, testVersion)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	all := w.everything()
	changes := all.Orders
	all.Orders = nil
	require.NoError(t, failure(d.Commit(ctx, all)))
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Sequences[0], b.Sequences[0]) })
	for chunk := range slices.Chunk(changes, 90) {
		var together []*Change
		for i := range chunk {
			together = append(together, &chunk[i])
		}
		rows, err := NewRows(together)
		require.NoError(t, err)
		require.NoError(t, d.Insert(ctx, rows, all.Checkpoint))
	}
	require.NoError(t, d.IndexIDs(ctx, 2))
	found := compared(t, d, dir)
	require.True(t, found.Equal(), "%+v", found)
	require.EqualValues(t, 400, found.Orders)
}

func TestARowOfAnIncompleteOrderIsRefused(t *testing.T) {
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.status("o-1", statemachine.Filled)
	_, err := NewRows([]*Change{{Order: w.orders["o-1"], Sequences: []uint64{2}}})
	require.ErrorContains(t, err, "has 2 notifications, of which 1 are given")
}

func TestARowBeyondThePositionIsRefused(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	d, err := NewDraft(ctx, t.TempDir(), testVersion)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	r := madeRow(t, &Change{Order: w.orders["o-1"], Sequences: []uint64{1}})
	require.ErrorContains(t, d.Insert(ctx, []Row{r}, Checkpoint{}), "up to 0")
	require.ErrorContains(t, d.Insert(ctx, []Row{r, r}, Checkpoint{Sequence: 1}), "is that of another order")
}

func TestAFacetKeepsNothingButItsStatusInMemory(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	part := strings.Clone("PLACED, and what else a part of the log says")
	w.status("o-1", statemachine.Status(part[:6]))
	w.commit(t, s)
	require.NotEmpty(t, s.writer.facets)
	for f := range s.writer.facets {
		require.Equal(t, statemachine.Placed, f.Status)
		require.NotSame(t, unsafe.StringData(part), unsafe.StringData(string(f.Status)))
	}
}
