package rebuild_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
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
	var err error
	w.views, err = views.Open(t.Context(), views.Options{Dir: w.dir, FoldVersion: decode.FoldVersion()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.views.Close()) })
	return w
}

func openLog(t testing.TB, dir string) *eventlog.Log {
	log, err := eventlog.Open(t.Context(), eventlog.Options{Dir: dir, MayCreate: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	return log
}

func (w *world) post(object, body string) uint64 {
	w.t.Helper()
	sequence, err := w.log.Append(w.t.Context(), eventlog.Record{Object: object, Body: []byte(body)})
	require.NoError(w.t, err)
	return sequence
}

// run projects until stop is called.
func (w *world) run() (stop func()) {
	p := projector.New(projector.Options{Log: w.log, Views: w.views, BatchSize: 50, HotOrders: 20})
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(stop)
	return stop
}

// project runs until the views have reached the end of the log.
func (w *world) project() {
	w.t.Helper()
	stop := w.run()
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

func placed(order string, minute int) string {
	return fmt.Sprintf(`{"orderId":%q,"status":"PLACED","modifiedOn":"2026-03-02T09:%02d:00Z"}`, order, minute)
}

// differences returns the differences between the views and a new fold of the log.
func (w *world) differences() string {
	w.t.Helper()
	found, err := rebuild.Verify(w.t.Context(), rebuild.Examination{Log: w.log, Dir: w.dir})
	require.NoError(w.t, err)
	return found.Summary()
}
