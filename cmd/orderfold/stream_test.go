package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

// watcher is a reader of the stream that stores the content of its events.
type watcher struct {
	filter client.OrderFilter
	mu     sync.Mutex
	orders map[string]client.Order
	last   uint64 // sequence in the ID of the last event
	err    error
}

// watch reads every event of the API until ctx ends. It fails if an ID does not increase or the stream starts over.
func (w *watcher) watch(ctx context.Context, c *client.Client) {
	snapshots := 0
	for e, err := range c.Watch(ctx, client.WatchQuery{OrderFilter: w.filter}) {
		w.mu.Lock()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.err = err
		case e.ID != "" && sequenceOf(e.ID) <= w.last:
			w.err = fmt.Errorf("event %s came after %d", e.ID, w.last)
		case e.Resync != nil:
			w.err = errors.New("resync: " + e.Resync.Detail)
		case e.Snapshot != nil:
			if snapshots++; snapshots > 1 && w.last != 0 {
				w.err = errors.New("another snapshot")
			}
			for _, o := range e.Snapshot.Orders {
				w.orders[o.OrderID] = o
			}
		case e.Change != nil && e.Change.Matches:
			w.orders[e.Change.Order.OrderID] = e.Change.Order
		case e.Change != nil:
			delete(w.orders, e.Change.Order.OrderID)
		}
		w.last = max(w.last, sequenceOf(e.ID))
		failed := w.err != nil
		w.mu.Unlock()
		if failed {
			return
		}
	}
}

// sequenceOf returns the sequence in the id of an event; 0 when there is none.
func sequenceOf(id string) uint64 {
	number, _, _ := strings.Cut(id, "-")
	sequence, _ := strconv.ParseUint(number, 10, 64)
	return sequence
}

// complete reports whether the watcher has got all changes up to sequence, or failed.
func (w *watcher) complete(sequence uint64, want map[string]client.Order) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || w.last >= sequence {
		return true
	}
	// Heartbeats come only every 15 s: a watcher without the last ID is complete when it has got every change that it
	// follows.
	return len(w.orders) == len(want) && !differ(w.orders, want)
}

func differ(got, want map[string]client.Order) bool {
	for id, o := range want {
		if got[id].Notifications != o.Notifications {
			return true
		}
	}
	return false
}

func TestAHundredReadersGetEachEventOnceAcrossRestartsAndARebuildUnderLoad(t *testing.T) {
	t.Parallel()
	data, address := filepath.Join(t.TempDir(), "data"), loopback()+":0" // the next process needs the same ports
	p := start(t, []string{"receiver", "api", "log"}, append(append([]string{"serve", "--data", data}, freePorts...),
		"--receiver-addr", address, "--api-addr", address)...)
	args := []string{"serve", "--data", data, "--nats-addr", "127.0.0.1:0"}
	for _, name := range []string{"receiver", "api"} {
		args = append(args, "--"+name+"-addr", strings.TrimPrefix(p.addrs[name], "http://"))
	}
	c, err := (&apiAccess{url: p.addrs["api"]}).client()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	defer func() { cancel(); watching.Wait() }()
	open := true
	filters := []client.OrderFilter{{}, {}, {Open: &open}, {Statuses: []string{"FILLED", "SETTLED"}}, {AssetClass: "TRADITIONAL"},
		{Breaks: []string{"conflicting_close", "possible_bust"}}}
	watchers := make([]*watcher, 100)
	for i := range watchers {
		watchers[i] = &watcher{filter: filters[i%len(filters)], orders: map[string]client.Order{}}
		watching.Go(func() { watchers[i].watch(ctx, c) })
	}
	load, receiver := make(chan error, 1), p.addrs["receiver"]
	go func() { // a platform repeats what was not acknowledged
		result, err := platformtest.Play(ctx, platformtest.Options{URL: receiver, Rate: 400, RetryFor: patience,
			Traffic: platformtest.Traffic{Seed: 41, Orders: 500, Repeats: 0.1, Overtaking: 0.3}})
		if totals := result.Totals; err == nil && totals.Acknowledged < totals.Notifications {
			err = fmt.Errorf("not everything was acknowledged: %+v", totals)
		}
		load <- err
	}()
	applied := func(n uint64) {
		eventually(t, "the load continues", func() bool {
			status, err := c.Status(ctx)
			return err == nil && status.AppliedSequence >= n
		})
	}
	applied(200)
	p.stop()
	p = start(t, []string{"receiver", "api", "log"}, args...)
	applied(700)
	code, _, stderr := execute(t, nil, "rebuild", "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code, stderr)
	applied(1300)
	p.kill()
	p = start(t, []string{"receiver", "api", "log"}, args...)
	require.NoError(t, <-load)

	status, err := c.Status(ctx)
	require.NoError(t, err)
	last := *status.Log.LastSequence
	requireCaughtUp(t, p, last)
	lists := make([]map[string]client.Order, len(filters))
	for i, filter := range filters {
		lists[i] = map[string]client.Order{}
		for o, err := range c.Orders(ctx, client.OrderQuery{OrderFilter: filter, AtLeast: client.AtLeast{MinSequence: last}, Limit: 500}) {
			require.NoError(t, err)
			lists[i][o.OrderID] = o
		}
	}
	require.Len(t, lists[0], 500)
	for i, w := range watchers {
		want := lists[i%len(filters)]
		eventually(t, "the reader has got everything", func() bool { return w.complete(last, want) })
		require.NoError(t, w.err)
		require.Equal(t, want, w.orders, "%+v", w.filter)
	}
	cancel()
	watching.Wait()
	p.stop()
}
