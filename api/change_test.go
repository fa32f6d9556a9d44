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
	require.Equal(t, "7", kept.order.ID)
	runtime.KeepAlive(kept)
}

// silentLog has no records.
type silentLog struct{ Log }

func (silentLog) Hashes(context.Context, []uint64) (map[uint64]string, error) { return nil, nil }
