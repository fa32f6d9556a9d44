package rebuild_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

// play posts orders with all kinds of unreliable notifications, and records that are not about orders.
func (w *world) play(orders int) {
	traffic := platformtest.Traffic{Seed: 7, Start: time.Now(), Orders: orders, Repeats: 0.2, Overtaking: 1}
	n := 0
	for note := range traffic.Notifications() {
		w.post(strings.TrimSuffix(strings.TrimPrefix(note.Path, "/"), "-notification"), string(note.Body))
		if n++; n%25 == 0 {
			w.post("customer", fmt.Sprintf(`{"customerId":"c-%d"}`, n%7))
			w.post("digital-asset-order", `{"status":"FILLED"}`)
		}
	}
}

func TestViewsFoldedInBulkEqualViewsThatFollowedTheLog(t *testing.T) {
	w := newWorld(t)
	w.play(150)
	w.project()
	for _, c := range []struct {
		name   string
		orders int
		share  float64
	}{
		{"in one part", 1 << 20, 0},
		{"in many parts", 20, 0},
		{"each order in a part of its own", 1, 0},
		{"with little memory", 60, 0.9},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := rebuild.Examination{Log: w.log, Dir: w.dir, Share: c.share}
			found, err := rebuild.VerifyInParts(t.Context(), e, c.orders)
			require.NoError(t, err)
			require.True(t, found.Equal(), "%+v", found)
			require.EqualValues(t, 150, found.Orders)
		})
	}
	w.requireNoDrafts()
}

func TestACancelledBulkFoldLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	w.play(150)
	w.project()
	for _, phase := range []rebuild.Phase{rebuild.Folding, rebuild.Writing, rebuild.Comparing} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := rebuild.VerifyInParts(ctx, rebuild.Examination{Log: w.log, Dir: w.dir, Report: func(p rebuild.Progress) {
			if p.Phase == phase {
				cancel()
			}
		}}, 20)
		require.ErrorIs(t, err, context.Canceled, phase)
		w.requireNoDrafts()
	}
}

func (w *world) requireNoDrafts() {
	w.t.Helper()
	entries, err := os.ReadDir(w.dir)
	require.NoError(w.t, err)
	for _, e := range entries {
		require.False(w.t, e.Name() != "drafts" && strings.Contains(e.Name(), "draft"), e.Name())
	}
}

func TestALogLargerThanTheMemoryLimitIsFolded(t *testing.T) {
	w := newWorld(t)
	filling := strings.Repeat("x", 900_000)
	for i := range 40 {
		w.post("digital-asset-order", fmt.Sprintf(`{"orderId":"o-%d","status":"PENDING","filling":%q}`, i, filling))
	}
	w.project()
	found, err := rebuild.Verify(t.Context(), rebuild.Examination{Log: w.log, Dir: w.dir})
	require.NoError(t, err)
	require.True(t, found.Equal())
	require.EqualValues(t, 40, found.Orders)
}
