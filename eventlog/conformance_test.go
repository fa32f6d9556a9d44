package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

func TestARecordIsReturnedExactlyAsItWasAppended(t *testing.T) {
	binary := make([]byte, 1<<20)
	_, err := rand.NewChaCha8([32]byte{1}).Read(binary)
	require.NoError(t, err)
	tests := []struct {
		name string
		give eventlog.Record
	}{
		{"an order notification with every header", eventlog.Record{Object: "traditional-asset-order", Key: "6f1c", ContentType: "application/json; charset=utf-8",
			RequestID: "b7ad6b71-6920-33d9", Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Body: []byte(`{"orderId":"6f1c"}`)}},
		{"a recovered notification", eventlog.Record{Object: "customer", Source: eventlog.Recovered, Body: []byte("{}")}},
		{"a fetched answer", eventlog.Record{Object: "digital-asset-order", Source: eventlog.Fetched, Body: []byte("{}")}},
		{"an empty body", eventlog.Record{Object: "customer", Body: []byte{}}},
		{"a body of one zero byte", eventlog.Record{Object: "customer", Body: []byte{0}}},
		{"a body that looks like a status message", eventlog.Record{Object: "customer", Body: []byte("NATS/1.0 408\r\nStatus: 408\r\n\r\n")}},
		{"a body with white space", eventlog.Record{Object: "customer", Body: []byte(" { } \r\n\x00")}},
		{"a megabyte of random bytes", eventlog.Record{Object: "re-token-prices", Body: binary}},
	}
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		began := time.Now().Add(-time.Second)
		for i, test := range tests {
			sequence, err := l.Append(patient(t), test.give)
			require.NoError(t, err, test.name)
			require.Equal(t, uint64(i+1), sequence, test.name)
		}
		read, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Len(t, read, len(tests))
		for i, test := range tests {
			got, err := l.Get(t.Context(), uint64(i+1))
			require.NoError(t, err, test.name)
			require.Equal(t, got.Position(), read[i].Position(), test.name)
			for _, r := range []eventlog.Record{got, read[i]} {
				want := test.give
				if want.Source == "" {
					want.Source = eventlog.Webhook
				}
				require.True(t, bytes.Equal(want.Body, r.Body), test.name)
				require.Equal(t, []any{want.Source, want.Object, want.ContentType, want.RequestID, want.Traceparent, uint64(i + 1), time.UTC},
					[]any{r.Source, r.Object, r.ContentType, r.RequestID, r.Traceparent, r.Sequence, r.Received.Location()}, test.name)
				require.WithinRange(t, r.Received, began, time.Now().Add(time.Second), test.name)
			}
		}
	})
}

func TestHeaderValuesCannotCorruptARecord(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	for _, value := range []string{
		"a\r\nNats-Rollup: all", "a\nb", "\r\n\r\nbody", strings.Repeat("x", 100_000), strings.Repeat("é", 300), "\x00\xff\xfe", "   ", "a\tb",
	} {
		r := webhook("body")
		r.ContentType, r.RequestID, r.Traceparent = value, value, value
		sequence, err := l.Append(patient(t), r)
		require.NoError(t, err, "%.20q", value)
		got, err := l.Get(t.Context(), sequence)
		require.NoError(t, err)
		require.Equal(t, "body", string(got.Body), "%.20q", value)
		require.NotContains(t, got.RequestID, "\n")
		require.LessOrEqual(t, len(got.RequestID), 256)
		require.Equal(t, got.RequestID, got.ContentType)
		require.Equal(t, got.RequestID, got.Traceparent)
	}
	bounds, err := l.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 8}, []uint64{bounds.First, bounds.Last})
}

func TestAnInvalidRecordIsRefused(t *testing.T) {
	tests := []struct {
		name string
		give eventlog.Record
	}{
		{"no object", eventlog.Record{}},
		{"a dot in the object", eventlog.Record{Object: "a.b"}},
		{"a wildcard for one token", eventlog.Record{Object: "*"}},
		{"a wildcard for any number of tokens", eventlog.Record{Object: ">"}},
		{"a capital letter", eventlog.Record{Object: "Customer"}},
		{"a space", eventlog.Record{Object: "a b"}},
		{"a hyphen at the end", eventlog.Record{Object: "a-"}},
		{"two hyphens in a row", eventlog.Record{Object: "a--b"}},
		{"an object that is too long", eventlog.Record{Object: strings.Repeat("a", 65)}},
		{"an unknown source", eventlog.Record{Object: "a", Source: "rumour"}},
		{"a body larger than the server accepts", eventlog.Record{Object: "a", Body: make([]byte, 5<<20)}},
	}
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		for _, test := range tests {
			_, err := l.Append(patient(t), test.give)
			require.ErrorIs(t, err, eventlog.ErrInvalid, test.name)
			require.NotErrorIs(t, err, eventlog.ErrUnavailable, test.name)
		}
		bounds, err := l.Bounds(t.Context())
		require.NoError(t, err)
		require.Less(t, bounds.Last, bounds.First, "the log is empty")
	})
}

func TestEachConcurrentAppendGetsItsOwnSequence(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		const writers, each = 8, 25
		l := open(t, p.options)
		sent := appendAtOnce(t, l, writers, each)
		require.Len(t, sent, writers*each)
		read, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Len(t, read, writers*each)
		for i, r := range read {
			require.Equal(t, uint64(i+1), r.Sequence)
			require.Equal(t, sent[r.Sequence], string(r.Body))
		}
	})
}

func TestRecordsOfAnObjectShareAShardAndObjectsUseAllShards(t *testing.T) {
	p := embeddedPlace(t)
	l := open(t, p.options)
	append1 := func(key, body string) {
		_, err := l.Append(patient(t), eventlog.Record{Object: "customer", Key: key, Body: []byte(body)})
		require.NoError(t, err)
	}
	subjects := func() map[string]uint64 {
		stream, err := p.admin(t, l).Stream(t.Context(), "NOTIFICATIONS")
		require.NoError(t, err)
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		require.NoError(t, err)
		return info.State.Subjects
	}
	append1("6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11", "1")
	append1("6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11", "2")
	require.Equal(t, map[string]uint64{"notifications.customer.31": 2}, subjects(), "subscribers rely on the shard")
	append1("", "6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11")
	require.Equal(t, map[string]uint64{"notifications.customer.31": 3}, subjects(), "without a key the shard is that of the body")
	for n := range 600 {
		append1(fmt.Sprintf("customer-%d", n), "")
	}
	require.Len(t, subjects(), 64)
}

func TestReadBeginsAfterAnyPositionAndEndsAtTheInitialEndOfTheLog(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		empty, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Empty(t, empty)
		want := numbered(1, 30)
		appendAll(t, l, want...)
		all, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Equal(t, want, bodies(all))
		for _, n := range []int{1, 17, 29, 30} {
			rest, err := readAll(t.Context(), l, all[n-1].Position())
			require.NoError(t, err)
			require.Equal(t, want[n:], append([]string{}, bodies(rest)...))
		}
		rest, err := readAll(t.Context(), l, eventlog.Position{Sequence: 28})
		require.NoError(t, err)
		require.Equal(t, want[28:], bodies(rest), "a sequence without a hash is a valid position")
		count := 0
		for _, err := range l.Read(t.Context(), eventlog.Position{}) {
			require.NoError(t, err)
			appendAll(t, l, "later")
			count++
		}
		require.Equal(t, 30, count, "records appended during the iteration are not yielded")
		requireNoConsumers(t, p.admin(t, l))
	})
}

func TestReadYieldsMoreRecordsThanOneRequestReturns(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	for n := range 12 { // more bytes than one request returns
		_, err := l.Append(patient(t), eventlog.Record{Object: "document", Body: bytes.Repeat([]byte{byte(n)}, 1<<20)})
		require.NoError(t, err)
	}
	fill(t, l, 10_000)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, read, 10_012)
	require.Equal(t, uint64(10_012), read[10_011].Sequence)
}

func TestAReaderThatStopsDeletesItsConsumer(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		appendAll(t, l, numbered(1, 10)...)
		for _, err := range l.Read(t.Context(), eventlog.Position{}) {
			require.NoError(t, err)
			break
		}
		for _, err := range l.Follow(t.Context(), eventlog.Position{}) {
			require.NoError(t, err)
			break
		}
		stopped := errors.New("stopped by the operator")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		seen := 0
		var last error
		for _, err := range l.Follow(ctx, eventlog.Position{}) {
			if last = err; err == nil {
				if seen++; seen == 10 {
					cancel(stopped)
				}
			}
		}
		require.Equal(t, 10, seen)
		require.ErrorIs(t, last, stopped)
		require.NotErrorIs(t, last, eventlog.ErrUnavailable)
		requireNoConsumers(t, p.admin(t, l))
	})
}

func TestFollowYieldsEachRecordWhenItIsAppended(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		appendAll(t, l, numbered(1, 3)...)
		next := 1
		for r, err := range l.Follow(t.Context(), eventlog.Position{}) {
			require.NoError(t, err)
			require.Equal(t, uint64(next), r.Sequence)
			if next == 40 {
				break
			}
			if next >= 3 { // the reader has caught up, and waits for the next record
				appendAll(t, l, numbered(next+1, next+1)...)
			}
			next++
		}
		requireNoConsumers(t, p.admin(t, l))
	})
}

func TestGetReturnsErrNotFoundForAMissingRecord(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		appendAll(t, l, "one")
		for _, sequence := range []uint64{0, 2, 1 << 40} {
			_, err := l.Get(t.Context(), sequence)
			require.ErrorIs(t, err, eventlog.ErrNotFound)
		}
	})
}

func TestErrorsWrapTheCauseOfTheContext(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err := l.Append(ctx, webhook("{}"))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	require.ErrorIs(t, err, why)
	_, err = l.Bounds(ctx)
	require.ErrorIs(t, err, why)
	_, err = readAll(ctx, l, eventlog.Position{})
	require.ErrorIs(t, err, why)
}

func TestAFullLogRefusesRecordsAndDropsNone(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		p.options.MaxBytes = 64 << 10
		l := open(t, p.options)
		var err error
		stored := 0
		for ; err == nil && stored < 100; stored++ {
			_, err = l.Append(patient(t), eventlog.Record{Object: "document", Body: make([]byte, 4096)})
		}
		require.ErrorIs(t, err, eventlog.ErrUnavailable)
		bounds, err := l.Bounds(t.Context())
		require.NoError(t, err)
		require.Equal(t, []uint64{1, uint64(stored - 1)}, []uint64{bounds.First, bounds.Last})
		info, err := l.Info(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(64<<10), info.MaxBytes)
		require.NotZero(t, info.Bytes)
		require.Equal(t, 1, info.Replicas)
	})
}

// appendAtOnce appends from several goroutines, and returns the bodies by sequence. It fails the test
// unless the sequences that each goroutine gets ascend.
func appendAtOnce(t *testing.T, l *eventlog.Log, callers, each int) map[uint64]string {
	var mu sync.Mutex
	sent := map[uint64]string{}
	ctx := patient(t)
	var group sync.WaitGroup
	for c := range callers {
		group.Go(func() {
			previous := uint64(0)
			for n := range each {
				body := fmt.Sprintf("%d/%d", c, n)
				sequence, err := l.Append(ctx, webhook(body))
				if err != nil || sequence <= previous {
					t.Errorf("append %s: sequence %d after %d: %v", body, sequence, previous, err)
					return
				}
				previous = sequence
				mu.Lock()
				sent[sequence] = body
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return sent
}
