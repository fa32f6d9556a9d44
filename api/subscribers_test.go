package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

var (
	created, requested, stuckSince = "2026-03-02T08:00:00Z", "2026-03-02T09:34:07.5Z", "2026-03-02T08:00:00Z"
	urlFile                        = "data/subscribers/billing.url"
	billing                        = api.Subscriber{Name: "billing", Stream: "orders", AssetClasses: []string{"DIGITAL", "TOKENIZED"}, From: "start", MaxPending: 1000,
		CreatedAt: &created, Pending: 3, Unacknowledged: 2, Redelivered: 1, LastRequestAt: &requested}
	tax = api.Subscriber{Name: "tax", Stream: "notifications", AssetClasses: []string{}, From: "now", MaxPending: 100, CreatedAt: &created, Pending: 7,
		StuckSince: &stuckSince}
)

// roll is a list of subscribers that records its requests.
type roll struct {
	mu      sync.Mutex
	all     []api.Subscriber
	listed  int
	added   api.SubscriberSettings
	removed string
	err     error
	hangs   bool // until the interval is over
}

func (r *roll) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.added, r.removed = err, api.SubscriberSettings{}, ""
}

func (r *roll) Subscribers(ctx context.Context) ([]api.Subscriber, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listed++
	if r.hangs {
		<-ctx.Done()
		return nil, fmt.Errorf("%w: %w", api.ErrUnavailable, ctx.Err())
	}
	return r.all, r.err
}

func (r *roll) Subscribe(_ context.Context, s api.SubscriberSettings) (api.AddedSubscriber, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added = s
	return api.AddedSubscriber{Subscriber: billing, CredentialsFile: &urlFile}, r.err
}

func (r *roll) Unsubscribe(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removed = name
	return r.err
}

// place is a feed whose last event has the greatest sequence in it.
type place map[uint64]string

func (p place) Place(_ context.Context, sequence uint64) (at api.FeedPlace, err error) {
	if len(p) == 0 {
		return at, api.ErrNoFeed
	}
	at.FirstSequence = 1
	for last := range p {
		at.LastSequence = max(at.LastSequence, last)
	}
	if id := p[sequence]; id != "" {
		at.Event = &api.FeedEvent{Sequence: sequence, ID: id}
	}
	return at, nil
}

// switchFeedOn records in the views that events are published.
func switchFeedOn(t testing.TB, w *world) {
	t.Helper()
	status, err := w.store().Status(t.Context())
	require.NoError(t, err)
	status.Feed = views.Feed{On: true, Through: status.Checkpoint.Sequence, Generation: status.Generation}
	require.NoError(t, w.store().SetFeed(t.Context(), status.Generation, status.Feed))
}

func TestASubscriberIsAddedAndRemoved(t *testing.T) {
	r := &roll{}
	w := newWorld(t)
	w.receiveRaw(api.Record{Object: "customer", Body: []byte(`{"id":"1"}`)})
	w.apply(t)
	s := start(t, w, func(o *api.Options) { o.Subscribers = r })
	code, detail := s.do(t, http.MethodPost, "/v1/subscribers?name=billing").problem(t)
	require.Equal(t, "conflict", code)
	require.Contains(t, detail, "start the service (the process with the projector) with --feed")
	require.Zero(t, r.added)

	switchFeedOn(t, w)
	a := s.do(t, http.MethodPost, "/v1/subscribers?name=billing")
	require.Equal(t, api.AddedSubscriber{Subscriber: billing, CredentialsFile: &urlFile}, into[api.AddedSubscriber](t, a))
	require.Equal(t, api.SubscriberSettings{Name: "billing", Stream: "orders", From: "start", MaxPending: 1000}, r.added)
	a = s.do(t, http.MethodPost, "/v1/subscribers?name=a-1_b&stream=notifications&assetClass=DIGITAL&assetClass=TRADITIONAL&from=17&maxPending=5")
	require.Equal(t, http.StatusOK, a.StatusCode, string(a.body))
	require.Equal(t, api.SubscriberSettings{Name: "a-1_b", Stream: "notifications", AssetClass: []string{"DIGITAL", "TRADITIONAL"}, From: "17", MaxPending: 5}, r.added)
	a = s.do(t, http.MethodDelete, "/v1/subscribers/billing")
	require.Equal(t, http.StatusNoContent, a.StatusCode)
	require.Empty(t, a.body)
	require.Equal(t, "billing", r.removed)

	for _, c := range []struct {
		method, path string
		err          error
		code, says   string
	}{
		{"POST", "/v1/subscribers", nil, "bad-parameter", "name"},
		{"POST", "/v1/subscribers?name=", nil, "bad-parameter", "name"},
		{"POST", "/v1/subscribers?name=Billing", nil, "bad-parameter", "1 to 64 lower-case letters"},
		{"POST", "/v1/subscribers?name=a.b", nil, "bad-parameter", "1 to 64 lower-case letters"},
		{"POST", "/v1/subscribers?name=..%2Fx", nil, "bad-parameter", "1 to 64 lower-case letters"},
		{"POST", "/v1/subscribers?name=a%0A", nil, "bad-parameter", "1 to 64 lower-case letters"},
		{"POST", "/v1/subscribers?name=" + strings.Repeat("a", 65), nil, "bad-parameter", "1 to 64"},
		{"POST", "/v1/subscribers?name=a&stream=ORDERS", nil, "bad-parameter", "query.stream"},
		{"POST", "/v1/subscribers?name=a&assetClass=digital", nil, "bad-parameter", "query.assetClass"},
		{"POST", "/v1/subscribers?name=a&from=0", nil, "bad-parameter", "now, start or the sequence"},
		{"POST", "/v1/subscribers?name=a&from=-1", nil, "bad-parameter", "now, start or the sequence"},
		{"POST", "/v1/subscribers?name=a&from=99999999999999999999", nil, "bad-parameter", "now, start or the sequence"},
		{"POST", "/v1/subscribers?name=a&maxPending=0", nil, "bad-parameter", "maxPending"},
		{"POST", "/v1/subscribers?name=a&maxPending=100001", nil, "bad-parameter", "maxPending"},
		{"POST", "/v1/subscribers?name=a&max=1", nil, "bad-parameter", "max"},
		{"POST", "/v1/subscribers?name=a", &api.SubscriberRefusal{Detail: "Another one."}, "conflict", "Another one."},
		{"POST", "/v1/subscribers?name=a", &api.SubscriberRefusal{Settings: true, Detail: "Not so."}, "bad-parameter", "Not so."},
		{"POST", "/v1/subscribers?name=a", fmt.Errorf("%w: away", api.ErrUnavailable), "log-unavailable", ""},
		{"DELETE", "/v1/subscribers/a", api.ErrNoSubscriber, "not-found", "GET /v1/subscribers lists them"},
		{"DELETE", "/v1/subscribers/a", &api.SubscriberRefusal{Detail: "Not here."}, "conflict", "Not here."},
		{"DELETE", "/v1/subscribers/a", fmt.Errorf("%w: away", api.ErrUnavailable), "log-unavailable", ""},
	} {
		r.fail(c.err)
		code, detail := s.do(t, c.method, c.path).problem(t)
		require.Equal(t, c.code, code, c.path)
		require.Contains(t, detail, c.says, c.path)
		if c.err == nil {
			require.Zero(t, r.added, c.path)
		}
	}
	for _, c := range []struct{ method, path string }{{"GET", "/v1/subscribers"}, {"POST", "/v1/subscribers?name=a"}, {"DELETE", "/v1/subscribers/a"}, {"GET", "/v1/feed"}} {
		code, _ := start(t, newWorld(t)).do(t, c.method, c.path).problem(t)
		require.Equal(t, "not-here", code)
	}
}

// The log is read only once in a while for any number of requests, and a log that does not answer delays no request
// for long.
func TestTheListOfSubscribersIsReadOnceForAllCallers(t *testing.T) {
	r := &roll{all: []api.Subscriber{billing, tax}}
	s := start(t, newWorld(t), func(o *api.Options) { o.Subscribers = r })
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() {
			response, err := http.Get(s.base + "/metrics")
			if err == nil {
				_ = response.Body.Close()
			}
		})
	}
	asking.Wait()
	require.Equal(t, []api.Subscriber{billing, tax}, into[api.List[api.Subscriber]](t, s.get(t, "/v1/subscribers")).Data)
	r.mu.Lock()
	listed := r.listed
	r.mu.Unlock()
	require.Less(t, listed, 51, "not once for each")

	s.do(t, http.MethodDelete, "/v1/subscribers/billing")
	r.mu.Lock()
	r.all = []api.Subscriber{tax}
	r.mu.Unlock()
	require.Equal(t, []api.Subscriber{tax}, into[api.List[api.Subscriber]](t, s.get(t, "/v1/subscribers")).Data, "a change is seen at once")

	r.mu.Lock()
	r.hangs = true
	r.mu.Unlock()
	s.do(t, http.MethodDelete, "/v1/subscribers/tax")
	code, _ := s.get(t, "/v1/subscribers").problem(t)
	require.Equal(t, "log-unavailable", code)
	metrics := s.get(t, "/metrics")
	require.Equal(t, http.StatusOK, metrics.StatusCode)
	require.NotContains(t, string(metrics.body), "orderfold_subscriber_pending{", "values that cannot be read are left out")
	require.Contains(t, string(metrics.body), "\norderfold_ready ")
}

func TestMetricsReportMessagesThatWaitForSubscribers(t *testing.T) {
	lost := api.Subscriber{Name: "lost", Stream: "orders", Problem: &notJSON}
	many := []api.Subscriber{billing, tax, lost}
	for i := range 150 {
		many = append(many, api.Subscriber{Name: fmt.Sprint("s-", i), Stream: "orders"})
	}
	s := start(t, newWorld(t), func(o *api.Options) { o.Subscribers = &roll{all: many} })
	text := string(s.get(t, "/metrics").body)
	for _, line := range []string{
		`orderfold_subscriber_pending{stream="orders",subscriber="billing"} 3`,
		`orderfold_subscriber_unacknowledged{stream="orders",subscriber="billing"} 2`,
		`orderfold_subscriber_redelivered{stream="orders",subscriber="billing"} 1`,
		`orderfold_subscriber_last_request_timestamp_seconds{stream="orders",subscriber="billing"} 1.7724440475e+09`,
		`orderfold_subscriber_stuck{stream="orders",subscriber="billing"} 0`,
		`orderfold_subscriber_stuck{stream="notifications",subscriber="tax"} 1`,
		`orderfold_subscriber_stuck{stream="orders",subscriber="lost"} 1`,
	} {
		require.Contains(t, text, "\n"+line+"\n")
	}
	require.NotContains(t, text, `last_request_timestamp_seconds{stream="notifications"`)
	require.Equal(t, 100, strings.Count(text, "\norderfold_subscriber_pending{"), "their number is bounded")
}

func TestAPositionInTheFeedIsLookedUp(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Events = place{3: "a", 9: "b"} })
	require.Equal(t, api.FeedPlace{FirstSequence: 1, LastSequence: 9}, into[api.FeedPlace](t, s.get(t, "/v1/feed")))
	require.Equal(t, api.FeedPlace{FirstSequence: 1, LastSequence: 9, Event: &api.FeedEvent{Sequence: 3, ID: "a"}}, into[api.FeedPlace](t, s.get(t, "/v1/feed?sequence=3")))
	require.Nil(t, into[api.FeedPlace](t, s.get(t, "/v1/feed?sequence=4")).Event)
	code, _ := s.get(t, "/v1/feed?sequence=x").problem(t)
	require.Equal(t, "bad-parameter", code)
	code, detail := start(t, newWorld(t), func(o *api.Options) { o.Events = place{} }).get(t, "/v1/feed").problem(t)
	require.Equal(t, "not-found", code)
	require.Contains(t, detail, "--feed")
}
