package views

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

func TestARedriveThatContradictsTheStoredViewsChangesNothing(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.quarantine("no")
	w.status("o-1", statemachine.Filled)
	w.commit(t, s)
	away := errors.New("the log is away")
	fails := func(says string, r Redriven, err error) {
		t.Helper()
		require.ErrorContains(t, s.Redrive(ctx, func(context.Context) (Redriven, error) { return r, err }), says)
		w.requireViews(t, s)
	}
	order := func(sequences ...uint64) []Change { return []Change{{Order: w.orders["o-1"], Sequences: sequences}} }
	object := []Object{{Object: "customer", ID: "c", Sequence: 2, Count: 1}}
	fails("away", Redriven{}, away)
	fails("record 1 is not quarantined", Redriven{Records: []uint64{1}, Objects: object}, nil)
	fails("record 2 is not quarantined", Redriven{Records: []uint64{2, 2}, Objects: object}, nil)
	fails("record 3 is not quarantined", Redriven{Quarantined: []Quarantined{{Sequence: 3}}}, nil)
	fails("gain 0 notifications of 1", Redriven{Records: []uint64{2}}, nil)
	fails("gain 1 notifications of 0", Redriven{Records: []uint64{2}, Objects: object, Orders: order(1, 2, 3)}, nil)
	fails("sequence 2 after 3", Redriven{Records: []uint64{2}, Orders: order(1, 3, 2, 3)}, nil)

	require.NoError(t, s.Redrive(ctx, func(context.Context) (Redriven, error) { return Redriven{}, nil }))
	w.status("o-2", statemachine.Placed)
	w.commit(t, s) // a redrive that changed nothing does not prevent commits
	require.NoError(t, s.Redrive(ctx, func(context.Context) (Redriven, error) {
		return Redriven{Records: []uint64{2}, Objects: object}, nil
	}))
	w.status("o-2", statemachine.Filled)
	b := w.batch()
	require.ErrorIs(t, failure(s.Commit(ctx, b)), ErrSwitched, "it may have been folded before")
	require.NoError(t, failure(s.Commit(ctx, b)))
	stats, err := s.Stats(ctx)
	require.NoError(t, err)
	require.Zero(t, stats.Quarantined)
	require.Empty(t, stats.ByClass)
	require.EqualValues(t, 5, stats.Records)
}

func TestARedriveOfTheFirstNotificationGivesTheRowItsNumber(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.quarantine("no")
	w.status("o-1", statemachine.Filled)
	w.status("o-1", statemachine.PartiallyFilled) // possible_bust
	w.commit(t, s)
	first := statemachine.Notification{OrderID: "o-1", Sequence: 1, Received: receivedAt(1), AssetClass: statemachine.Traditional, Status: statemachine.Placed}
	o := &statemachine.Order{ID: "o-1"}
	o.Apply(&first)
	for sequence, status := range map[uint64]statemachine.Status{2: statemachine.Filled, 3: statemachine.PartiallyFilled} {
		o.Apply(&statemachine.Notification{OrderID: "o-1", Sequence: sequence, Received: receivedAt(sequence), AssetClass: statemachine.Traditional, Status: status})
	}
	require.NoError(t, s.Redrive(t.Context(), func(context.Context) (Redriven, error) {
		return Redriven{Records: []uint64{1}, Orders: []Change{{Order: o, Sequences: []uint64{1, 2, 3}}}}, nil
	}))
	require.EqualValues(t, 1, loadOne(t, s, "o-1").Held.row.n)
	requireConsistent(t, s)
}
