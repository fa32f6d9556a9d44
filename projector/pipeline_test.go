package projector_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
	"testing"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// gated are views whose commits wait and end when the test decides. The test gets every batch and
// every load.
type gated struct {
	projector.Views
	commits chan views.Batch
	results chan error
	loads   chan []string
}

func newGated(v projector.Views) *gated {
	return &gated{Views: v, commits: make(chan views.Batch), results: make(chan error), loads: make(chan []string, 1000)}
}

func (g *gated) Load(ctx context.Context, ids []string) (map[string]views.Entry, error) {
	loaded, err := g.Views.Load(ctx, ids)
	g.loads <- ids
	return loaded, err
}

func (g *gated) Commit(ctx context.Context, b views.Batch) ([]views.Held, error) {
	select {
	case g.commits <- b:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case err := <-g.results:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.Views.Commit(ctx, b)
}

func (w *world) runGated(g *gated, batchSize int) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := projector.New(projector.Options{Log: w.log, Views: g, BatchSize: batchSize, HotOrders: 1}).Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(func() { cancel(); running.Wait() })
}

func (w *world) postStatus(id, status string) {
	w.t.Helper()
	w.post("traditional-asset-order", fmt.Sprintf(`{"orderId":%q,"status":%q,"modifiedOn":"2026-03-02T09:00:00Z"}`, id, status))
}

// One batch per parcel, so that the next step is known: the batch after the one being written is
// folded when it is full.
func TestTheNextBatchIsFoldedWhileOneIsWritten(t *testing.T) {
	const batch = 4
	for name, outcome := range map[string]error{
		"and written when that is done":                      nil,
		"and folded again when that failed":                  errors.New("the disk is full"),
		"and folded again when another generation took over": views.ErrSwitched,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := newGated(w.views)
			w.runGated(g, batch)
			w.postStatus("a", "PLACED")
			first := <-g.commits
			require.Equal(t, uint64(1), first.Checkpoint.Sequence)
			require.Equal(t, []string{"a"}, <-g.loads)
			w.postStatus("a", "PLACED") // in the batch that is being written, so it is not loaded again
			for i := range batch - 1 {
				w.postStatus(fmt.Sprint("b-", i), "PLACED")
			}
			require.Equal(t, []string{"b-0", "b-1", "b-2"}, <-g.loads)
			g.results <- outcome
			for at := uint64(0); at < 1+batch; {
				b := <-g.commits
				at = b.Checkpoint.Sequence
				g.results <- nil
			}
			w.wait(1 + batch)
			a := w.order("a")
			require.Equal(t, uint64(2), a.Count)
			require.Equal(t, uint64(1), a.Duplicates)
			sequences, _, err := w.views.SequencesAfter(t.Context(), "a", 0, math.MaxInt)
			require.NoError(t, err)
			require.Equal(t, []uint64{1, 2}, sequences)
			stats, err := w.views.Stats(t.Context())
			require.NoError(t, err)
			require.Equal(t, uint64(batch), stats.Orders)
		})
	}
}

func TestRecordsThatArriveWhileABatchIsWrittenAreWrittenTogether(t *testing.T) {
	w := newWorld(t)
	g := newGated(w.views)
	w.runGated(g, 1000)
	w.postStatus("a", "PLACED")
	<-g.commits
	for range 10 {
		w.postStatus("a", "FILLED")
	}
	last := w.post("customer", `{"customerId":"c"}`)
	g.results <- nil
	// The log's reader may be behind the log.
	for at, batches := uint64(1), 0; at < last; batches++ {
		require.Less(t, batches, 10)
		at = (<-g.commits).Checkpoint.Sequence
		g.results <- nil
	}
	w.wait(last)
	a := w.order("a")
	require.Equal(t, uint64(11), a.Count)
}

// breaking is a log whose reader fails after some records.
type breaking struct {
	projector.Log
	after int
	err   error
}

func (b *breaking) Follow(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) {
		for r, err := range b.Log.Follow(ctx, after) {
			if err == nil && r.Sequence > uint64(b.after) {
				yield(eventlog.Record{}, b.err)
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestRecordsReadBeforeTheLogFailedAreWritten(t *testing.T) {
	w := newWorld(t)
	for i := range 10 {
		w.postStatus(fmt.Sprint("o-", i), "PLACED")
	}
	log := &breaking{Log: w.log, after: 7, err: &eventlog.Fault{Err: &eventlog.GapError{Want: 8, Got: 9}}}
	p := projector.New(projector.Options{Log: log, Views: w.views})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	w.wait(7)
	cancel()
	running.Wait()
	at, err := w.views.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(7), at.Sequence)
}
