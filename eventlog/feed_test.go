package eventlog_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/orderfold/orderfold/eventlog"
)

// events returns events with the numbers from first to last.
func events(first, last int) (all []eventlog.Event) {
	for i := first; i <= last; i++ {
		all = append(all, eventlog.Event{Class: "digital", Order: fmt.Sprint("order ", i), Header: map[string][]string{"n": {fmt.Sprint(i)}},
			Body: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	return all
}

// readFeed returns the bodies of the events after a sequence. It fails the test if an event is
// missing.
func readFeed(t testing.TB, f *eventlog.Feed, after uint64) (all []string) {
	t.Helper()
	for e, err := range f.Read(t.Context(), after) {
		require.NoError(t, err)
		after++
		require.Equal(t, after, e.Sequence)
		require.Equal(t, fmt.Sprintf(`{"n":%s}`, e.Header["n"][0]), string(e.Body))
		all = append(all, string(e.Body))
	}
	return all
}

// publish publishes events after a sequence.
func publish(t testing.TB, f *eventlog.Feed, after uint64, events []eventlog.Event) {
	t.Helper()
	last, err := f.Publish(t.Context(), after, events)
	require.NoError(t, err)
	require.Equal(t, after+uint64(len(events)), last)
}

func TestTheFeedStoresEventsInTheOrderOfPublication(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		f := l.Feed(eventlog.FeedOptions{})
		bounds, err := f.Bounds(t.Context())
		require.NoError(t, err)
		require.Equal(t, eventlog.FeedBounds{First: 1, Last: 0}, bounds)
		require.Empty(t, readFeed(t, f, 0))

		publish(t, f, 0, events(1, 1))
		publish(t, f, 1, events(2, 9)) // on an external server these are published singly
		publish(t, f, 9, events(10, 2500))
		publish(t, f, 2500, nil)
		publish(t, f, 2500, []eventlog.Event{{Header: map[string][]string{"n": {"2501"}}, Body: []byte(`{"n":2501}`)}})
		bounds, err = f.Bounds(t.Context())
		require.NoError(t, err)
		require.Equal(t, eventlog.FeedBounds{First: 1, Last: 2501}, bounds)
		require.Len(t, readFeed(t, f, 0), 2501)
		require.Equal(t, []string{`{"n":2500}`, `{"n":2501}`}, readFeed(t, f, 2499))

		e, err := f.Get(t.Context(), 3)
		require.NoError(t, err)
		require.Equal(t, []any{uint64(3), `{"n":3}`}, []any{e.Sequence, string(e.Body)})
		require.Regexp(t, `^orders\.digital\.[0-6][0-9]$`, e.Subject)
		e, err = f.Get(t.Context(), 2501)
		require.NoError(t, err)
		require.Equal(t, "orders.revision", e.Subject)
		for _, sequence := range []uint64{0, 2502} {
			_, err = f.Get(t.Context(), sequence)
			require.ErrorIs(t, err, eventlog.ErrNotFound)
		}
		logged, err := readAll(t.Context(), l, eventlog.Position{})
		require.NoError(t, err)
		require.Empty(t, logged, "the log contains no events")
	})
}

func TestAnEventHasTheSameShardAsTheRecordsOfItsOrder(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	f := l.Feed(eventlog.FeedOptions{})
	_, err := l.Append(patient(t), eventlog.Record{Object: "digital-asset-order", Key: "order 1", Body: []byte("{}")})
	require.NoError(t, err)
	publish(t, f, 0, events(1, 1))
	stream, err := eventlog.JetStream(l).Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)
	msg, err := stream.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	e, err := f.Get(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, msg.Subject[len(msg.Subject)-3:], e.Subject[len(e.Subject)-3:])
}

func TestAPublisherIsFencedAfterAnotherHasPublished(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		f, other := l.Feed(eventlog.FeedOptions{}), l.Feed(eventlog.FeedOptions{})
		publish(t, f, 0, events(1, 3))
		for _, n := range []int{1, 5, 100} {
			for _, after := range []uint64{0, 2, 4} {
				last, err := other.Publish(t.Context(), after, events(10, 9+n))
				require.ErrorIs(t, err, eventlog.ErrFenced, "%d after %d", n, after)
				require.NotErrorIs(t, err, eventlog.ErrUnavailable)
				require.Equal(t, after, last)
			}
		}
		require.Len(t, readFeed(t, f, 0), 3)
		publish(t, other, 3, events(4, 40))
	})
}

func TestTheFeedHasTheDocumentedSettings(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		l := open(t, p.options)
		_, err := l.Feed(eventlog.FeedOptions{Keep: true}).Bounds(t.Context())
		require.ErrorIs(t, err, eventlog.ErrNoStream)
		_, err = l.Feed(eventlog.FeedOptions{}).Bounds(t.Context())
		require.NoError(t, err)
		config := func() jetstream.StreamConfig {
			stream, err := p.admin(t, l).Stream(t.Context(), "ORDERS")
			require.NoError(t, err)
			return stream.CachedInfo().Config
		}
		c := config()
		require.Equal(t, []any{[]string{"orders.*.*", "orders.revision"}, jetstream.FileStorage, jetstream.DiscardOld, 168 * time.Hour, true, true, true, 1},
			[]any{c.Subjects, c.Storage, c.Discard, c.MaxAge, c.AllowAtomicPublish, c.AllowDirect, c.DenyDelete, c.Replicas})
		_, err = l.Feed(eventlog.FeedOptions{MaxAge: time.Hour, MaxBytes: 1 << 20}).Bounds(t.Context())
		require.NoError(t, err)
		require.Equal(t, []any{time.Hour, int64(1 << 20)}, []any{config().MaxAge, config().MaxBytes})
		_, err = l.Feed(eventlog.FeedOptions{Keep: true}).Bounds(t.Context())
		require.NoError(t, err)
		require.Equal(t, time.Hour, config().MaxAge, "the feed was not changed")
	})
}

func TestConcurrentCreationsOfTheFeedAllSucceed(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	var g errgroup.Group
	for i := range 8 {
		f := l.Feed(eventlog.FeedOptions{MaxBytes: int64(i+1) << 20})
		g.Go(func() error { _, err := f.Bounds(t.Context()); return err })
	}
	require.NoError(t, g.Wait())
}

func TestTheFeedDropsOldEvents(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	f := l.Feed(eventlog.FeedOptions{MaxBytes: 10_000})
	publish(t, f, 0, events(1, 300))
	bounds, err := f.Bounds(t.Context())
	require.NoError(t, err)
	require.Greater(t, bounds.First, uint64(1))
	require.Equal(t, uint64(300), bounds.Last)
	_, err = f.Get(t.Context(), 1)
	require.ErrorIs(t, err, eventlog.ErrNotFound)
	count := uint64(0)
	for e, err := range f.Read(t.Context(), 0) {
		require.NoError(t, err)
		require.Equal(t, bounds.First+count, e.Sequence)
		count++
	}
	require.Equal(t, bounds.Last-bounds.First+1, count)
}

func TestAFeedOfAnotherLogIsRefused(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	js := eventlog.JetStream(l)
	for name, metadata := range map[string]string{"the feed of another log": "another", "a stream without an identity": ""} {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.*.*", "orders.revision"},
			Metadata: map[string]string{"orderfold-log": metadata}})
		require.NoError(t, err)
		f := l.Feed(eventlog.FeedOptions{})
		_, err = f.Bounds(t.Context())
		require.ErrorIs(t, err, eventlog.ErrForeignFeed, name)
		require.ErrorContains(t, err, "delete that stream")
		_, err = f.Publish(t.Context(), 0, events(1, 1))
		require.ErrorIs(t, err, eventlog.ErrForeignFeed, name)
		require.NoError(t, js.DeleteStream(t.Context(), "ORDERS"))
	}
}

func TestADeletedFeedIsCreatedAgain(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	f := l.Feed(eventlog.FeedOptions{})
	publish(t, f, 0, events(1, 30))
	require.NoError(t, eventlog.JetStream(l).DeleteStream(t.Context(), "ORDERS"))
	_, err := f.Publish(t.Context(), 30, events(31, 31))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	bounds, err := f.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, eventlog.FeedBounds{First: 1, Last: 0}, bounds)
	publish(t, f, 0, events(1, 30))
}

func TestTheFeedIsUnavailableUntilTheServerReturns(t *testing.T) {
	p := separatePlace(t, "")
	l := open(t, p.options)
	f := l.Feed(eventlog.FeedOptions{})
	publish(t, f, 0, events(1, 3))
	p.stop()
	_, err := f.Publish(t.Context(), 3, events(4, 4))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	_, err = f.Bounds(t.Context())
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	p.start()
	eventually(t, func() bool {
		b, err := f.Bounds(t.Context())
		return err == nil && b.Last >= 3
	})
	b, err := f.Bounds(t.Context())
	require.NoError(t, err)
	publish(t, f, b.Last, events(int(b.Last)+1, 40))
	require.Len(t, readFeed(t, f, 0), 40)
}

func TestFollowOfTheFeedYieldsNewEventsUntilTheContextEnds(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	f := l.Feed(eventlog.FeedOptions{})
	publish(t, f, 0, events(1, 2))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen []uint64
	for e, err := range f.Follow(ctx, 1) {
		if len(seen) == 3 {
			require.ErrorIs(t, err, context.Canceled)
			break
		}
		require.NoError(t, err)
		seen = append(seen, e.Sequence)
		switch len(seen) {
		case 1:
			publish(t, f, 2, events(3, 4))
		case 3:
			cancel()
		}
	}
	require.Equal(t, []uint64{2, 3, 4}, seen)
}
