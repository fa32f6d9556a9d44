package receiver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestABudgetIsNeverExceededAndFullyReleased(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 20).Draw(t, "places")
		b := newBudget(rapid.Int64Range(1, 10_000).Draw(t, "bytes"), places)
		all := make([]reservation, places)
		sizes := make([]int64, places)
		for i := range all {
			all[i].budget = b
		}
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			i := rapid.IntRange(0, places-1).Draw(t, "which")
			if rapid.Bool().Draw(t, "release") {
				all[i].release()
				sizes[i] = 0
				continue
			}
			size := rapid.Int64Range(0, 20_000).Draw(t, "size")
			if all[i].grow(size) {
				sizes[i] = max(sizes[i], size)
			} else {
				require.Greater(t, size, b.share, "a share is never refused")
			}
			pool, holders := int64(0), 0
			for _, size := range sizes {
				pool += max(0, size-b.share)
				if size > b.share {
					holders++
				}
			}
			require.True(t, pool <= b.pool || holders == 1, "%d bytes by %d bodies", pool, holders)
		}
		for i := range all {
			all[i].release()
		}
		require.Zero(t, b.taken())
	})
}
