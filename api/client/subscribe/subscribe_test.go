package subscribe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/api/client/subscribe"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// service is a log with a feed, a projector and an API in this process, all of them real.
type service struct {
	dir     string
	log     *eventlog.Log
	feed    *eventlog.Feed
	views   *views.Store
	api     *httptest.Server
	stop    func()
	orders  *client.Client
	natsURL string
}

// must is for examples, which have no testing.T.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newService(o eventlog.FeedOptions) *service {
	s := &service{dir: must(os.MkdirTemp("", "orderfold-subscribe-"))}
	data := filepath.Join(s.dir, "data")
	s.log = must(eventlog.Open(context.Background(), eventlog.Options{Dir: data, Addr: "127.0.0.1:0", MayCreate: true}))
	s.feed = s.log.Feed(o)
	s.views = must(views.Open(context.Background(), views.Options{Dir: filepath.Join(s.dir, "views"), FoldVersion: decode.FoldVersion()}))
	ctx, stop := context.WithCancel(context.Background())
	var projecting sync.WaitGroup
	p := projector.NewPublisher(projector.PublisherOptions{Log: s.log, Events: s.feed, MaxBody: s.feed.MaxBody, Views: s.views, Former: s.views,
		Render: api.AppendEventOrder})
	projecting.Go(func() { _ = projector.New(projector.Options{Log: s.log, Views: s.views, Publisher: p}).Run(ctx) })
	a := must(api.New(api.Options{Views: s.views, Objects: s.views, Position: s.views, Feed: s.views, Log: logOf{s.log}, Events: eventsOf{s.feed}, History: projector.NewHistorian(s.log, s.views)}))
	s.api = httptest.NewServer(a)
	s.orders = must(client.New(client.Options{URL: s.api.URL}))
	s.natsURL = strings.TrimSpace(string(must(os.ReadFile(filepath.Join(data, "subscriber.url")))))
	s.post("none", "PLACED", 0)
	s.consumer("billing", "")
	s.stop = func() {
		s.api.Close()
		stop()
		projecting.Wait()
		_ = errors.Join(s.views.Close(), s.log.Close(), os.RemoveAll(s.dir))
	}
	return s
}

// consumer creates a durable consumer, as the operator does.
func (s *service) consumer(name, filter string) {
	url := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(s.dir, "data", "operator.url")))))
	nc := must(nats.Connect(url))
	defer nc.Close()
	js := must(jetstream.New(nc))
	must(js.CreateConsumer(context.Background(), "ORDERS", jetstream.ConsumerConfig{Durable: name, FilterSubject: filter, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: time.Second, MaxAckPending: 1000}))
}

// post posts a notification and waits until its event is in the feed.
func (s *service) post(order, status string, minute int) {
	body := fmt.Sprintf(`{"orderId":%q,"status":%q,"modifiedOn":"2026-03-02T09:%02d:00Z"}`, order, status, minute)
	sequence := must(s.log.Append(context.Background(), eventlog.Record{Object: "digital-asset-order", Key: order, Body: []byte(body)}))
	for {
		if err := s.views.Wait(context.Background(), sequence); err != nil {
			panic(err)
		}
		if must(s.views.Status(context.Background())).Feed.Through >= sequence {
			return
		}
	}
}

// logOf adapts the log for an API.
type logOf struct{ log *eventlog.Log }

func (l logOf) Record(context.Context, uint64) (api.Record, error) {
	return api.Record{}, api.ErrNoRecord
}

func (l logOf) Hashes(context.Context, []uint64) (map[uint64]string, error) { return nil, nil }

func (l logOf) Bounds(ctx context.Context) (api.LogBounds, error) {
	b, err := l.log.Bounds(ctx)
	return api.LogBounds{First: b.First, Last: b.Last}, err
}

func (l logOf) Storage(context.Context) api.Storage { return api.Storage{} }

// eventsOf adapts the feed for an API.
type eventsOf struct{ feed *eventlog.Feed }

func (e eventsOf) Place(ctx context.Context, sequence uint64) (api.FeedPlace, error) {
	b, err := e.feed.Bounds(ctx)
	p := api.FeedPlace{FirstSequence: b.First, LastSequence: b.Last}
	if err != nil || sequence == 0 {
		return p, err
	}
	event, err := e.feed.Get(ctx, sequence)
	if errors.Is(err, eventlog.ErrNotFound) {
		return p, nil
	}
	if err == nil {
		id, _ := url.PathUnescape(event.Header["ce-id"][0])
		p.Event = &api.FeedEvent{Sequence: sequence, ID: id}
	}
	return p, err
}

// known is what a service stores about orders.
type known struct {
	mu        sync.Mutex
	status    map[string]string
	events    map[string]int // by ID
	snapshots int
	fail      error
}

var errEnough = errors.New("enough")

// take is the function that Run calls.
func (k *known) take(_ context.Context, events []subscribe.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range events {
		switch e.Type {
		case subscribe.SnapshotBegins:
			k.status = map[string]string{}
			k.snapshots++
		case subscribe.SnapshotOrder, subscribe.Changed, subscribe.Corrected:
			var o struct{ Status string }
			if err := json.Unmarshal(e.State, &o); err != nil {
				return err
			}
			k.status[e.Order] = o.Status
		case subscribe.Withdrawn:
			delete(k.status, e.Order)
		}
		if e.ID != "" {
			k.events[e.ID]++
		}
	}
	return k.fail
}

// follow runs a subscriber until the condition holds.
func (s *service) follow(t testing.TB, name string, store subscribe.Store, k *known, until func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- subscribe.Run(ctx, subscribe.Options{URL: s.natsURL, Name: name, API: s.orders, Store: store}, k.take)
	}()
	require.Eventually(t, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return until()
	}, time.Minute, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
}

func newKnown() *known { return &known{status: map[string]string{}, events: map[string]int{}} }

func TestASubscriberGetsEachEventOnceEvenAfterARestart(t *testing.T) {
	s := newService(eventlog.FeedOptions{})
	defer s.stop()
	path := filepath.Join(t.TempDir(), "place")
	k := newKnown()
	statuses := []string{"PLACED", "PARTIALLY_FILLED", "FILLED", "SETTLED"}
	for round, status := range statuses {
		store, err := subscribe.OpenFile(path)
		require.NoError(t, err)
		for i := range 20 {
			s.post(fmt.Sprint("o-", i), status, 10*round+i%10)
		}
		s.follow(t, "billing", store, k, func() bool {
			for i := range 20 {
				if k.status[fmt.Sprint("o-", i)] != status {
					return false
				}
			}
			return true
		})
		require.NoError(t, store.Close())
	}
	require.Zero(t, k.snapshots, "the feed contains every event since the first one")
	require.Len(t, k.events, 81)
	for id, times := range k.events {
		require.Equal(t, 1, times, id)
	}
}

func TestEventsAreDeliveredAgainAfterAFailure(t *testing.T) {
	s := newService(eventlog.FeedOptions{})
	defer s.stop()
	s.post("a", "PLACED", 1)
	k, store := newKnown(), &subscribe.Memory{}
	k.fail = errEnough
	o := subscribe.Options{URL: s.natsURL, Name: "billing", API: s.orders, Store: store}
	require.ErrorIs(t, subscribe.Run(t.Context(), o, k.take), errEnough)
	at, err := store.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, subscribe.Place{}, at)
	k.fail = nil
	s.post("b", "PLACED", 2)
	s.follow(t, "billing", store, k, func() bool { return k.status["b"] != "" })
	require.Equal(t, map[string]string{"none": "PLACED", "a": "PLACED", "b": "PLACED"}, k.status)
	require.Zero(t, k.snapshots)
}

func TestASnapshotIsTakenIfTheFeedIsIncomplete(t *testing.T) {
	tests := []struct {
		name string
		lose func(t *testing.T, s *service, store *subscribe.Memory)
	}{
		{"the position was lost", func(t *testing.T, _ *service, store *subscribe.Memory) { require.NoError(t, store.Clear(t.Context())) }},
		{"another event has that sequence", func(t *testing.T, _ *service, store *subscribe.Memory) {
			at, err := store.Load(t.Context())
			require.NoError(t, err)
			at.ID = "another"
			require.NoError(t, store.Save(t.Context(), at, nil))
		}},
		{"the feed ends before the position", func(t *testing.T, _ *service, store *subscribe.Memory) {
			at, err := store.Load(t.Context())
			require.NoError(t, err)
			at.Sequence += 1000
			require.NoError(t, store.Save(t.Context(), at, nil))
		}},
		{"the feed has dropped events", func(t *testing.T, s *service, _ *subscribe.Memory) {
			for i := range 20 {
				s.post(fmt.Sprint("many-", i), "PLACED", i)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newService(eventlog.FeedOptions{MaxBytes: 16 << 10})
			defer s.stop()
			k, store := newKnown(), &subscribe.Memory{}
			s.post("a", "PLACED", 1)
			s.follow(t, "billing", store, k, func() bool { return k.status["a"] == "PLACED" })
			require.Zero(t, k.snapshots)
			test.lose(t, s, store)
			k.status["gone"] = "PLACED"
			s.post("a", "FILLED", 2)
			s.follow(t, "billing", store, k, func() bool { return k.status["a"] == "FILLED" })
			require.Equal(t, 1, k.snapshots)
			require.NotContains(t, k.status, "gone")
			require.Contains(t, k.status, "none")
			s.post("b", "PLACED", 3)
			s.follow(t, "billing", store, k, func() bool { return k.status["b"] == "PLACED" })
			require.Equal(t, 1, k.snapshots)
		})
	}
}

func TestAConsumerOfOneAssetClassNeedsNoSnapshot(t *testing.T) {
	s := newService(eventlog.FeedOptions{})
	defer s.stop()
	s.consumer("digital", "orders.digital.*")
	k, store := newKnown(), &subscribe.Memory{}
	for i := range 5 {
		s.post(fmt.Sprint("o-", i), "PLACED", i)
		body := fmt.Sprintf(`{"orderId":"t-%d","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`, i)
		_, err := s.log.Append(t.Context(), eventlog.Record{Object: "traditional-asset-order", Body: []byte(body)})
		require.NoError(t, err)
	}
	s.post("last", "PLACED", 9)
	s.follow(t, "digital", store, k, func() bool { return k.status["last"] != "" })
	require.Len(t, k.status, 7)
	require.Zero(t, k.snapshots)
}

func TestAFeedThatCannotBeFollowedIsReported(t *testing.T) {
	s := newService(eventlog.FeedOptions{})
	defer s.stop()
	o := subscribe.Options{URL: s.natsURL, Name: "nobody", API: s.orders, Store: &subscribe.Memory{}}
	k := newKnown()
	require.ErrorIs(t, subscribe.Run(t.Context(), o, k.take), subscribe.ErrNoConsumer)
	require.ErrorContains(t, subscribe.Run(t.Context(), subscribe.Options{}, k.take), "required")
	o.URL = strings.Replace(o.URL, "subscriber:", "subscriber:x", 1)
	require.ErrorContains(t, subscribe.Run(t.Context(), o, k.take), "refuses the credentials")

	o.URL = "nats://127.0.0.1:1"
	ctx, cancel := context.WithCancel(t.Context())
	var told error
	o.Retrying = func(cause error) { told = cause; cancel() }
	require.NoError(t, subscribe.Run(ctx, o, k.take))
	require.ErrorIs(t, told, nats.ErrNoServers)
}

func TestTheFileStoreKeepsThePositionAndThePairs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "place")
	f, err := subscribe.OpenFile(path)
	require.NoError(t, err)
	for i := range uint64(2500) {
		require.NoError(t, f.Save(t.Context(), subscribe.Place{Began: true, Sequence: i, ID: fmt.Sprint(i)}, map[string]subscribe.Pair{fmt.Sprint(i % 7): {Sequence: i}}))
	}
	require.NoError(t, f.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Less(t, strings.Count(string(text), "\n"), 1100, "outdated lines are removed")
	require.NoError(t, os.WriteFile(path, append(text, []byte(`{"at":{"began":true,"sequ`)...), 0o600)) // cut short by a crash
	f, err = subscribe.OpenFile(path)
	require.NoError(t, err)
	at, err := f.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, subscribe.Place{Began: true, Sequence: 2499, ID: "2499"}, at)
	pairs, err := f.Pairs(t.Context(), []string{"0", "6", "7"})
	require.NoError(t, err)
	require.Equal(t, map[string]subscribe.Pair{"0": {Sequence: 2499}, "6": {Sequence: 2498}}, pairs)
	require.NoError(t, f.Clear(t.Context()))
	require.NoError(t, f.Close())
	f, err = subscribe.OpenFile(path)
	require.NoError(t, err)
	at, err = f.Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, subscribe.Place{}, at)
	require.NoError(t, f.Close())

	require.NoError(t, os.WriteFile(path, []byte("not a store\n"), 0o600))
	_, err = subscribe.OpenFile(path)
	require.ErrorContains(t, err, "remove it")
}

func TestPairsAreOrderedByRevisionThenSequence(t *testing.T) {
	ascending := []subscribe.Pair{{}, {0, 1}, {0, 7}, {1, 1}, {1, 2}, {9, 0}}
	for i, p := range ascending {
		for j, q := range ascending {
			require.Equal(t, i > j, p.After(q), "%v after %v", p, q)
		}
	}
}
