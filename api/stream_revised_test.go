package api_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// redrive applies a quarantined record to an order that has a later notification.
func (w *world) redrive(t testing.TB, sequence uint64, n statemachine.Notification) {
	t.Helper()
	err := w.Store.Redrive(t.Context(), func(ctx context.Context) (views.Redriven, error) {
		known, _, err := w.Store.SequencesAfter(ctx, n.OrderID, 0, math.MaxInt)
		if err != nil {
			return views.Redriven{}, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		n.Sequence, n.Received = sequence, w.records[sequence-1].Received
		w.said[sequence] = n
		o, all := &statemachine.Order{ID: n.OrderID}, []uint64{}
		for s := uint64(1); s <= known[len(known)-1]; s++ {
			if n, ok := w.said[s]; ok && n.OrderID == o.ID {
				o.Apply(&n)
				all = append(all, s)
			}
		}
		w.orders[n.OrderID] = o
		return views.Redriven{Records: []uint64{sequence}, Orders: []views.Change{{Order: o, Sequences: all}}}, nil
	})
	require.NoError(t, err)
	_, err = w.Commit(t.Context(), views.Batch{}) // as the redrive reports to the projector
	require.ErrorIs(t, err, views.ErrSwitched)
}

// resync reads the next event that is not a heartbeat, which must be a resync with that reason.
func (r *reader) resync(t testing.TB, reason string) api.StreamResync {
	t.Helper()
	e := r.next(t)
	require.Equal(t, "resync", e.kind, "%s", e.data)
	told := data[api.StreamResync](t, e)
	require.Equal(t, reason, told.Reason)
	require.NotEmpty(t, told.Detail)
	return told
}

func TestReadersGetAResyncAfterARedrive(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("a", statemachine.Placed, 1, ""), `{}`)
	lost := s.receiveRaw(api.Record{Object: "traditional-asset-order", Body: []byte("not JSON")})
	last := s.receive(order("b", statemachine.Placed, 2, ""), `{}`)
	last = max(last, s.receive(order("a", statemachine.Placed, 1, ""), `{}`))
	s.apply(t)
	whole, bare, resumed := s.listen(t, ""), s.listen(t, "?snapshot=false"), s.listen(t, "", fmt.Sprint("Last-Event-ID: ", last))
	require.Len(t, whole.snapshot(t), 2)
	require.Equal(t, "heartbeat", bare.any(t).kind)
	s.redrive(t, lost, order("a", statemachine.Filled, 3, ""))

	again := s.listen(t, "", fmt.Sprint("Last-Event-ID: ", last)) // before or after the streams have noticed it
	for _, r := range []*reader{whole, resumed, again} {
		require.Equal(t, fmt.Sprint(last), r.resync(t, "redriven").LastEventID)
		for _, o := range r.snapshot(t) {
			if o.OrderID == "a" {
				require.Equal(t, "FILLED", *o.Status)
				require.Equal(t, last, o.Notifications.LastSequence, "its last notification is the same")
			}
		}
	}
	bare.resync(t, "redriven")
	require.Equal(t, last, bare.any(t).id, "it can continue from here")

	next := s.tell(t, order("a", statemachine.Settled, 4, ""))
	for _, r := range []*reader{whole, bare, resumed, again} {
		change := r.change(t)
		require.Equal(t, next, change.Cause.Sequence)
		require.Equal(t, "FILLED", *change.StatusBefore)
	}
	fresh, after := s.listen(t, ""), s.listen(t, "", fmt.Sprint("Last-Event-ID: ", next))
	require.Len(t, fresh.snapshot(t), 2)
	next = s.tell(t, order("b", statemachine.Filled, 5, ""))
	for _, r := range []*reader{fresh, after} {
		require.Equal(t, next, r.change(t).Cause.Sequence, "a client that read it after the redrive gets no resync")
	}
	s.stop()
	s = start(t, s.world)
	s.listen(t, "", fmt.Sprint("Last-Event-ID: ", last)).resync(t, "redriven")
	later := s.listen(t, "", fmt.Sprint("Last-Event-ID: ", next-1))
	require.Equal(t, next, later.change(t).Cause.Sequence)
}

// any reads the next event of any kind.
func (r *reader) any(t testing.TB) event {
	t.Helper()
	e, err := r.read()
	require.NoError(t, err)
	return e
}
