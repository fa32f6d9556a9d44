package eventlog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/stretchr/testify/require"
)

// BenchmarkFeed publishes events of the size of an order, for several numbers of events at a time.
func BenchmarkFeed(b *testing.B) {
	for _, n := range []int{1, 4, 8, 15, 16, 100, 1000} {
		for _, place := range []string{"embedded", "separate process"} {
			b.Run(fmt.Sprintf("%s/%d", place, n), func(b *testing.B) {
				p := embeddedPlace(b)
				if place != "embedded" {
					p = separatePlace(b, "")
				}
				f := open(b, p.options).Feed(eventlog.FeedOptions{MaxBytes: 1 << 30})
				body := make([]byte, 1500)
				last, began := uint64(0), time.Now()
				for b.Loop() {
					all := events(1, n)
					for i := range all {
						all[i].Body = body
					}
					var err error
					last, err = f.Publish(b.Context(), last, all)
					require.NoError(b, err)
				}
				b.ReportMetric(float64(last)/time.Since(began).Seconds(), "events/s")
			})
		}
	}
}
