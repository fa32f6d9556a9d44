package platform

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orderfold/orderfold/eventlog"
)

// holed is a log of records received one second apart, some of which are lost. It counts calls of Get.
type holed struct {
	Log
	lost map[uint64]bool
	last uint64
	gets int
}

func (h *holed) Bounds(context.Context) (eventlog.Bounds, error) {
	return eventlog.Bounds{First: 1, Last: h.last}, nil
}

func (h *holed) Get(_ context.Context, sequence uint64) (eventlog.Record, error) {
	h.gets++
	if h.lost[sequence] || sequence == 0 || sequence > h.last {
		return eventlog.Record{}, fmt.Errorf("%w: %d", eventlog.ErrNotFound, sequence)
	}
	return eventlog.Record{Sequence: sequence, Received: time.Unix(int64(sequence), 0)}, nil
}

func TestLastBeforeSkipsLostRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &holed{lost: map[uint64]bool{}, last: rapid.Uint64Range(0, 5000).Draw(t, "last")}
		for range rapid.IntRange(0, 8).Draw(t, "holes") {
			first := rapid.Uint64Range(1, max(1, h.last)).Draw(t, "first")
			for n := first; n < first+rapid.Uint64Range(1, 1000).Draw(t, "length"); n++ {
				h.lost[n] = true
			}
		}
		at := rapid.Uint64Range(0, h.last+1).Draw(t, "at")
		found, err := lastBefore(t.Context(), h, time.Unix(int64(at), 0))
		require.NoError(t, err)
		require.LessOrEqual(t, found, max(1, at)-1, "the result must not be later")
		if len(h.lost) == 0 {
			require.Equal(t, min(h.last, max(1, at)-1), found)
		}
		require.LessOrEqual(t, h.gets, 13*13*4)
	})
}

func TestLastBeforeIsExactNextToLostRecords(t *testing.T) {
	h := &holed{lost: map[uint64]bool{500: true, 501: true, 502: true}, last: 999}
	for at, want := range map[int64]uint64{600: 599, 504: 503, 400: 399, 1: 0} {
		found, err := lastBefore(t.Context(), h, time.Unix(at, 0))
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
}
