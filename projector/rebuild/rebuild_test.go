package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// gate is a log that stops a reader after some records until the gate is opened, or that fails the reader.
type gate struct {
	*eventlog.Log
	after   uint64
	reached chan struct{} // closed when a reader waits there
	on      chan struct{} // closed to let the reader continue
	failure error         // returned instead of continuing, as long as it is set
	once    sync.Once
}

func newGate(log *eventlog.Log, after uint64) *gate {
	return &gate{Log: log, after: after, reached: make(chan struct{}), on: make(chan struct{})}
}

func (g *gate) Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) {
		for r, err := range g.Log.Read(ctx, after) {
			if err == nil && r.Sequence > g.after {
				if g.failure != nil {
					yield(eventlog.Record{}, g.failure)
					return
				}
				g.once.Do(func() { close(g.reached) })
				select {
				case <-g.on:
				case <-ctx.Done():
					yield(eventlog.Record{}, ctx.Err())
					return
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// filled is a world with some orders, and views that follow it.
func filled(t *testing.T) *world {
	w := newWorld(t)
	for i := range 40 {
		w.post("traditional-asset-order", placed(fmt.Sprint(i%9), i))
	}
	w.post("customer", `not JSON`)
	w.project()
	return w
}

func (w *world) rebuilder(log rebuild.Log) *rebuild.Rebuilder {
	return &rebuild.Rebuilder{Log: log, Views: w.views, Dir: w.dir}
}

// files returns the generations and drafts in the folder of the views.
func (w *world) files() (names []string) {
	for _, pattern := range []string{"orders-*.db", "draft-*"} {
		found, err := filepath.Glob(filepath.Join(w.dir, pattern))
		require.NoError(w.t, err)
		for _, path := range found {
			names = append(names, filepath.Base(path))
		}
	}
	return names
}

func (w *world) generation() int {
	w.t.Helper()
	status, err := w.views.Status(w.t.Context())
	require.NoError(w.t, err)
	return status.Generation
}

// withoutViews opens the views again, like a service that has no views.
func (w *world) withoutViews() {
	w.t.Helper()
	require.NoError(w.t, w.views.Close())
	for _, name := range append(w.files(), "live") {
		require.NoError(w.t, os.RemoveAll(filepath.Join(w.dir, name)))
	}
	w.openForService()
}

func (w *world) openForService() {
	w.t.Helper()
	var err error
	w.views, err = views.Open(w.t.Context(), views.Options{Dir: w.dir, FoldVersion: decode.FoldVersion(), FirstByPromotion: true})
	require.NoError(w.t, err)
}

func start(t *testing.T, r *rebuild.Rebuilder, mode rebuild.Mode) *rebuild.Run {
	t.Helper()
	run, err := r.Start(t.Context(), mode)
	require.NoError(t, err)
	return run
}

func TestARebuildServesANewGenerationThatEqualsTheLog(t *testing.T) {
	w := filled(t)
	stop := w.run()
	r := w.rebuilder(w.log)
	var told []rebuild.Phase
	r.Report = func(p rebuild.Progress) { told = append(told, p.Phase) }
	b := start(t, r, rebuild.Full).Wait()
	require.NoError(t, b.Err)
	require.Equal(t, 2, b.Generation)
	require.Equal(t, b.Progress.Total, b.Progress.Records)
	require.Positive(t, b.Progress.Records)
	require.Positive(t, b.Bytes)
	require.Contains(t, told, rebuild.Folding)
	require.Contains(t, told, rebuild.Switching)
	require.Equal(t, 2, w.generation())
	w.wait(w.post("traditional-asset-order", placed("new", 1)))
	stop()
	require.Equal(t, []string{"orders-1.db", "orders-2.db"}, w.files())
	require.Empty(t, w.differences())

	require.NoError(t, start(t, r, rebuild.Rollback).Wait().Err)
	require.Equal(t, 1, w.generation())
	require.Empty(t, w.differences(), "it was brought up to date")
}

func TestOnlyOneRebuildRunsAtATimeAndACancelledOneLeavesNothingBehind(t *testing.T) {
	for _, mode := range []rebuild.Mode{rebuild.Full, rebuild.DryRun} {
		t.Run(string(mode), func(t *testing.T) {
			w := filled(t)
			g := newGate(w.log, 20)
			r := w.rebuilder(g)
			_, ok := r.Current()
			require.False(t, ok)
			_, err := r.Cancel()
			require.ErrorIs(t, err, rebuild.ErrNotRunning)

			start(t, r, mode)
			<-g.reached
			_, err = r.Start(t.Context(), rebuild.Full)
			require.ErrorIs(t, err, rebuild.ErrRunning)
			require.Len(t, w.files(), 2)
			b, err := r.Cancel()
			require.NoError(t, err)
			require.ErrorIs(t, b.Err, context.Canceled)
			require.Equal(t, []string{"orders-1.db"}, w.files())
			require.Equal(t, 1, w.generation())
			_, err = r.Cancel()
			require.ErrorIs(t, err, rebuild.ErrNotRunning)

			close(g.on)
			require.NoError(t, start(t, r, rebuild.Full).Wait().Err, "another one can be started")
		})
	}
}

func TestTheDraftOfAKilledRebuildIsRemovedAndNeverServed(t *testing.T) {
	w := filled(t)
	require.NoError(t, w.views.Close())
	left := filepath.Join(w.dir, "draft-1")
	require.NoError(t, os.Mkdir(left, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(left, "orders.db"), []byte("half"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(left, "lock"), nil, 0o600))
	w.openForService()
	require.Equal(t, []string{"orders-1.db"}, w.files())
	require.Equal(t, 1, w.generation())
}

func TestTheFirstGenerationIsMadeAutomaticallyAndShownWhenComplete(t *testing.T) {
	w := filled(t)
	w.withoutViews()
	g := newGate(w.log, 20)
	r := w.rebuilder(g)
	require.NoError(t, r.Begin(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.Run(ctx) })
	stop := w.run()
	<-g.reached
	_, err := w.views.Stats(t.Context())
	require.ErrorIs(t, err, views.ErrNoViews, "no reader sees half of the orders")
	b, ok := r.Current()
	require.True(t, ok)
	require.Zero(t, b.Ended)
	close(g.on)
	w.wait(41)
	w.wait(w.post("traditional-asset-order", placed("new", 1)))
	stop()
	cancel()
	running.Wait()
	require.Empty(t, w.differences())
}

func TestAnEmptyLogHasItsFirstGenerationAtOnce(t *testing.T) {
	w := newWorld(t)
	w.withoutViews()
	require.NoError(t, w.rebuilder(w.log).Begin(t.Context()))
	require.Equal(t, 1, w.generation())
	require.NoError(t, w.rebuilder(w.log).Begin(t.Context()))
	require.Equal(t, []string{"orders-1.db"}, w.files(), "there is one already")
}

func TestAnUnreadableLogGivesNoGenerationUntilItCanBeRead(t *testing.T) {
	w := filled(t)
	w.withoutViews()
	g := newGate(w.log, 20)
	g.failure = &eventlog.Fault{Err: &eventlog.GapError{Want: 21, Got: 22}}
	r := w.rebuilder(g)
	b := start(t, r, rebuild.Full).Wait()
	require.ErrorIs(t, b.Err, fold.ErrHeldBack)
	require.ErrorContains(t, b.Err, "the log does not fit the views, nothing is folded: eventlog: a hole in the log: want record 21, got 22")
	require.Empty(t, w.files())

	g.failure = errors.New("away")
	b = start(t, r, rebuild.Full).Wait()
	require.ErrorIs(t, b.Before, fold.ErrHeldBack, "the previous attempt is reported while the next one runs")
	require.EqualError(t, b.Err, "away")
	g.failure = nil
	close(g.on)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.Run(ctx) })
	require.Eventually(t, func() bool { _, err := w.views.Stats(t.Context()); return err == nil }, time.Minute, time.Millisecond)
	cancel()
	running.Wait()
	require.Empty(t, w.differences())
}

func TestARebuildOfALogThatLostEverythingMakesNoEmptyGeneration(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	log, err := eventlog.Open(t.Context(), eventlog.Options{Dir: dir, MayCreate: true})
	require.NoError(t, err)
	_, err = log.Append(t.Context(), eventlog.Record{Object: "customer", Body: []byte("{}")})
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "nats")))
	lost := openLog(t, dir)
	w.withoutViews()
	r := w.rebuilder(lost)
	require.NoError(t, r.Begin(t.Context()))
	b := start(t, r, rebuild.Full).Wait()
	require.ErrorIs(t, b.Err, eventlog.ErrLost)
	require.ErrorContains(t, b.Err, "nothing is folded: eventlog: the log lost records: the log of this data folder was ")
	require.Empty(t, w.files())
}

func TestRebuildsStartedAndCancelledConcurrentlyEachHaveTheirOwnResult(t *testing.T) {
	w := filled(t)
	stop := w.run()
	r := w.rebuilder(w.log)
	var starters, cancellers sync.WaitGroup
	var started, cancelled atomic.Int64
	done := make(chan struct{})
	for range 3 {
		starters.Go(func() {
			for mine := 0; mine < 5; {
				run, err := r.Start(t.Context(), rebuild.Full)
				if errors.Is(err, rebuild.ErrRunning) {
					run.Wait()
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mine++
				started.Add(1)
				began := run.Rebuild().Started
				b := run.Wait()
				if b.Started != began || b.Ended.IsZero() || (b.Generation == 0) != errors.Is(b.Err, context.Canceled) {
					t.Error("not the result of this run", b)
				}
				if b.Err != nil {
					cancelled.Add(1)
				}
			}
		})
		cancellers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if b, ok := r.Current(); ok && b.Started.UnixNano()%2 == 0 { // some of them finish
					_, _ = r.Cancel()
				}
			}
		})
	}
	starters.Wait()
	close(done)
	cancellers.Wait()
	require.EqualValues(t, 15, started.Load())
	t.Log("cancelled", cancelled.Load())
	stop()
	require.Empty(t, w.differences())
}

func TestARebuilderThatHasEndedStartsNothing(t *testing.T) {
	w := filled(t)
	r := w.rebuilder(w.log)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = r.Run(ctx) })
		running.Go(cancel)
		run, err := r.Start(ctx, rebuild.DryRun)
		running.Wait()
		if err == nil {
			require.NotZero(t, run.Rebuild().Ended, "Run waits for what was started")
			continue
		}
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, []string{"orders-1.db"}, w.files())
}
