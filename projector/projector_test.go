package projector_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// world is a real log and real views.
type world struct {
	t     testing.TB
	log   *eventlog.Log
	views *views.Store
	dir   string
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.log = openLog(t, t.TempDir())
	w.openViews()
	t.Cleanup(func() { require.NoError(t, w.views.Close()) })
	return w
}

func openLog(t testing.TB, dir string) *eventlog.Log {
	log, err := eventlog.Open(t.Context(), eventlog.Options{Dir: dir, MayCreate: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	return log
}

func (w *world) openViews() {
	var err error
	w.views, err = views.Open(w.t.Context(), views.Options{Dir: w.dir, FoldVersion: decode.FoldVersion()})
	require.NoError(w.t, err)
}

func (w *world) post(object, body string) uint64 {
	w.t.Helper()
	sequence, err := w.log.Append(w.t.Context(), eventlog.Record{Object: object, Body: []byte(body)})
	require.NoError(w.t, err)
	return sequence
}

// run projects until stop is called.
func (w *world) run() (p *projector.Projector, stop func()) {
	p = projector.New(projector.Options{Log: w.log, Views: w.views, BatchSize: 50, HotOrders: 20})
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(stop)
	return p, stop
}

// project runs until the views stand at the end of the log.
func (w *world) project() {
	w.t.Helper()
	_, stop := w.run()
	b, err := w.log.Bounds(w.t.Context())
	require.NoError(w.t, err)
	w.wait(b.Last)
	stop()
}

func (w *world) wait(sequence uint64) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	require.NoError(w.t, w.views.Wait(ctx, sequence))
}

func (w *world) order(id string) statemachine.Order {
	w.t.Helper()
	o, _, err := w.views.Order(w.t.Context(), id)
	require.NoError(w.t, err)
	return o
}

func TestEveryRecordEndsInAnOrderAnObjectOrQuarantine(t *testing.T) {
	w := newWorld(t)
	w.post("traditional-asset-order", `{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z","quantity":10}`)
	w.post("customer", `{"customerId":"c"}`)
	w.post("traditional-asset-order", `not JSON`)
	w.post("traditional-asset-order", `{"status":"FILLED"}`)
	w.post("customer", `{"customerId":"c","status":"ACTIVE"}`)
	w.post("labels-update", `{"updatedCustomers":["c"]}`)
	w.post("customer", `[]`)
	last := w.post("digital-asset-order", `{"orderId":"b","status":"FILLED","modifiedOn":"2026-03-02T09:00:00Z","executionData":{"quantity":1}}`)
	w.project()

	a, b := w.order("a"), w.order("b")
	require.Equal(t, statemachine.Placed, a.State().Status)
	require.Equal(t, statemachine.Filled, b.State().Status)
	require.Equal(t, statemachine.Digital, b.AssetClass())
	object, applied, err := w.views.Object(t.Context(), "customer", "c")
	require.NoError(t, err)
	require.Equal(t, last, applied)
	require.Equal(t, uint64(5), object.Sequence)
	require.Equal(t, uint64(2), object.Count)
	rows, _, _, err := w.views.Quarantine(t.Context(), views.QuarantineQuery{})
	require.NoError(t, err)
	var quarantined []string
	for _, q := range rows {
		quarantined = append(quarantined, fmt.Sprint(q.Sequence, " ", q.Class))
		require.NotEmpty(t, q.Reason)
	}
	require.Equal(t, []string{"7 not-an-object", "4 no-order-id", "3 not-json"}, quarantined)
	stats, err := w.views.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(2), stats.Orders)
	require.Equal(t, uint64(3), stats.Quarantined)
	require.Equal(t, map[string]uint64{"customer": 2, "labels-update": 1}, stats.Objects)
}

func TestTheProjectorContinuesAtThePositionOfTheViews(t *testing.T) {
	w := newWorld(t)
	w.post("traditional-asset-order", `{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	w.project()
	require.NoError(t, w.views.Close())
	w.post("traditional-asset-order", `{"orderId":"a","status":"FILLED","modifiedOn":"2026-03-02T09:01:00Z"}`)
	w.openViews()
	w.project()
	a := w.order("a")
	require.Equal(t, statemachine.Filled, a.State().Status)
	require.Equal(t, uint64(2), a.Count, "nothing is applied twice")
	w.project()
	a = w.order("a")
	require.Equal(t, uint64(2), a.Count)
}

func TestNothingIsFoldedWhenTheLogDoesNotFitTheViews(t *testing.T) {
	for name, c := range map[string]struct {
		move func(c *views.Checkpoint)
		says string
	}{
		"another record is at the position": {func(c *views.Checkpoint) { c.Hash = strings.Repeat("0", 64) }, "another record is at this position"},
		"another log":                       {func(c *views.Checkpoint) { c.Log = "2020-01-01T00:00:00Z" }, "another record is at this position"},
		"the log ends earlier":              {func(c *views.Checkpoint) { c.Sequence = 100 }, "ends before"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.post("traditional-asset-order", `{"orderId":"a","status":"PLACED"}`)
			w.project()
			at, err := w.views.Checkpoint(t.Context())
			require.NoError(t, err)
			c.move(&at)
			_, err = w.views.Commit(t.Context(), views.Batch{Checkpoint: at})
			require.NoError(t, err)
			w.post("traditional-asset-order", `{"orderId":"b","status":"PLACED"}`)
			p, stop := w.run()
			require.Eventually(t, func() bool { return p.Reason() != "" }, time.Minute, time.Millisecond)
			require.Contains(t, p.Reason(), c.says)
			require.Eventually(t, func() bool {
				status, err := w.views.Status(t.Context())
				return err == nil && status.Health.Reason == p.Reason()
			}, time.Minute, time.Millisecond, "readers in other processes are told")
			stop()
			_, _, err = w.views.Order(t.Context(), "b")
			require.ErrorIs(t, err, views.ErrNotFound)
		})
	}
}

// failing makes the views fail once; changes that were folded in memory then must not count as stored.
type failing struct {
	projector.Views
	mu    sync.Mutex
	fails int
}

func (f *failing) Commit(ctx context.Context, b views.Batch) ([]views.Held, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails > 0 {
		f.fails--
		return nil, errors.New("the disk is full")
	}
	return f.Views.Commit(ctx, b)
}

func TestAFailedCommitIsTriedAgainAndCountsNothingTwice(t *testing.T) {
	w := newWorld(t)
	p := projector.New(projector.Options{Log: w.log, Views: &failing{Views: w.views, fails: 2}})
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	running.Go(func() { _ = p.Run(ctx) })
	for range 3 {
		w.post("traditional-asset-order", `{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	}
	w.wait(3)
	cancel()
	running.Wait()
	a := w.order("a")
	require.Equal(t, uint64(3), a.Count)
	require.Equal(t, uint64(2), a.Duplicates)
}

// This test checks the property from bytes to views: however notifications arrive, the views are equal, except for
// values that describe the arrival.
func TestViewsDoNotDependOnTheOrderOfArrival(t *testing.T) {
	traffic := platformtest.Traffic{Seed: 5, Start: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), Orders: 200}
	type body struct{ object, body string }
	var bodies []body
	var ids []string
	for i := range traffic.Orders {
		o := traffic.Order(i)
		ids = append(ids, o.ID)
		for _, n := range o.Notifications {
			object := strings.TrimSuffix(strings.TrimPrefix(n.Path, "/"), "-notification")
			bodies = append(bodies, body{object, string(n.Body)})
		}
	}
	shown := make([]map[string]string, 3)
	for shuffle := range shown {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(9, uint64(shuffle)))
		r.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
		for i, b := range bodies {
			w.post(b.object, b.body)
			if i%7 == 0 {
				again := bodies[r.IntN(i+1)]
				w.post(again.object, again.body)
			}
		}
		w.project()
		shown[shuffle] = map[string]string{}
		for _, id := range ids {
			o := w.order(id)
			shown[shuffle][id] = timeless(&o)
		}
	}
	require.Equal(t, shown[0], shown[1])
	require.Equal(t, shown[0], shown[2])
}

// timeless returns everything about an order that does not depend on its arrival. The time of a refused update does,
// because it contains no other time.
func timeless(o *statemachine.Order) string {
	s := o.State()
	var b strings.Builder
	fmt.Fprintln(&b, s.Status, s.StatusSince, s.ModifiedOn, s.Executed, s.Open, s.Final, s.Traded, o.AssetClass())
	for _, k := range s.Breaks {
		if k.Code != statemachine.ClockSkew {
			fmt.Fprintln(&b, k.Code, k.OpenedAt, len(k.Sequences))
		}
	}
	for f := range statemachine.Fields {
		fmt.Fprintln(&b, o.Detail(f))
	}
	return b.String()
}

func TestAHistoryIsFoldedFromTheOrdersOwnNotifications(t *testing.T) {
	w := newWorld(t)
	w.post("traditional-asset-order", `{"orderId":"a","status":"FILLED","modifiedOn":"2026-03-02T09:01:00Z"}`)
	w.post("traditional-asset-order", `{"orderId":"b","status":"PLACED"}`)
	w.post("traditional-asset-order", `{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z","side":7}`)
	w.post("traditional-asset-order", `{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	w.project()
	h := projector.NewHistorian(w.log, w.views)
	past, err := h.History(t.Context(), "a", statemachine.Stretch{Limit: 3})
	require.NoError(t, err)
	var effects []statemachine.Effect
	for _, e := range past.Entries {
		effects = append(effects, e.Effect)
	}
	require.Equal(t, []statemachine.Effect{"applied", "late", "duplicate"}, effects)
	require.Equal(t, []string{"side: expected text, found a number; ignored"}, past.Entries[1].Notes)
	require.Equal(t, w.order("a"), past.Order, "the same as the views")

	past, err = h.History(t.Context(), "a", statemachine.Stretch{AsOf: statemachine.AsOf{Sequence: 2}, Limit: 3})
	require.NoError(t, err)
	require.Len(t, past.Entries, 1)
	require.Equal(t, uint64(1), past.Order.Count)
	past, err = h.History(t.Context(), "a", statemachine.Stretch{AsOf: statemachine.AsOf{Received: past.First.Received.Add(-time.Nanosecond)}, Limit: 3})
	require.NoError(t, err)
	require.Empty(t, past.Entries)
	require.Equal(t, uint64(1), past.First.Sequence)
	_, err = h.AsOf(t.Context(), "none", statemachine.AsOf{})
	require.ErrorIs(t, err, views.ErrNotFound)
}
