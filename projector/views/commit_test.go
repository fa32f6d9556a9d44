package views

import (
	"cmp"
	"context"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

func TestEmptyViewsContainNothing(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())

	at, err := s.Checkpoint(ctx)
	require.NoError(t, err)
	require.Zero(t, at)
	status, err := s.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, Status{Generation: 1, FoldVersion: testVersion, Lineage: list.Lineage("", 1, testVersion)}, status)
	_, read, err := s.Order(ctx, "o-1")
	require.ErrorIs(t, err, ErrNotFound)
	require.Equal(t, At{Generation: 1, Lineage: list.Lineage("", 1, testVersion)}, read)
	_, _, err = s.SequencesAfter(ctx, "o-1", 0, math.MaxInt)
	require.ErrorIs(t, err, ErrNotFound)
	_, _, err = s.Object(ctx, "customer", "c-1")
	require.ErrorIs(t, err, ErrNotFound)
	loaded, err := s.Load(ctx, []string{"o-1"})
	require.NoError(t, err)
	require.Empty(t, loaded)
	newWorld().requireViews(t, s)
}

func TestACommitIsReadBack(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.status("o-2", statemachine.Filled)
	w.see("customer", "c-1")
	w.see("customer", "")
	w.quarantine("no")
	w.commit(t, s)
	w.status("o-1", statemachine.Filled)
	w.status("o-2", statemachine.PartiallyFilled) // possible_bust
	w.see("customer", "c-1")
	w.commit(t, s)
	w.requireViews(t, s)

	loaded, err := s.Load(ctx, []string{"o-2", "o-3", "o-1"})
	require.NoError(t, err)
	require.Len(t, loaded, 2)
	require.Equal(t, encoded(t, w.orders["o-2"]), encoded(t, loaded["o-2"].Order))
	require.Equal(t, "o-2", loaded["o-2"].Order.ID)

	_, at, err := s.Order(ctx, "o-3")
	require.ErrorIs(t, err, ErrNotFound)
	require.Equal(t, At{Generation: 1, Lineage: list.Lineage("log-1", 1, testVersion), Applied: w.at}, at, "an order that does not exist does not exist as of a position either")

	health := Health{Reason: "the log was cut", At: start, Epoch: 3}
	require.NoError(t, s.SetHealth(ctx, health))
	want := Status{1, testVersion, Checkpoint{"log-1", w.at, "hash-8", receivedAt(8)}, Health{Reason: health.Reason, At: start}, Verified{}, Revision{}, 3, Feed{}, list.Lineage("log-1", 3, testVersion)}
	status, err := s.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, want, status)

	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice has the same effect as closing once")
	_, _, err = s.Order(ctx, "o-1")
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, failure(s.Commit(ctx, Batch{})), ErrClosed)

	again := open(t, dir)
	w.requireViews(t, again)
	status, err = again.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, want, status)
	w.status("o-1", statemachine.Settled)
	w.commit(t, again)
	w.requireViews(t, again)
}

func TestUnusualTextsAreStoredUnchanged(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	for _, id := range []string{"a\x00b", "a", "ünï?#%", "\xff\xfe", "'; --", "NULL"} {
		w.notify(id, notification(statemachine.Status("ODD "+id), id))
		w.see(id, id)
	}
	w.commit(t, s)
	for id := range w.orders {
		w.notify(id, notification(statemachine.Filled, id))
	}
	w.commit(t, s)
	w.requireViews(t, s)
	for id := range w.orders {
		require.Equal(t, []string{id}, walk(t, s, Query{ExternalIDs: []string{id}, Limit: 5}))
	}
}

func notification(status statemachine.Status, externalID string) statemachine.Notification {
	n := statemachine.Notification{Status: status, AssetClass: statemachine.Traditional}
	n.Details[statemachine.ExternalID] = externalID
	return n
}

func TestAllSequencesOfABusyOrderAreStored(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	w := newWorld()
	w.status("other", statemachine.Placed)
	for i := range 10_000 {
		w.notify("hot", statemachine.Notification{Status: statemachine.Placed, At: start})
		if i%700 == 0 || i == 9_000 {
			w.commit(t, s)
		}
	}
	w.commit(t, s)
	for range 2 * sequencesInRow {
		w.notify("other", statemachine.Notification{Status: statemachine.Placed, At: start})
		w.commit(t, s)
	}
	w.requireViews(t, s)

	var longest int
	require.NoError(t, s.read(ctx, func(_ *generation, c *connection) error {
		return c.Row(ctx, `SELECT max(length(recent)) FROM orders`, nil, &longest)
	}))
	require.Less(t, longest, 2*sequencesInRow, "what a commit rewrites does not grow with the order")
}

func TestARefusedBatchChangesNothing(t *testing.T) {
	placed := func(id string, sequences ...uint64) Change {
		o := &statemachine.Order{ID: id}
		for _, sequence := range sequences {
			o.Apply(&statemachine.Notification{Sequence: sequence, Received: start, Status: statemachine.Placed})
		}
		return Change{Order: o, Sequences: sequences}
	}
	known := placed("known", 1, 5)
	known.Sequences = []uint64{5}
	repeated := placed("known", 1, 1, 5)
	repeated.Sequences = []uint64{1, 5}
	for name, test := range map[string]struct {
		orders      []Change
		quarantined []Quarantined
		position    uint64
		says        string
	}{
		"a quarantined sequence that exists already": {quarantined: []Quarantined{{Sequence: 2}}, says: "quarantine 2"},
		"an existing order that is marked as new":    {orders: []Change{placed("known", 5)}, says: "orders.id"},
		"an order twice":                        {orders: []Change{known, known}, says: "twice"},
		"a new order twice":                     {orders: []Change{placed("new", 5), placed("new", 5)}, says: "twice"},
		"two orders with one last notification": {orders: []Change{placed("new", 5), placed("newer", 5)}, says: "last_sequence"},
		"a sequence that exists already":        {orders: []Change{repeated}, says: "1 is not after 3"},
		"sequences out of order":                {orders: []Change{placed("new", 5, 4, 6)}, says: "4 after 5"},
		"a sequence after the position":         {orders: []Change{placed("new", 7)}, says: "up to 6"},
		"an order without notifications":        {orders: []Change{placed("new")}, says: "no notification"},
		"sequences of another order":            {orders: []Change{{Order: known.Order, Sequences: []uint64{4}}}, says: "last sequence 5"},
		"a position before that of the views":   {position: 2, says: "stand at 3"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			w := newWorld()
			w.status("known", statemachine.Placed)
			w.quarantine("no")
			w.see("customer", "c-1")
			w.commit(t, s)

			b := Batch{
				Orders:      append([]Change{placed("first", 4)}, test.orders...),
				Objects:     []Object{{"customer", "c-1", 4, start, 1}, {"account", "a-1", 5, start, 1}},
				Quarantined: test.quarantined,
				Checkpoint:  Checkpoint{Log: "log-1", Sequence: cmp.Or(test.position, 6)},
			}
			require.ErrorContains(t, failure(s.Commit(context.Background(), b)), test.says)
			w.requireViews(t, s)
			requireConsistent(t, s)

			w.status("known", statemachine.Settled)
			w.status("new", statemachine.Canceled)
			w.commit(t, s)
			w.requireViews(t, s)
		})
	}
}

// endsAfter is a context that is cancelled after it was checked a number of times, in the middle of an operation.
type endsAfter struct {
	context.Context
	left int
}

func (c *endsAfter) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func (c *endsAfter) Done() <-chan struct{} { return make(chan struct{}) }

func TestACancelledCommitChangesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	w.status("o-0", statemachine.Placed)
	w.commit(t, s)
	before, err := s.Stats(t.Context())
	require.NoError(t, err)
	for i := range 1_000 {
		w.status("o-"+string(rune('a'+i)), statemachine.Filled)
	}
	b := w.batch()
	asked := 0
	for ; ; asked++ {
		_, err := s.Commit(&endsAfter{context.Background(), asked}, b)
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		stats, err := s.Stats(context.Background())
		require.NoError(t, err)
		require.Equal(t, before, stats)
		requireConsistent(t, s)
	}
	require.Greater(t, asked, 1_000/chunkSize, "it was cancelled in the middle")
	w.requireViews(t, s)
}

func TestCountsAlwaysMatchTheRows(t *testing.T) {
	statuses := []statemachine.Status{"", "UNHEARD_OF", "CANCELLATION_REJECTED"}
	for _, row := range statemachine.Statuses() {
		statuses = append(statuses, row.Status)
	}
	folders := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(folders, "")
		require.NoError(t, err)
		s, err := Open(context.Background(), Options{Dir: dir, FoldVersion: testVersion})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		w := newWorld()
		if rapid.Bool().Draw(t, "the rows travel with the orders") {
			w.held = map[string]Held{}
		}
		for range rapid.IntRange(1, 5).Draw(t, "batches") {
			if w.held != nil && rapid.Bool().Draw(t, "loaded anew") {
				loaded, err := s.Load(context.Background(), []string{"a", "b", "c", "d", "e", "f", "g", "h"})
				require.NoError(t, err)
				for id, e := range loaded {
					w.held[id] = e.Held
				}
			}
			for range rapid.IntRange(0, 40).Draw(t, "records") {
				switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); kind {
				case 0:
					w.quarantine("no")
				case 1:
					w.see(rapid.SampledFrom([]string{"customer", "account"}).Draw(t, "object"),
						rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "object id"))
				default:
					n := statemachine.Notification{
						Status:     rapid.SampledFrom(statuses).Draw(t, "status"),
						Kind:       rapid.SampledFrom([]statemachine.Kind{0, 0, 0, statemachine.Fetched}).Draw(t, "fetched"),
						AssetClass: statemachine.AssetClass(rapid.SampledFrom([]int{0, 1, 1, 1, 2, 3}).Draw(t, "class")),
						At:         start.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "at")) * time.Hour),
					}
					n.Details[statemachine.ExternalID] = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "external id")
					w.notify(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"}).Draw(t, "id"), n)
				}
			}
			b := w.batch()
			if rapid.Bool().Draw(t, "frozen") {
				require.NoError(t, b.Freeze())
			}
			w.write(t, s, b)
		}
		w.requireViews(t, s)
		requireConsistent(t, s)
		// Lists by the columns that change most often.
		all := w.newestFirst()
		for code := range statemachine.Codes {
			q := Query{Breaks: []statemachine.Code{code}, Limit: 2}
			require.Equal(t, idsOf(all, q), walk(t, s, q))
		}
	})
}

func hasBreak(state statemachine.State, codes ...statemachine.Code) bool {
	for _, b := range state.Breaks {
		for _, code := range codes {
			if b.Code == code {
				return true
			}
		}
	}
	return false
}

func TestANewEpochOfTheLogIsARevision(t *testing.T) {
	s := open(t, t.TempDir())
	begin := func(epoch uint64) Revision {
		require.NoError(t, s.SetHealth(t.Context(), Health{At: start, Epoch: epoch}))
		status, err := s.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, epoch, status.Epoch)
		return status.Revision
	}
	require.Zero(t, begin(2), "the epoch of the views was unknown")
	require.Zero(t, begin(2))
	third := begin(3)
	require.Equal(t, ByEpoch, third.Cause)
	require.Positive(t, third.Number)
	require.Equal(t, third, begin(3))
	require.Greater(t, begin(4).Number, third.Number)
	require.NoError(t, s.SetHealth(t.Context(), Health{At: start, Reason: "the log is away"}))
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(4), status.Epoch, "a process that cannot reach the log does not know this")
}
