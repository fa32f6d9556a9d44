package eventlog_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// fill appends records in atomic batches of 1000, which is faster than Append.
func fill(t testing.TB, l *eventlog.Log, records int) {
	t.Helper()
	const batch = 1000
	require.Zero(t, records%batch)
	conn := eventlog.JetStream(l).Conn()
	for n := range records {
		body := fmt.Sprintf(`{"orderId":"6f1c1b1e-0d2a-4f0e-9a55-%012d","status":"PARTIALLY_FILLED","notificationType":"UPDATED","modifiedOn":"2026-03-02T09:31:07.214Z","isin":"DE0007164600","tradeSide":"BUY","quantity":100,"executionData":{"quantity":40,"executionPrice":101.25}}`, n)
		msg, err := eventlog.Message(eventlog.Record{Object: "traditional-asset-order", ContentType: "application/json", RequestID: "0123456789abcdef", Body: []byte(body)})
		require.NoError(t, err)
		msg.Header["Nats-Batch-Id"] = []string{fmt.Sprint("fill-", n/batch)}
		msg.Header["Nats-Batch-Sequence"] = []string{fmt.Sprint(n%batch + 1)}
		if n%batch < batch-1 {
			require.NoError(t, conn.PublishMsg(msg))
			continue
		}
		msg.Header["Nats-Batch-Commit"] = []string{"1"}
		answer, err := conn.RequestMsgWithContext(t.Context(), msg)
		require.NoError(t, err)
		require.Contains(t, string(answer.Data), `"count":1000`)
	}
}

// BenchmarkAppend compares Append with publishing each record singly, for several numbers of callers.
// One operation is one record.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 16, 24, 32, 64, 256, 1000} {
		l := open(b, embeddedPlace(b).options)
		r := webhook(`{"orderId":"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11","status":"PARTIALLY_FILLED","notificationType":"UPDATED","modifiedOn":"2026-03-02T09:31:07.214Z","isin":"DE0007164600","tradeSide":"BUY","quantity":100,"executionData":{"quantity":40,"executionPrice":101.25}}`)
		b.Run(fmt.Sprintf("%d callers/plain", callers), func(b *testing.B) {
			concurrently(b, callers, func() error {
				msg, err := eventlog.Message(r)
				if err == nil {
					_, err = eventlog.JetStream(l).PublishMsg(b.Context(), msg)
				}
				return err
			})
		})
		b.Run(fmt.Sprintf("%d callers/group", callers), func(b *testing.B) {
			concurrently(b, callers, func() error {
				_, err := l.Append(b.Context(), r)
				return err
			})
		})
		require.NoError(b, l.Close())
	}
}

// concurrently makes one call for each operation, and reports the calls per second and their
// duration.
func concurrently(b *testing.B, callers int, call func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, callers)
	var group sync.WaitGroup
	b.ResetTimer()
	for c := range callers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := call(); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(began))
			}
		})
	}
	group.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkRead compares Read with the ordered consumer of the client library.
func BenchmarkRead(b *testing.B) {
	const records = 100_000
	l := open(b, embeddedPlace(b).options)
	fill(b, l, records)
	rate := func(b *testing.B) { b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s") }
	b.Run("Read", func(b *testing.B) {
		for b.Loop() {
			read := 0
			for _, err := range l.Read(b.Context(), eventlog.Position{}) {
				if err != nil {
					b.Fatal(err)
				}
				read++
			}
			if read != records {
				b.Fatal(read)
			}
		}
		rate(b)
	})
	b.Run("ordered consumer", func(b *testing.B) {
		for b.Loop() {
			consumer, err := eventlog.JetStream(l).OrderedConsumer(b.Context(), "NOTIFICATIONS", jetstream.OrderedConsumerConfig{})
			if err != nil {
				b.Fatal(err)
			}
			messages, err := consumer.Messages(jetstream.PullMaxMessages(2048))
			if err != nil {
				b.Fatal(err)
			}
			for range records {
				if _, err := messages.Next(); err != nil {
					b.Fatal(err)
				}
			}
			messages.Stop()
		}
		rate(b)
	})
}
