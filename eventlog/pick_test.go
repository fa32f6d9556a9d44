package eventlog

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// waitingRecords returns a group with records of these sizes in its queue.
func waitingRecords(sizes ...int) *group {
	g := &group{}
	for _, size := range sizes {
		g.queue = append(g.queue, &appending{msg: &nats.Msg{Data: make([]byte, size)}})
	}
	return g
}

func sizesOf(records []*appending) (sizes []int) {
	for _, a := range records {
		sizes = append(sizes, len(a.msg.Data))
	}
	return sizes
}

func TestSmallRecordsDoNotWaitForLargeOnes(t *testing.T) {
	const mebibyte = 1 << 20
	var sizes []int
	for range 40 {
		sizes = append(sizes, mebibyte)
	}
	g := waitingRecords(append(sizes, 100, 200)...)
	first := g.pick()
	require.Equal(t, []int{100, 200}, sizesOf(first)[6:], "small records use what the large ones leave")
}

func TestABatchIsBoundedAndAlwaysContainsTheFirstRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 1000, 1 << 20, 3 << 20, 9 << 20}), 1, 40).Draw(t, "sizes")
		g := waitingRecords(sizes...)
		for i, a := range g.queue {
			a.alone = i > 0 && rapid.Bool().Draw(t, "alone")
		}
		before := append([]*appending(nil), g.queue...)
		records := g.pick()
		require.Same(t, before[0], records[0], "the batch begins with the head of the queue")
		bytes := 0
		for i, a := range records {
			bytes += len(a.msg.Data)
			require.True(t, i == 0 || !a.alone)
		}
		require.True(t, bytes <= maxBatchBytes || len(records) == 1)
		require.Len(t, g.queue, len(before)-len(records), "no record is lost")
		at := 0
		for _, a := range g.queue { // the others stay in their order
			for before[at] != a {
				at++
			}
		}
	})
}
