package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// answer is the result of one of several concurrent calls of Append.
type answer struct {
	body     string
	sequence uint64
	err      error
}

// appendTogether appends each body in its own goroutine.
func appendTogether(ctx context.Context, l *eventlog.Log, bodies []string) []answer {
	answers := make([]answer, len(bodies))
	var group sync.WaitGroup
	for i, body := range bodies {
		group.Go(func() {
			sequence, err := l.Append(ctx, webhook(body))
			answers[i] = answer{body, sequence, err}
		})
	}
	group.Wait()
	return answers
}

// batched returns the sequences of the records that were stored in a batch.
func batched(t *testing.T, js jetstream.JetStream, last uint64) []uint64 {
	t.Helper()
	stream, err := js.Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)
	var found []uint64
	for sequence := uint64(1); sequence <= last; sequence++ {
		msg, err := stream.GetMsg(t.Context(), sequence)
		require.NoError(t, err)
		if msg.Header.Get("Nats-Batch-Id") != "" {
			found = append(found, sequence)
		}
	}
	return found
}

func TestManyConcurrentAppendsShareBatchesAndGetTheirOwnSequences(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		const callers, each = 150, 4
		l := open(t, p.options)
		sent := appendAtOnce(t, l, callers, each)
		read, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Len(t, read, callers*each)
		require.Len(t, sent, callers*each)
		for _, r := range read {
			require.Equal(t, sent[r.Sequence], string(r.Body))
		}
		inBatches := batched(t, p.admin(t, l), callers*each)
		require.Greater(t, len(inBatches), callers*each/2)
		for _, sequence := range []uint64{inBatches[0], inBatches[len(inBatches)/2], inBatches[len(inBatches)-1]} {
			got, err := l.Get(t.Context(), sequence)
			require.NoError(t, err)
			require.Equal(t, got.Position(), read[sequence-1].Position(), "the position does not depend on how the record is read")
			rest, err := readAll(t.Context(), l, got.Position())
			require.NoError(t, err)
			require.Len(t, rest, int(callers*each-sequence))
		}
	})
}

func TestARecordIsTheSameWithOrWithoutABatch(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	same := make([]string, 100)
	for i := range same {
		same[i] = `{"orderId":"1"}`
	}
	appendAll(t, l, same[0])
	for _, a := range appendTogether(patient(t), l, same) {
		require.NoError(t, a.err)
	}
	inBatches := batched(t, p.admin(t, l), 101)
	require.NotEmpty(t, inBatches)
	alone, err := l.Get(t.Context(), 1)
	require.NoError(t, err)
	together, err := l.Get(t.Context(), inBatches[0])
	require.NoError(t, err)
	together.Sequence, together.Received = alone.Sequence, alone.Received
	require.Equal(t, alone, together)
	require.Equal(t, alone.Position(), together.Position())
}

func TestARefusedRecordInABatchFailsAlone(t *testing.T) {
	p := separatePlace(t, "")
	_, err := p.admin(t, nil).CreateStream(t.Context(), jetstream.StreamConfig{Name: "NOTIFICATIONS", Subjects: []string{"notifications.*.*", "snapshots.*.*"},
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, MaxMsgSize: 4096})
	require.NoError(t, err)
	l := open(t, p.options)
	bodies := numbered(1, 200)
	bodies[77] = strings.Repeat("x", 5000)
	for _, a := range appendTogether(patient(t), l, bodies) {
		if a.body == bodies[77] {
			require.ErrorIs(t, a.err, eventlog.ErrInvalid)
			continue
		}
		require.NoError(t, a.err)
		r, err := l.Get(t.Context(), a.sequence)
		require.NoError(t, err)
		require.Equal(t, a.body, string(r.Body))
	}
	bounds, err := l.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(199), bounds.Last)
}

// requireOutcomes checks that every answer agrees with the content of the log. It returns the number
// of appends whose outcome is unknown.
func requireOutcomes(t *testing.T, l *eventlog.Log, answers []answer) (unknown int) {
	t.Helper()
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	places := map[string][]uint64{}
	for _, r := range read {
		places[string(r.Body)] = append(places[string(r.Body)], r.Sequence)
	}
	for _, a := range answers {
		switch {
		case a.err == nil:
			require.Equal(t, []uint64{a.sequence}, places[a.body])
		case strings.Contains(a.err.Error(), "the record was not appended"):
			require.Empty(t, places[a.body], a.err)
		default:
			require.ErrorContains(t, a.err, "whether the record was appended is unknown")
			require.LessOrEqual(t, len(places[a.body]), 1, a.err)
			unknown++
		}
		if a.err != nil {
			require.ErrorIs(t, a.err, eventlog.ErrUnavailable)
		}
	}
	return unknown
}

func TestACancelledAppendReturnsAtOnceWithWhatIsKnown(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	appendAll(t, l, "before")
	p.process.pause()
	why := errors.New("the platform closed the connection")
	// The deadline is so late that only cancel ends the appends.
	ctx, cancel := context.WithCancelCause(patient(t))
	defer cancel(nil)
	behind, cancelBehind := context.WithCancelCause(patient(t))
	defer cancelBehind(nil)
	var first, second []answer
	var group sync.WaitGroup
	group.Go(func() { first = appendTogether(ctx, l, numbered(1, 200)) })
	eventually(t, func() bool { n, batch := eventlog.Waiting(l); return n == 200 && batch })
	group.Go(func() { second = appendTogether(behind, l, numbered(201, 250)) })
	eventually(t, func() bool { return waiting(l) == 250 })
	cancelBehind(why)
	eventually(t, func() bool { return waiting(l) == 200 })
	cancel(why)
	group.Wait()
	for _, a := range append(first, second...) {
		require.ErrorIs(t, a.err, why, "an append must not wait until the server counts as silent")
	}
	p.process.resume()
	eventually(t, func() bool {
		_, err := l.Append(t.Context(), webhook("after"))
		return err == nil
	}, "appends succeed when the server continues")
	require.Positive(t, requireOutcomes(t, l, first))
	require.Zero(t, requireOutcomes(t, l, second), "a record that was not sent is not sent later")
}

func TestAbandonedRecordsDoNotBlockOthers(t *testing.T) {
	tests := []struct {
		name  string
		first int // records in flight when the server stops answering
	}{
		{"a batch", 200},
		{"single records", 15},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := separatePlace(t, "")
			l := open(t, p.options)
			appendAll(t, l, "before")
			p.process.pause()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var second []answer
			var first, group sync.WaitGroup
			first.Go(func() { appendTogether(ctx, l, numbered(1, test.first)) })
			eventually(t, func() bool {
				n, batch := eventlog.Waiting(l)
				return n == test.first && (batch || eventlog.Queued(l) == 0)
			}, "the first records are sent")
			group.Go(func() { second = appendTogether(patient(t), l, numbered(201, 215)) })
			eventually(t, func() bool { return waiting(l) == test.first+15 })
			require.Positive(t, eventlog.Queued(l), "the others wait for the answer to the first")
			cancel()
			first.Wait()
			eventually(t, func() bool { return eventlog.Queued(l) == 0 }, "the others are sent")
			require.Greater(t, waiting(l), 15, "abandoned records without an answer still count")
			p.process.resume()
			group.Wait()
			for _, a := range second {
				require.NoError(t, a.err)
			}
			eventually(t, func() bool { return waiting(l) == 0 })
		})
	}
}

func waiting(l *eventlog.Log) int {
	n, _ := eventlog.Waiting(l)
	return n
}

func TestOnlyAServerOfAClusterIsPingedOften(t *testing.T) {
	for name, test := range map[string]struct {
		extra string // of the configuration
		want  time.Duration
	}{
		"a single server":       {"", 10 * time.Second},
		"a server of a cluster": {`cluster { name: C, listen: "127.0.0.1:-1", routes: ["nats://127.0.0.1:1"] }` + "\nserver_name: A", 750 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			interval, err := eventlog.PingInterval(separatePlace(t, test.extra).options)
			require.NoError(t, err)
			require.Equal(t, test.want, interval)
		})
	}
}

func TestAppendsReturnWhenTheServerDies(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	appendAll(t, l, "before")
	p.process.pause()
	var answers []answer
	var group sync.WaitGroup
	ctx := patient(t)
	group.Go(func() { answers = appendTogether(ctx, l, numbered(1, 200)) })
	eventually(t, func() bool { return waiting(l) == 200 })
	p.process.kill()
	group.Wait()
	for _, a := range answers {
		require.NotErrorIs(t, a.err, context.DeadlineExceeded, "the append must end before its deadline")
		require.NotContains(t, fmt.Sprint(a.err), "the server does not answer", "the append must end before the server counts as silent")
	}
	p.start()
	eventually(t, func() bool {
		_, err := l.Append(t.Context(), webhook("after"))
		return err == nil
	})
	require.Positive(t, requireOutcomes(t, l, answers))
}

func TestAppendRefusesRecordsBeyondMaxWaitingBytes(t *testing.T) {
	p := separatePlace(t, "")
	p.options.MaxWaitingBytes = 100 << 20
	l := open(t, p.options)
	p.process.pause()
	t.Cleanup(p.process.resume)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	body := make([]byte, 1<<20)
	refused := make(chan struct{}, 300)
	var group sync.WaitGroup
	for range 300 {
		group.Go(func() {
			_, err := l.Append(ctx, eventlog.Record{Object: "document", Key: "1", Body: body})
			if !errors.Is(err, eventlog.ErrUnavailable) {
				t.Error(err)
			}
			if err != nil && strings.Contains(err.Error(), "too many records are waiting") {
				refused <- struct{}{}
			}
		})
	}
	eventually(t, func() bool { return len(refused) == 300-100 })
	cancel()
	group.Wait()
	require.Len(t, refused, 300-100)
}

func TestCloseUnderLoadLosesNoAcknowledgedRecord(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l, ctx := open(t, p.options), patient(t)
		answered := make(chan answer, 100_000)
		var group sync.WaitGroup
		for c := range 100 {
			group.Go(func() {
				for n := 0; ; n++ {
					body := fmt.Sprintf("%d/%d", c, n)
					sequence, err := l.Append(ctx, webhook(body))
					answered <- answer{body, sequence, err}
					if err != nil {
						return
					}
				}
			})
		}
		eventually(t, func() bool { return len(answered) > 500 })
		require.NoError(t, l.Close())
		group.Wait()
		close(answered)
		var answers []answer
		for a := range answered {
			answers = append(answers, a)
		}
		requireOutcomes(t, open(t, p.options), answers)
		_, err := l.Append(t.Context(), webhook("{}"))
		require.ErrorIs(t, err, eventlog.ErrUnavailable)
	})
}
