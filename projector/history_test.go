package projector_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func partial(order string, i int) string {
	at := time.Date(2026, 3, 2, 9, 0, 0, i*1_000_000, time.UTC).Format(time.RFC3339Nano)
	return fmt.Sprintf(`{"orderId":%q,"status":"PARTIALLY_FILLED","modifiedOn":%q,"quantity":100000,"execution":{"quantity":%d}}`, order, at, i)
}

// postTogether appends notifications concurrently.
func (w *world) postTogether(count int, body func(i int) string) {
	w.t.Helper()
	var posting sync.WaitGroup
	free := make(chan struct{}, 256)
	for i := range count {
		free <- struct{}{}
		posting.Go(func() {
			defer func() { <-free }()
			if _, err := w.log.Append(w.t.Context(), eventlog.Record{Object: "traditional-asset-order", Key: "k", Body: []byte(body(i))}); err != nil {
				w.t.Error(err)
			}
		})
	}
	posting.Wait()
}

// readLog is a log that counts the records read.
type readLog struct {
	*eventlog.Log
	mu    sync.Mutex
	calls int
	read  []uint64
	lost  map[uint64]bool // their loss was accepted
}

func (l *readLog) Records(ctx context.Context, sequences []uint64) iter.Seq2[eventlog.Record, error] {
	l.mu.Lock()
	l.calls++
	l.read = append(l.read, sequences...)
	l.mu.Unlock()
	return func(yield func(eventlog.Record, error) bool) {
		for r, err := range l.Log.Records(ctx, sequences) {
			if l.lost[r.Sequence] {
				r, err = eventlog.Record{Sequence: r.Sequence}, fmt.Errorf("%w; %w", eventlog.ErrNotFound, eventlog.ErrAcceptedLoss)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// pagesOf reads a whole history in pages.
func pagesOf(t require.TestingT, h *projector.Historian, id string, asOf statemachine.AsOf, limit int) (entries []statemachine.Entry, last statemachine.Past) {
	var after uint64
	for more := true; more; more = last.More {
		var err error
		last, err = h.History(context.Background(), id, statemachine.Stretch{AsOf: asOf, After: after, Limit: limit})
		require.NoError(t, err)
		require.LessOrEqual(t, len(last.Entries), limit)
		if entries = append(entries, last.Entries...); len(entries) > 0 {
			after = entries[len(entries)-1].Sequence
		}
	}
	return entries, last
}

func TestPagesOfAHistoryReadEachNotificationOnce(t *testing.T) {
	w := newWorld(t)
	const busy = 3000
	w.postTogether(busy, func(i int) string {
		if i%3 == 0 {
			return placed(fmt.Sprint("other", i), 1)
		}
		return partial("busy", i)
	})
	w.project()
	log := &readLog{Log: w.log}
	entries, last := pagesOf(t, projector.NewHistorian(log, w.views), "busy", statemachine.AsOf{}, 100)
	require.Len(t, entries, busy/3*2)
	require.Equal(t, w.order("busy"), last.Order, "the same as the views")
	require.LessOrEqual(t, log.calls, 2*len(entries)/100, "the log is read in ranges")
	require.LessOrEqual(t, len(log.read), len(entries)+len(entries)/100, "only of its own page, and of one order that shows that there is another page")
	whole, _ := pagesOf(t, projector.NewHistorian(log, w.views), "busy", statemachine.AsOf{}, 5000)
	require.Equal(t, whole, entries)
}

func TestAHistorianContinuesPagesThatAnotherOneBegan(t *testing.T) {
	w := newWorld(t)
	w.postTogether(1200, func(i int) string { return partial("busy", i) })
	w.project()
	whole, _ := pagesOf(t, projector.NewHistorian(w.log, w.views), "busy", statemachine.AsOf{}, 2000)
	past, err := projector.NewHistorian(w.log, w.views).History(t.Context(), "busy", statemachine.Stretch{After: whole[899].Sequence, Limit: 50})
	require.NoError(t, err)
	require.Equal(t, whole[900:950], past.Entries)
	require.True(t, past.More)
}

// This test checks the property that pages are parts of one history, whatever the limit, the moment
// and the earlier requests.
func TestThePagesOfAHistoryMakeUpTheWholeHistory(t *testing.T) {
	w := newWorld(t)
	w.postTogether(700, func(i int) string { return partial(fmt.Sprint("o", i%2), i%400) })
	w.project()
	fresh := func() *projector.Historian { return projector.NewHistorian(w.log, w.views) }
	used := fresh()
	whole, _ := pagesOf(t, fresh(), "o0", statemachine.AsOf{}, 1000)
	rapid.Check(t, func(t *rapid.T) {
		var asOf statemachine.AsOf
		known := len(whole)
		switch rapid.IntRange(0, 2).Draw(t, "moment") {
		case 1:
			known = rapid.IntRange(1, len(whole)).Draw(t, "known")
			asOf.Sequence = whole[known-1].Sequence
		case 2:
			asOf.Received = whole[rapid.IntRange(0, len(whole)-1).Draw(t, "known")].Received
			known = 0
			for _, e := range whole {
				if !e.Received.After(asOf.Received) {
					known++
				}
			}
		}
		limit := rapid.IntRange(known/20+1, 500).Draw(t, "limit")
		entries, last := pagesOf(t, used, "o0", asOf, limit)
		if asOf.Received.IsZero() {
			require.Equal(t, whole[:known], entries)
		} else {
			require.Len(t, entries, known)
		}
		order, err := used.AsOf(context.Background(), "o0", asOf)
		require.NoError(t, err)
		require.Equal(t, order.Order, last.Order)
		again, err := fresh().AsOf(context.Background(), "o0", asOf)
		require.NoError(t, err)
		require.Equal(t, again.Order, order.Order)
	})
}

func TestARecordWhoseLossWasAcceptedIsAnEntryOfTheHistory(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.post("traditional-asset-order", partial("a", i+1))
	}
	w.project()
	log := &readLog{Log: w.log, lost: map[uint64]bool{1: true, 3: true}}
	for _, limit := range []int{1, 2, 5} {
		entries, last := pagesOf(t, projector.NewHistorian(log, w.views), "a", statemachine.AsOf{}, limit)
		var effects []statemachine.Effect
		for i, e := range entries {
			require.EqualValues(t, i+1, e.Sequence)
			effects = append(effects, e.Effect)
		}
		require.Equal(t, []statemachine.Effect{"lost", "applied", "lost", "confirmed", "confirmed"}, effects, "limit %d", limit)
		require.EqualValues(t, 2, last.Lost)
	}
	past, err := projector.NewHistorian(log, w.views).AsOf(t.Context(), "a", statemachine.AsOf{Sequence: 3})
	require.NoError(t, err)
	require.EqualValues(t, 2, past.Lost)
	require.EqualValues(t, 1, past.Order.Count)
}

// A redrive adds a notification that is older than the folded ones, so the checkpoints must be
// discarded.
func TestAHistoryAfterARedriveContainsTheAddedNotification(t *testing.T) {
	w := newWorld(t)
	w.postTogether(600, func(i int) string { return partial("busy", i) })
	w.projectWithout(map[uint64]bool{7: true})
	h := projector.NewHistorian(w.log, w.views)
	before, _ := pagesOf(t, h, "busy", statemachine.AsOf{}, 300)
	require.Len(t, before, 599)
	require.EqualValues(t, 1, w.redrive(projector.Selection{}).Redriven)
	after, _ := pagesOf(t, h, "busy", statemachine.AsOf{}, 300)
	require.Len(t, after, 600)
	require.True(t, slices.ContainsFunc(after, func(e statemachine.Entry) bool { return e.Sequence == 7 }))
	past, err := h.History(t.Context(), "busy", statemachine.Stretch{After: 300, Limit: 300})
	require.NoError(t, err)
	require.Equal(t, w.order("busy"), past.Order)
}

// stalled lists an order's notifications only when the test allows it.
type stalled struct {
	projector.Sequences
	let chan struct{}
}

func (s *stalled) SequencesAfter(ctx context.Context, id string, after uint64, limit int) ([]uint64, views.At, error) {
	if after > 0 {
		<-s.let
	}
	return s.Sequences.SequencesAfter(ctx, id, after, limit)
}

func TestAHistoryEndsWhenItsCallerGivesUp(t *testing.T) {
	w := newWorld(t)
	w.postTogether(1200, func(i int) string { return partial("busy", i) })
	w.project()
	let := make(chan struct{}, 1)
	h := projector.NewHistorian(w.log, &stalled{w.views, let})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := h.AsOf(ctx, "busy", statemachine.AsOf{})
		ended <- err
	}()
	cancel()
	let <- struct{}{}
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestALogDamagedBetweenTwoPagesIsAnErrorAndNotTheEnd(t *testing.T) {
	w := newWorld(t)
	w.postTogether(300, func(i int) string { return partial("busy", i) })
	w.project()
	h := projector.NewHistorian(w.log, w.views)
	_, err := h.History(t.Context(), "busy", statemachine.Stretch{Limit: 100})
	require.NoError(t, err)
	require.NoError(t, w.log.Close())
	_, err = h.History(t.Context(), "busy", statemachine.Stretch{After: 100, Limit: 100})
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
}
