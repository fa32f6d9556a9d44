package views

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// passed is a row after it was encoded and decoded.
func passed(t testing.TB, ch *Change) Row {
	made, err := NewRow(ch, nil)
	require.NoError(t, err)
	encoded, err := made.AppendBinary(nil)
	require.NoError(t, err)
	var r Row
	require.NoError(t, r.UnmarshalBinary(encoded))
	require.Equal(t, ch.Sequences[0], r.First())
	require.EqualValues(t, len(ch.Sequences), r.Notifications())
	return r
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
	require.NoError(t, d.Commit(ctx, all))
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Sequences[0], b.Sequences[0]) })
	for chunk := range slices.Chunk(changes, 90) {
		var rows []Row
		for i := range chunk {
			rows = append(rows, passed(t, &chunk[i]))
		}
		require.NoError(t, d.Insert(ctx, rows, all.Checkpoint))
	}
	require.NoError(t, d.IndexIDs(ctx))
	found := compared(t, d, dir)
	require.True(t, found.Equal(), "%+v", found)
	require.EqualValues(t, 400, found.Orders)
}

func TestARowOfHalfAnOrderIsRefused(t *testing.T) {
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.status("o-1", statemachine.Filled)
	_, err := NewRow(&Change{Order: w.orders["o-1"], Sequences: []uint64{2}}, nil)
	require.ErrorContains(t, err, "has 2 notifications, of which 1 are given")
}

func TestARowBeyondThePositionIsRefused(t *testing.T) {
	ctx := context.Background()
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	d, err := NewDraft(ctx, t.TempDir(), testVersion)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	r := passed(t, &Change{Order: w.orders["o-1"], Sequences: []uint64{1}})
	require.ErrorContains(t, d.Insert(ctx, []Row{r}, Checkpoint{}), "up to 0")
	require.ErrorContains(t, d.Insert(ctx, []Row{r, r}, Checkpoint{Sequence: 1}), "is that of another order")
}

func TestARowThatIsCutOrTooLongIsRefused(t *testing.T) {
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.status("o-1", statemachine.Canceled)
	w.status("o-1", statemachine.Filled)
	made, err := NewRow(&Change{Order: w.orders["o-1"], Sequences: []uint64{1, 2, 3}}, nil)
	require.NoError(t, err)
	require.NotEmpty(t, made.breaks)
	encoded, err := made.AppendBinary(nil)
	require.NoError(t, err)
	var r Row
	for i := range encoded {
		require.Error(t, r.UnmarshalBinary(encoded[:i:i]), i)
	}
	require.Error(t, r.UnmarshalBinary(append(slices.Clone(encoded), 0)))
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 { // whatever it says, it is not followed out of bounds
		spoilt := slices.Clone(encoded)
		spoilt[random.IntN(len(spoilt))] ^= byte(1 + random.IntN(255))
		_ = r.UnmarshalBinary(spoilt)
	}
}
