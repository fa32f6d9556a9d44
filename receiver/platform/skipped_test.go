package platform_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver/platform"
)

// lossy is a log with some unreadable records.
type lossy struct {
	*eventlog.Log

	mu   sync.Mutex
	gets map[uint64]error
}

func (l *lossy) Get(ctx context.Context, sequence uint64) (eventlog.Record, error) {
	l.mu.Lock()
	err := l.gets[sequence]
	l.mu.Unlock()
	if err != nil {
		return eventlog.Record{}, fmt.Errorf("%w: %d", err, sequence)
	}
	return l.Log.Get(ctx, sequence)
}

func (l *lossy) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.gets)
}

func TestAnOrderThatCannotBeExaminedDoesNotStopOthers(t *testing.T) {
	fresh := func(*platform.Order) {}
	broken := func(o *platform.Order) { o.Fetched, o.Breaks = true, []string{"overfill"} }
	ended := func(o *platform.Order) { o.Fetched, o.Status, o.Final = true, "SETTLED", true }
	for name, c := range map[string]struct {
		change func(*platform.Order)
		err    error
		mended bool // the order is asked about only when the record can be read again
	}{
		"a new order whose last record is lost":                        {fresh, eventlog.ErrNotFound, false},
		"an order with a break whose last record is lost":              {broken, eventlog.ErrNotFound, false},
		"an ended order whose last record is lost":                     {ended, eventlog.ErrNotFound, false},
		"a new order whose last record the server does not return":     {fresh, eventlog.ErrUnavailable, true},
		"an ended order whose last record the server does not return":  {ended, eventlog.ErrUnavailable, true},
		"an order whose last record cannot be read for another reason": {broken, errors.New("odd"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			metrics := prometheus.NewRegistry()
			log := &lossy{Log: s.log, gets: map[uint64]error{1: c.err}}
			s.notify(t, "first", c.change)
			for _, id := range []string{"b", "c", "d"} {
				s.notify(t, id, c.change)
			}
			a := ask(t, s, func(o *platform.AskerOptions) {
				o.Log, o.Metrics = log, metrics
				o.QuietAfter = map[string]time.Duration{"SETTLED": 50 * time.Millisecond}
			})
			for _, id := range []string{"b", "c", "d"} {
				eventually(t, "the others are asked about", func() bool { return len(a.visits.of(id)) > 0 })
			}
			eventually(t, "the failure is reported", func() bool { return a.Status().Skipped > 0 && a.Status().LastError != "" })
			if c.mended {
				require.Empty(t, a.visits.of("first"))
				asked, pending := a.Asked("first", 1)
				require.True(t, pending)
				require.Equal(t, platform.Pending, asked.State)
				log.mend()
			}
			eventually(t, "it is asked about, too", func() bool { return len(a.visits.of("first")) == 1 && a.Status().Pending == 0 })
			require.Equal(t, float64(a.Status().Skipped), counted(t, metrics, "orderfold_platform_skipped_total"))
		})
	}
}

func counted(t testing.TB, metrics *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	require.Fail(t, "there is no such metric", name)
	return 0
}

// away is a log that does not answer.
type away struct {
	*lossy
	bounds error
}

func (a *away) Bounds(ctx context.Context) (eventlog.Bounds, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bounds != nil {
		return eventlog.Bounds{}, a.bounds
	}
	return a.Log.Bounds(ctx)
}

func TestAnUnavailableLogIsWaitedForAndCountsAgainstNoOrder(t *testing.T) {
	s := newShelf(t)
	log := &away{&lossy{Log: s.log, gets: map[uint64]error{}}, nil}
	ended := func(o *platform.Order) { o.Fetched, o.Status, o.Final = true, "SETTLED", true }
	a := ask(t, s, func(o *platform.AskerOptions) {
		o.Log, o.QuietAfter = log, map[string]time.Duration{"SETTLED": 10 * time.Millisecond}
	})
	s.notify(t, "before", ended)
	eventually(t, "the scan has begun", func() bool { return a.Status().Asked == 1 })
	log.mu.Lock()
	log.bounds = eventlog.ErrUnavailable
	for n := range uint64(40) {
		log.gets[n] = eventlog.ErrUnavailable
	}
	log.mu.Unlock()
	for i := range 10 {
		s.notify(t, fmt.Sprint(i), ended)
	}
	eventually(t, "the failure is reported", func() bool { return strings.Contains(a.Status().LastError, "unavailable") })
	require.Zero(t, a.Status().Skipped)
	require.Zero(t, a.Status().Pending)
	log.mu.Lock()
	log.bounds = nil
	clear(log.gets)
	log.mu.Unlock()
	eventually(t, "all are asked about", func() bool { return a.Status().Asked == 11 })
}

func TestAnOrderThatNoLongerExistsIsForgotten(t *testing.T) {
	s := newShelf(t)
	gone := &vanishing{shelf: s}
	s.notify(t, "a", nil)
	a := ask(t, s, func(o *platform.AskerOptions) { o.Orders = gone })
	eventually(t, "the order was read", func() bool { gone.mu.Lock(); defer gone.mu.Unlock(); return gone.looked > 0 })
	eventually(t, "it is not pending", func() bool { return a.Status().Pending == 0 })
	s.notify(t, "b", nil)
	eventually(t, "others are asked about", func() bool { return len(a.visits.of("b")) == 1 })
	require.Empty(t, a.visits.of("a"))
}

// vanishing lists an order that it does not return by its id.
type vanishing struct {
	*shelf
	mu     sync.Mutex
	looked int
}

func (v *vanishing) Order(ctx context.Context, id string) (platform.Order, error) {
	if id == "a" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.looked++
		return platform.Order{}, fmt.Errorf("views: %w", platform.ErrNoOrder)
	}
	return v.shelf.Order(ctx, id)
}

func TestAnOrderThatAlwaysFailsWhileOthersAreAnsweredIsGivenUp(t *testing.T) {
	s := newShelf(t)
	a := ask(t, s, func(o *platform.AskerOptions) { o.Spacing, o.Attempts = 5*time.Millisecond, 3 })
	a.platform.answer.Store(new(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/poison") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		a.visits.ServeHTTP(w, r)
	})))
	s.notify(t, "poison", nil)
	eventually(t, "it is pending", func() bool { asked, ok := a.Asked("poison", 1); return ok && asked.Error != "" })
	for n := 0; a.Status().GivenUp == 0; n++ {
		require.Less(t, n, 1000)
		s.notify(t, fmt.Sprint(n), nil)
		eventually(t, "the others are answered", func() bool { return a.Status().Asked == uint64(n+1) })
	}
	asked, _ := a.Asked("poison", 1)
	require.Equal(t, platform.GivenUp, asked.State)
	require.Equal(t, 3, asked.Attempts)
	require.Contains(t, asked.Error, "500")
}

func TestAnEntryThatCannotBeAppendedDoesNotStopOthers(t *testing.T) {
	for name, failure := range map[string]error{
		"a notification that the log will never accept":   eventlog.ErrInvalid,
		"a notification that the log does not accept now": eventlog.ErrUnavailable,
		"a notification that fails for another reason":    errors.New("odd"),
	} {
		t.Run(name, func(t *testing.T) {
			log := &picky{Log: openLog(t), failure: failure}
			u := &undelivered{}
			u.add(`{"eventType":"USER_NOTIFICATION","body":{"userId":"bad"}}`)
			for n := range 5 {
				u.add(fmt.Sprintf(`{"eventType":"USER_NOTIFICATION","body":{"userId":"%d"}}`, n))
			}
			r, _ := recovering(t, log, u)
			eventually(t, "the others are appended", func() bool { return r.Status().Holes == 5 })
			u.twicePolled(t)
			require.Len(t, records(t, log.Log), 5)
			require.Greater(t, r.Status().Skipped, uint64(0))
			if errors.Is(failure, eventlog.ErrInvalid) {
				require.Equal(t, uint64(1), r.Status().Skipped, "it is counted once")
				return
			}
			eventually(t, "the reason is reported", func() bool {
				return strings.Contains(r.Status().LastError, "1 undelivered notifications were not appended")
			})
			log.mu.Lock()
			log.failure = nil
			log.mu.Unlock()
			eventually(t, "it is appended when the log accepts it", func() bool { return r.Status().Holes == 6 })
		})
	}
}

// picky refuses one notification.
type picky struct {
	*eventlog.Log
	mu      sync.Mutex
	failure error
}

func (p *picky) Append(ctx context.Context, r eventlog.Record) (uint64, error) {
	p.mu.Lock()
	failure := p.failure
	p.mu.Unlock()
	if failure != nil && strings.Contains(string(r.Body), `"bad"`) {
		return 0, failure
	}
	return p.Log.Append(ctx, r)
}

func TestAnEntryThatCannotBeReadDoesNotHideOtherWebhooks(t *testing.T) {
	list := `[7, {"eventType":"USER_NOTIFICATION","url":"https://a.example","headers":{"a":"b"}}, {"url":"https://b.example"},
		{"eventType":"CUSTOMER_NOTIFICATION","url":"https://c.example"}]`
	a := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, list) })
	c := newClient(t, a)
	all, err := c.Webhooks(t.Context())
	requireFault(t, err, platform.Theirs, 200)
	require.Contains(t, err.Error(), "2 of 4 entries cannot be read")
	require.Equal(t, []platform.Webhook{{EventType: "USER_NOTIFICATION"}, {EventType: "CUSTOMER_NOTIFICATION", URL: "https://c.example"}}, all)
	missing, err := c.WebhooksMissing(t.Context())
	requireFault(t, err, platform.Theirs, 200)
	require.Equal(t, []string{"USER_NOTIFICATION", "CUSTOMER_NOTIFICATION"}, missing)
}
