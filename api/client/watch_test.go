package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/api/client"
	"github.com/stretchr/testify/require"
)

func TestWatchContinuesAfterRestartsOfTheServer(t *testing.T) {
	s := startService(t)
	const orders, rounds = 10, 3
	post := func(round, i int) uint64 {
		return s.post(`{"orderId":"o-%d","status":"PARTIALLY_FILLED","modifiedOn":"2026-03-02T09:%02d:00Z","execution":{"quantity":"%d"}}`, i, round, round)
	}
	heard := make(chan client.Event)
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	retries := 0
	watching.Go(func() {
		defer close(heard)
		q := client.WatchQuery{Retrying: func(cause error, _ time.Duration) {
			retries++
			if cause == nil {
				t.Error("a stream ended without a cause")
			}
		}}
		for e, err := range s.Watch(ctx, q) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			if e.Heartbeat == nil {
				heard <- e
			}
		}
	})
	defer func() { cancel(); watching.Wait() }()
	first := <-heard
	require.True(t, first.Snapshot.Last)
	require.Empty(t, first.Snapshot.Orders)
	known := map[string]client.Order{}
	var last uint64
	for round := range rounds {
		var want uint64
		for i := range orders {
			if i == orders/2 {
				s.restart()
			}
			want = post(round+1, i)
		}
		for last < want {
			e := <-heard
			if e.Snapshot != nil { // no event had arrived when the server stopped, so there was no ID to continue from
				require.Zero(t, last)
				last = sequenceOf(t, e.ID)
				for _, o := range e.Snapshot.Orders {
					known[o.OrderID] = o
				}
				continue
			}
			require.NotNil(t, e.Change, "%+v", e)
			require.Greater(t, sequenceOf(t, e.ID), last, "no event is received twice")
			last = sequenceOf(t, e.ID)
			known[e.Change.Order.OrderID] = e.Change.Order
		}
		for o, err := range s.Orders(t.Context(), client.OrderQuery{}) {
			require.NoError(t, err)
			require.Equal(t, o, known[o.OrderID], "no change is lost")
		}
	}
	cancel()
	watching.Wait()
	require.GreaterOrEqual(t, retries, 1)
}

// sequenceOf returns the sequence in the id of an event, which contains a hash, too.
func sequenceOf(t *testing.T, id string) (sequence uint64) {
	t.Helper()
	require.Regexp(t, `^[0-9]+-[0-9a-f]{8}$`, id)
	_, err := fmt.Sscanf(id, "%d-", &sequence)
	require.NoError(t, err)
	return sequence
}

func TestWatchReportsThatAnOrderNoLongerMatches(t *testing.T) {
	s := startService(t)
	s.post(`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	var events []string
	for e, err := range s.Watch(t.Context(), client.WatchQuery{OrderFilter: client.OrderFilter{Statuses: []string{"PLACED"}},
		AtLeast: client.AtLeast{MinSequence: 1}}) {
		require.NoError(t, err)
		if e.Snapshot != nil {
			require.Len(t, e.Snapshot.Orders, 1)
			s.post(filled, "a")
		}
		if e.Change != nil {
			events = append(events, fmt.Sprint(e.Change.StatusBefore, e.Change.Order.Status, e.Change.Matches, e.Change.Cause.Effect))
			break
		}
	}
	require.Equal(t, []string{"PLACEDFILLEDfalse" + "applied"}, events)
}

func TestWatchResumesAfterAnEventOrReportsThatItCannot(t *testing.T) {
	s := startService(t, func(o *api.Options) { o.Stream.CatchUp, o.Stream.Kept = 5, 8 })
	var last uint64
	for i := range 20 {
		last = s.post(`{"orderId":"o-%d","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`, i)
	}
	at := client.AtLeast{MinSequence: last}
	for e, err := range s.Watch(t.Context(), client.WatchQuery{After: fmt.Sprint(last - 3), AtLeast: at}) {
		require.NoError(t, err)
		if e.Change != nil {
			require.Equal(t, last-2, sequenceOf(t, e.ID))
			break
		}
	}
	var kinds []string
	for e, err := range s.Watch(t.Context(), client.WatchQuery{After: "2", AtLeast: at}) {
		require.NoError(t, err)
		if e.Resync != nil {
			kinds = append(kinds, e.Resync.Reason)
		}
		if e.Snapshot != nil {
			kinds = append(kinds, fmt.Sprint(len(e.Snapshot.Orders)))
			break
		}
	}
	require.Equal(t, []string{"too-old", "20"}, kinds)
	for e, err := range s.Watch(t.Context(), client.WatchQuery{NoSnapshot: true, AtLeast: at}) {
		require.NoError(t, err)
		require.Equal(t, last, sequenceOf(t, e.ID))
		require.Equal(t, last, e.Heartbeat.Applied)
		break
	}
}

func TestWatchEndsAfterErrorsThatARepetitionWouldNotResolve(t *testing.T) {
	key, err := access.ParseKey("desk:reader:secret")
	require.NoError(t, err)
	s := startService(t, func(o *api.Options) { o.Access.Keys = []access.Key{key} })
	for _, err := range s.Watch(t.Context(), client.WatchQuery{}) {
		require.ErrorIs(t, err, client.ErrUnauthorized)
	}
	for name, body := range map[string]string{
		"HTML": "<html>", "an event that is not JSON": "event: order\ndata: {\n\n",
		"an endless event": "data: " + strings.Repeat("x", 17<<20),
	} {
		t.Run(name, func(t *testing.T) {
			foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if name != "HTML" {
					w.Header().Set("Content-Type", "text/event-stream")
				}
				_, _ = io.WriteString(w, body)
			}))
			defer foreign.Close()
			asked, err := client.New(client.Options{URL: foreign.URL})
			require.NoError(t, err)
			for _, err := range asked.Watch(t.Context(), client.WatchQuery{}) {
				require.ErrorContains(t, err, "its answer is not an event stream")
			}
		})
	}
}

func TestWatchWaitsForTheRequestedPauses(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch asked {
		case 1:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2: // cut off within an event, which is therefore not received
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, ": hello\nretry: 20\nevent: heartbeat\nid: 7\ndata: {\"applied\":7}\n\nevent: heartbeat\nid: 9\ndata: {\"applied\":9}\n")
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "event: news\nid: 8\ndata: 1\n\nevent: resync\ndata: {\"lastEventId\":%q}\n\n", r.Header.Get("Last-Event-ID"))
		}
	}))
	defer server.Close()
	c, err := client.New(client.Options{URL: server.URL})
	require.NoError(t, err)
	var pauses []time.Duration
	q := client.WatchQuery{Retrying: func(_ error, pause time.Duration) { pauses = append(pauses, pause) }}
	for e, err := range c.Watch(t.Context(), q) {
		require.NoError(t, err)
		if e.Resync != nil {
			require.Equal(t, "7", e.Resync.LastEventID)
			break
		}
	}
	require.Len(t, pauses, 2)
	require.GreaterOrEqual(t, pauses[0], time.Second, "Retry-After")
	require.LessOrEqual(t, pauses[1], 20*time.Millisecond, "retry")
}

func TestWatchReportsANewDayAndTheOrdersThatBecomeOverdue(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Unix())
	s := startService(t, func(o *api.Options) { o.Clock = func() time.Time { return time.Unix(now.Load(), 0) } })
	sequence := s.post(`{"orderId":"o-1","status":"FILLED","modifiedOn":"2026-03-02T09:00:00Z","execution":{"quantity":"10"}}`)
	filter := client.OrderFilter{Settlement: []string{"due", "overdue"}, DueOn: "2026-03-04"}
	var told []string
	for e, err := range s.Watch(t.Context(), client.WatchQuery{OrderFilter: filter, AtLeast: client.AtLeast{MinSequence: sequence}}) {
		require.NoError(t, err)
		switch {
		case e.Snapshot != nil:
			require.Equal(t, client.Settlement{TradeDate: "2026-03-02", DueOn: "2026-03-04", Cycle: "T+2", State: "due"}, *e.Snapshot.Orders[0].Settlement)
			now.Add(12 * 60 * 60)
		case e.Day != nil:
			require.Equal(t, client.Day{Today: "2026-03-05", Before: "2026-03-04", SettlementDays: 1}, *e.Day)
			told = append(told, "day")
		case e.Change != nil:
			require.Empty(t, e.ID)
			told = append(told, fmt.Sprint(e.Change.Order.Settlement.State, " ", e.Change.Order.Settlement.OverdueDays))
		}
		if len(told) == 2 {
			break
		}
	}
	require.Equal(t, []string{"day", "overdue 1"}, told)
}
