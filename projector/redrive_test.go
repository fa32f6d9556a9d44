package projector_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// misread is a log as read by a decoder that cannot read some of the records.
type misread struct {
	*eventlog.Log
	unread map[uint64]bool
}

func (m *misread) Follow(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) {
		for r, err := range m.Log.Follow(ctx, after) {
			if m.unread[r.Sequence] {
				r.Body = []byte("noise")
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// projectWithout makes views in which those records are in quarantine, as if the decoder had a fault. The last record
// of the log must not be one of them.
func (w *world) projectWithout(unread map[uint64]bool) {
	w.t.Helper()
	p := projector.New(projector.Options{Log: &misread{w.log, unread}, Views: w.views})
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	b, err := w.log.Bounds(w.t.Context())
	require.NoError(w.t, err)
	w.wait(b.Last)
	cancel()
	running.Wait()
}

func (w *world) redrive(s projector.Selection) projector.Redrive {
	w.t.Helper()
	done, err := (&projector.Redriver{Log: w.log, Views: w.views}).Redrive(w.t.Context(), s)
	require.NoError(w.t, err)
	return done
}

// differences returns the differences between the views and a new fold of the log.
func (w *world) differences() string {
	w.t.Helper()
	found, err := rebuild.Verify(w.t.Context(), rebuild.Examination{Log: w.log, Dir: w.dir})
	require.NoError(w.t, err)
	return found.Summary()
}

func placed(order string, minute int) string {
	return fmt.Sprintf(`{"orderId":%q,"status":"PLACED","modifiedOn":"2026-03-02T09:%02d:00Z"}`, order, minute)
}

func TestARedriveGivesTheSameViewsAsARebuild(t *testing.T) {
	w := newWorld(t)
	unread := map[uint64]bool{}
	misread := func(object, body string) { unread[w.post(object, body)] = true }
	w.post("traditional-asset-order", placed("a", 1))
	misread("traditional-asset-order", `{"orderId":"a","status":"FILLED","modifiedOn":"2026-03-02T09:03:00Z","execution":{"quantity":1}}`)
	w.post("traditional-asset-order", `{"orderId":"a","status":"CANCELED","modifiedOn":"2026-03-02T09:02:00Z"}`)
	misread("traditional-asset-order", placed("b", 1))
	misread("traditional-asset-order", placed("b", 1))
	misread("customer", `{"customerId":"c"}`)
	w.post("customer", `{"customerId":"c"}`)
	misread("customer", `{"customerId":"d"}`)
	misread("labels-update", `{"updatedCustomers":["c"]}`)
	w.post("traditional-asset-order", `not JSON`)
	misread("traditional-asset-order", `{"status":"PLACED"}`)
	for i := range 150 { // more than fit in the row of an order
		if post := w.post; i%2 == 0 {
			unread[post("digital-asset-order", placed("long", 1))] = true
		} else {
			post("digital-asset-order", placed("long", 1))
		}
	}
	w.projectWithout(unread)
	require.NotEmpty(t, w.differences())
	before, err := w.views.Stats(t.Context())
	require.NoError(t, err)

	done := w.redrive(projector.Selection{DryRun: true})
	require.EqualValues(t, 83, done.Examined)
	require.EqualValues(t, 81, done.Redriven, "two cannot be read by any decoder")
	unchanged, err := w.views.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, unchanged)

	done = w.redrive(projector.Selection{})
	require.EqualValues(t, 81, done.Redriven)
	require.Len(t, done.Notes, 83)
	require.Contains(t, done.Notes, projector.RedriveNote{Sequence: 11, Object: "traditional-asset-order", Class: "no-order-id",
		Reason: "the body has no orderId"})
	require.Empty(t, w.differences())
	a := w.order("a")
	require.Equal(t, statemachine.Filled, a.State().Status)
	require.EqualValues(t, 3, a.Count)
	after, err := w.views.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.Records, after.Records)
	require.EqualValues(t, 2, after.Quarantined)
	require.Equal(t, map[string]uint64{"not-json": 1, "no-order-id": 1}, after.ByClass)

	done = w.redrive(projector.Selection{})
	require.EqualValues(t, 2, done.Examined, "nothing is redriven twice")
	require.Zero(t, done.Redriven)
	require.Empty(t, w.differences())
}

func TestADryRunOfARebuildReportsDifferencesAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.post("traditional-asset-order", placed(fmt.Sprint(i%9), i))
	}
	w.post("customer", `not JSON`)
	w.projectWithout(map[uint64]bool{1: true})
	run, err := (&rebuild.Rebuilder{Log: w.log, Views: w.views, Dir: w.dir}).Start(t.Context(), rebuild.DryRun)
	require.NoError(t, err)
	b := run.Wait()
	require.NoError(t, b.Err)
	require.Zero(t, b.Generation)
	require.EqualValues(t, 1, b.Found.Different)
	require.Equal(t, "0", b.Found.Details[0].OrderID)
	require.NotEmpty(t, b.Found.Others)
	for pattern, want := range map[string][]string{"orders-*.db": {filepath.Join(w.dir, "orders-1.db")}, "draft-*": nil} {
		found, err := filepath.Glob(filepath.Join(w.dir, pattern))
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
}

func TestARedriveIncludesOnlyTheSelectedRecords(t *testing.T) {
	w := newWorld(t)
	for i := range 6 {
		w.post("traditional-asset-order", placed(fmt.Sprint(i), 1))
	}
	w.post("customer", `{"customerId":"c"}`)
	unread := map[uint64]bool{1: true, 2: true, 3: true, 4: true}
	w.projectWithout(unread)

	require.Zero(t, w.redrive(projector.Selection{Class: "no-order-id"}).Examined)
	require.Zero(t, w.redrive(projector.Selection{Sequences: []uint64{5, 99}}).Examined, "not quarantined")
	done := w.redrive(projector.Selection{Sequences: []uint64{3, 2, 3}, Class: "not-json"})
	require.Equal(t, []projector.RedriveNote{{Sequence: 2, Object: "traditional-asset-order", ID: "1"},
		{Sequence: 3, Object: "traditional-asset-order", ID: "2"}}, done.Notes)
	done = w.redrive(projector.Selection{After: 1})
	require.EqualValues(t, 1, done.Redriven)
	done = w.redrive(projector.Selection{For: 1})
	require.EqualValues(t, 1, done.Next, "there may be more")
	require.Zero(t, w.redrive(projector.Selection{For: 1, After: done.Next}).Next)
	require.Empty(t, w.differences())
}

func TestARedriveOfALogThatDoesNotFitChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.post("traditional-asset-order", placed("a", 1))
	w.post("traditional-asset-order", placed("b", 1))
	w.projectWithout(map[uint64]bool{1: true})
	other := openLog(t, t.TempDir())
	_, err := (&projector.Redriver{Log: other, Views: w.views}).Redrive(t.Context(), projector.Selection{})
	require.ErrorIs(t, err, fold.ErrHeldBack)
	require.ErrorIs(t, err, eventlog.ErrDiverged)
	stats, err := w.views.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Quarantined)
}

// This test checks the property that, whichever records were in quarantine, and however they are redriven beside a
// projector that follows the log, the views become those of a new fold, and nothing is counted twice.
func TestARedriveBesideTheProjectorLosesAndRepeatsNothing(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(3, 4))
	traffic := platformtest.Traffic{Seed: 8, Start: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), Orders: 120}
	var bodies [][2]string
	for i := range traffic.Orders {
		for _, n := range traffic.Order(i).Notifications {
			bodies = append(bodies, [2]string{strings.TrimSuffix(strings.TrimPrefix(n.Path, "/"), "-notification"), string(n.Body)})
		}
	}
	random.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	unread := map[uint64]bool{}
	half := bodies[:len(bodies)/2]
	for i, b := range half {
		if sequence := w.post(b[0], b[1]); random.IntN(3) == 0 && i < len(half)-1 {
			unread[sequence] = true
		}
	}
	w.projectWithout(unread)

	_, stop := w.run()
	var posting sync.WaitGroup
	posting.Go(func() {
		for _, b := range bodies[len(half):] {
			if _, err := w.log.Append(t.Context(), eventlog.Record{Object: b[0], Body: []byte(b[1])}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for some := range slices.Chunk(slices.Collect(maps.Keys(unread)), 1+len(unread)/10) {
		w.redrive(projector.Selection{Sequences: some})
	}
	posting.Wait()
	w.wait(uint64(len(bodies)))
	stop()
	require.Empty(t, w.differences())
	stats, err := w.views.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, len(bodies), stats.Records)
	require.Zero(t, stats.Quarantined)
}

func TestTwoRedrivesAtOnceCountNothingTwice(t *testing.T) {
	w := newWorld(t)
	unread := map[uint64]bool{}
	for i := range 300 {
		unread[w.post("traditional-asset-order", placed(fmt.Sprint(i%7), 1))] = true
	}
	w.post("traditional-asset-order", placed("last", 1))
	w.projectWithout(unread)
	var both sync.WaitGroup
	var redriven [2]uint64
	for i := range redriven {
		both.Go(func() {
			done, err := (&projector.Redriver{Log: w.log, Views: w.views}).Redrive(t.Context(), projector.Selection{})
			if err != nil {
				t.Error(err)
			}
			redriven[i] = done.Redriven
		})
	}
	both.Wait()
	require.EqualValues(t, 300, redriven[0]+redriven[1])
	require.Empty(t, w.differences())
}

// besides are views that record which records are read from a log while the writer is locked, and
// let others write before that.
type besides struct {
	*views.Store
	log    *readLog
	before func()
	reads  []int // number of records read, each time
}

func (b *besides) Redrive(ctx context.Context, fold func(ctx context.Context) (views.Redriven, error)) error {
	b.before()
	return b.Store.Redrive(ctx, func(ctx context.Context) (views.Redriven, error) {
		known := len(b.log.read)
		r, err := fold(ctx)
		b.reads = append(b.reads, len(b.log.read)-known)
		return r, err
	})
}

func TestNoOrderIsFoldedWhileTheProjectorWaitsForARedrive(t *testing.T) {
	for name, meanwhile := range map[string]int{"nothing comes meanwhile": 0, "a few come": 10, "many come": 700} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.postTogether(3000, func(i int) string { return partial("busy", i) })
			w.projectWithout(map[uint64]bool{5: true, 900: true})
			log := &readLog{Log: w.log}
			store := &besides{Store: w.views, log: log}
			store.before = func() {
				w.postTogether(meanwhile, func(i int) string { return partial("busy", 5000+i) })
				meanwhile = 0
				w.project()
			}
			done, err := (&projector.Redriver{Log: log, Views: store}).Redrive(t.Context(), projector.Selection{})
			require.NoError(t, err)
			require.EqualValues(t, 2, done.Redriven)
			for _, records := range store.reads {
				require.LessOrEqual(t, records, 65)
			}
			require.NotEmpty(t, store.reads)
			require.Empty(t, w.differences())
		})
	}
}

func TestARedriveContinuesPastLostRecords(t *testing.T) {
	w := newWorld(t)
	unread := map[uint64]bool{}
	for _, id := range []string{"a", "b", "b", "c"} {
		unread[w.post("traditional-asset-order", placed(id, 1))] = true
	}
	w.post("traditional-asset-order", placed("c", 2))
	w.post("traditional-asset-order", placed("d", 2))
	w.projectWithout(unread)
	log := &readLog{Log: w.log, lost: map[uint64]bool{1: true, 5: true}}
	done, err := (&projector.Redriver{Log: log, Views: w.views}).Redrive(t.Context(), projector.Selection{})
	require.NoError(t, err)
	require.EqualValues(t, 4, done.Examined)
	require.EqualValues(t, 2, done.Redriven, "those of b")
	var stay []string
	for _, n := range done.Notes {
		if n.Class != "" {
			stay = append(stay, fmt.Sprint(n.Sequence, " ", n.Reason))
		}
	}
	require.Equal(t, []string{"1 the log lost this record: it can never be read again",
		"4 record 5 of order c: the log lost it; orderfold rebuild makes the views anew"}, stay)
}

func TestARedriveOfManyBusyOrdersRunsInSteps(t *testing.T) {
	w := newWorld(t)
	const orders = 6
	unread := map[uint64]bool{}
	for order := range orders { // one after the other, so that each order has one of the first records
		w.postTogether(1, func(int) string { return partial(fmt.Sprint(order), order) })
		unread[uint64(order+1)] = true
	}
	w.postTogether(orders*4100, func(i int) string { return partial(fmt.Sprint(i%orders), orders+i) })
	w.projectWithout(unread)
	store := &besides{Store: w.views, log: &readLog{Log: w.log}, before: func() {}}
	done, err := (&projector.Redriver{Log: store.log, Views: store}).Redrive(t.Context(), projector.Selection{})
	require.NoError(t, err)
	require.EqualValues(t, orders, done.Redriven)
	require.Greater(t, len(store.reads), 1, "more than 20,000 notifications are not written at once")
	require.Empty(t, w.differences())
}
