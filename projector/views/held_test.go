package views

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// loadOne returns what Load returns for an existing order.
func loadOne(t *testing.T, s *Store, id string) Entry {
	t.Helper()
	loaded, err := s.Load(t.Context(), []string{id})
	require.NoError(t, err)
	require.Contains(t, loaded, id)
	return loaded[id]
}

func TestACommitThatContradictsTheViewsIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		held func(before, now Held) Held
		all  bool // notifications of the order are in the batch
		says string
	}{
		"the row is from before the last commit":           {held: func(before, _ Held) Held { return before }, says: "is not the one with last_sequence 1"},
		"the order seems new, and exists":                  {held: func(_, _ Held) Held { return Held{} }, all: true, says: "orders.id"},
		"the row belongs to another order":                 {held: func(_, now Held) Held { other := *now.row; other.n++; return Held{&other} }, says: "is not the one with last_sequence 2"},
		"the row is right, and the order is changed twice": {held: func(_, now Held) Held { return now }, says: "last_sequence 3 is that of another order"},
		"an order that was notified before has no row":     {held: func(_, _ Held) Held { return Held{&stored{}} }, says: "has 3 notifications and is not stored"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			w := newWorld()
			w.status("o-1", statemachine.Placed)
			w.commit(t, s)
			before := loadOne(t, s, "o-1").Held
			w.status("o-1", statemachine.PartiallyFilled)
			w.commit(t, s)
			now := loadOne(t, s, "o-1").Held
			w.status("o-1", statemachine.Filled)
			b := w.batch()
			right, held := b.Orders[0], test.held(before, now)
			b.Orders[0].Held = held
			if test.all {
				b.Orders[0].Order = &statemachine.Order{ID: "o-1"}
				b.Orders[0].Order.Apply(&statemachine.Notification{OrderID: "o-1", Sequence: 3, Received: receivedAt(3)})
			}
			if held == now {
				b.Orders = append(b.Orders, right)
			}
			require.ErrorContains(t, failure(s.Commit(t.Context(), b)), test.says)
			require.Equal(t, now, loadOne(t, s, "o-1").Held)
			requireConsistent(t, s)

			right.Held = now
			b.Orders = []Change{right}
			committed, err := s.Commit(t.Context(), b)
			require.NoError(t, err)
			w.requireViews(t, s)
			require.Equal(t, []Held{loadOne(t, s, "o-1").Held}, committed)
			require.EqualValues(t, 2, now.row.last, "a commit changes no row that was given to it")
		})
	}
}

func TestAnOrderWithoutARowIsNotStoredPartly(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.batch() // lost
	w.status("o-1", statemachine.Filled)
	require.ErrorContains(t, failure(s.Commit(t.Context(), w.batch())), "it has 2 notifications and is not stored, 1 are in the batch")
	requireConsistent(t, s)
}

func TestAFrozenBatchIsWrittenAsItWasWhenFrozen(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.held = map[string]Held{}
	long := strings.Repeat("x", 2*largeState) // does not fit into the rest of a state
	for i := range 200 {
		w.notify(fmt.Sprint("o-", i), notification(statemachine.Placed, "before"))
	}
	w.notify("long", notification(statemachine.Status(long), "before"))
	first := w.batch()
	require.NoError(t, first.Freeze())
	then := w.newestFirst()
	states := map[string][]byte{}
	for _, o := range then {
		states[o.order.ID] = encoded(t, o.order)
	}
	for id := range w.orders {
		w.notify(id, notification(statemachine.Filled, "after"))
	}
	second := w.batch()
	require.NoError(t, second.Freeze())
	w.write(t, s, first)
	for id, state := range states {
		o, _, err := s.Order(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, state, encoded(t, &o), id)
	}
	requireConsistent(t, s)
	w.write(t, s, second)
	w.requireViews(t, s)
	requireConsistent(t, s)
}

// meanwhile is a context that runs a function when it is checked, in the middle of a commit.
type meanwhile struct {
	context.Context
	do func()
}

func (c *meanwhile) Err() error {
	c.do()
	return nil
}

func TestALoadDoesNotWaitForACommit(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.commit(t, s)
	before := encoded(t, w.orders["o-1"])
	w.status("o-1", statemachine.Filled)
	loads := 0
	require.NoError(t, failure(s.Commit(&meanwhile{t.Context(), func() {
		loads++
		require.Equal(t, before, encoded(t, loadOne(t, s, "o-1").Order), "as the views were before")
	}}, w.batch())))
	require.NotZero(t, loads)
	require.Equal(t, encoded(t, w.orders["o-1"]), encoded(t, loadOne(t, s, "o-1").Order))
}

func TestTheWriteAheadLogStaysShort(t *testing.T) {
	usual := logBounds
	t.Cleanup(func() { logBounds = usual })
	for name, bounds := range map[string]struct{ begin, rest, most int }{
		"moved beside the commits":               {begin: 40, rest: 10, most: 400},
		"moved by commits that find a long log":  {begin: 40, rest: 0, most: 60},
		"moved by commits that find a short log": {begin: 40, rest: 1_000, most: 400},
	} {
		t.Run(name, func(t *testing.T) {
			logBounds = bounds
			dir := t.TempDir()
			s := open(t, dir)
			w := newWorld()
			longest := 0
			for batch := range 300 {
				for i := range 20 {
					w.status(fmt.Sprint("o-", (batch*7+i*13)%500), statemachine.Placed)
				}
				w.commit(t, s)
				require.NoError(t, s.write(func(w *writer) error {
					frames, _, err := w.c.moveLog(t.Context(), logText)
					longest = max(longest, frames)
					return err
				}))
			}
			require.Less(t, longest, bounds.most+bounds.begin, "one batch takes fewer frames than the least that are moved")
			w.requireViews(t, s)
			require.NoError(t, s.Close())
			_, err := os.Stat(generationPath(dir, 1) + "-wal")
			require.ErrorIs(t, err, os.ErrNotExist, "all of it was moved")
			w.requireViews(t, open(t, dir))
		})
	}
}

func TestOrdersAreNumberedByTheirFirstNotification(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.held = map[string]Held{}
	change := func(ids ...string) {
		var b Batch
		for _, id := range ids {
			w.status(id, statemachine.Placed)
			one := w.batch()
			b.Orders, b.Checkpoint = append(b.Orders, one.Orders...), one.Checkpoint
		}
		w.write(t, s, b)
		for i, id := range ids {
			require.Equal(t, id, b.Orders[i].Order.ID, "the batch is as it was")
		}
	}
	change("c", "b", "a")
	change("a", "z", "c", "y", "b", "x")
	w.requireViews(t, s)
	for id, first := range map[string]int64{"c": 1, "b": 2, "a": 3, "z": 5, "y": 7, "x": 9} {
		require.Equal(t, first, loadOne(t, s, id).Held.row.n, id)
	}
}
