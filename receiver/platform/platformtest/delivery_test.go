package platformtest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeliveryHasTheConfiguredFaults(t *testing.T) {
	for _, c := range []struct {
		name                string
		repeats, overtaking float64
		repeated            [2]float64 // share of the notifications posted more than once, from and to
		late                [2]float64 // share of the first postings that come after the first posting of a later fact of the order
	}{
		{"in sequence and once", 0, 0, [2]float64{0, 0}, [2]float64{0, 0}},
		{"a tenth is repeated", 0.1, 0, [2]float64{0.08, 0.12}, [2]float64{0, 0}},
		{"everything is repeated", 1, 0, [2]float64{1, 1}, [2]float64{0, 0}},
		{"a fifth is delayed", 0, 0.2, [2]float64{0, 0}, [2]float64{0.08, 0.2}},
		{"all is shuffled", 0.1, 1, [2]float64{0.08, 0.12}, [2]float64{0.4, 0.7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			traffic := Traffic{Seed: 11, Start: start, Orders: 1_000, Repeats: c.repeats, Overtaking: c.overtaking}
			delivered := slices.Collect(traffic.deliveries())
			times := map[ref]int{} // by notification
			highest := map[uint32]int{}
			late := 0
			for _, r := range delivered {
				name := ref{order: r.order, note: r.note}
				if times[name]++; times[name] > 1 {
					continue
				}
				if before, any := highest[r.order]; any && int(r.note) < before {
					late++
				}
				highest[r.order] = max(highest[r.order], int(r.note))
			}
			repeated := 0
			for _, n := range times {
				if n > 1 {
					repeated++
				}
			}
			planned, err := newTally(t.Context(), traffic)
			require.NoError(t, err)
			require.Len(t, times, planned.first[traffic.Orders], "everything is delivered")
			require.Len(t, delivered, planned.planned)
			share := func(n int) float64 { return float64(n) / float64(len(times)) }
			require.GreaterOrEqual(t, share(repeated), c.repeated[0])
			require.LessOrEqual(t, share(repeated), c.repeated[1])
			require.GreaterOrEqual(t, share(late), c.late[0])
			require.LessOrEqual(t, share(late), c.late[1])
		})
	}
}

func TestNotificationsStopWhenTheLoopBreaks(t *testing.T) {
	for _, overtaking := range []float64{0, 1} {
		count := 0
		for range (Traffic{Seed: 1, Start: start, Orders: 100, Overtaking: overtaking}).Notifications() {
			if count++; count == 10 {
				break
			}
		}
		require.Equal(t, 10, count)
	}
}

func TestATrafficWithoutOrdersIsEmpty(t *testing.T) {
	require.Empty(t, collect(Traffic{Start: start}))
}

func BenchmarkNotifications(b *testing.B) {
	for _, overtaking := range []float64{0.1, 1} {
		b.Run(map[float64]string{0.1: "overtaking", 1: "shuffled"}[overtaking], func(b *testing.B) {
			count := 0
			for range (Traffic{Seed: 1, Start: start, Orders: b.N/4 + 1, Overtaking: overtaking}).Notifications() {
				count++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(count), "ns/notification")
		})
	}
}
