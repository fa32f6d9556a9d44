package api

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

func TestAKeptChangeDoesNotKeepOtherOrdersOfItsPage(t *testing.T) {
	h := &hub{ids: &eventIDs{log: silentLog{}, last: map[uint64]string{}}}
	gone := make(chan struct{})
	page := func() *change {
		orders := make([]statemachine.Order, 500)
		for i := range orders {
			orders[i].ID = fmt.Sprint(i)
			orders[i].Last.Sequence = uint64(i + 1)
		}
		runtime.AddCleanup(&orders[0], func(struct{}) { close(gone) }, struct{}{})
		return h.newChanges(t.Context(), orders, 0, views.Settling{Schedule: &statemachine.Schedule{}})[7]
	}
	kept := page()
	collected := func() bool {
		runtime.GC()
		select {
		case <-gone:
			return true
		default:
			return false
		}
	}
	require.Eventually(t, collected, time.Minute, time.Millisecond)
	require.Equal(t, "7", kept.unpacked().ID)
	runtime.KeepAlive(kept)
}

func TestAPackedChangeMatchesAndIsSentAsBefore(t *testing.T) {
	var order statemachine.Order
	order.ID = "7"
	for i, status := range []statemachine.Status{statemachine.Placed, statemachine.PartiallyFilled, statemachine.Filled} {
		n := statemachine.Notification{OrderID: "7", Status: status, AssetClass: statemachine.Traditional, Sequence: uint64(i + 1), At: time.Unix(int64(i), 0).UTC()}
		n.Details[statemachine.ISIN] = "DE0007164600"
		order.Apply(&n)
	}
	settling := views.Settling{Schedule: &statemachine.Schedule{}}
	open, packed := newChange(&order, 1, "3-aa", settling), newChange(&order, 1, "3-aa", settling)
	packed.pack()
	packed.pack() // a second time changes nothing
	require.Nil(t, packed.order.Load())
	require.Equal(t, open.appendTo(nil, true), packed.appendTo(nil, true))
	require.Equal(t, open.appendTo(nil, false), packed.appendTo(nil, false))
	was, is := open.unpacked(), packed.unpacked()
	require.Equal(t, was.now, is.now)
	require.Equal(t, was.passed, is.passed)
	require.NotEmpty(t, is.passed)
	for _, q := range []views.Query{{}, {ISINs: []string{"DE0007164600"}}, {ISINs: []string{"US0378331005"}}, {Statuses: []statemachine.Status{statemachine.Placed}}} {
		q.Settling = settling
		require.Equal(t, q.Matches(&was.Order, &was.now), q.Matches(&is.Order, &is.now))
		for since := range uint64(4) {
			require.Equal(t, was.matched(&q, since), is.matched(&q, since), "%v since %d", q, since)
		}
	}
}

// silentLog has no records.
type silentLog struct{ Log }

func (silentLog) Hashes(context.Context, []uint64) (map[uint64]string, error) { return nil, nil }
