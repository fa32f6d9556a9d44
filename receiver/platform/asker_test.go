package platform_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver/platform"
)

func openLog(t testing.TB) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(t.Context(), eventlog.Options{Dir: t.TempDir(), MayCreate: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	return log
}

// shelf implements Orders for the orders in a log. Tests set the fields that the log does not determine.
type shelf struct {
	log *eventlog.Log

	mu     sync.Mutex
	read   uint64
	orders map[string]*platform.Order
	broken error
}

func newShelf(t testing.TB) *shelf {
	return &shelf{log: openLog(t), orders: map[string]*platform.Order{}}
}

// notify appends a notification of an order. change sets the state that Orders returns.
func (s *shelf) notify(t testing.TB, id string, change func(*platform.Order)) {
	t.Helper()
	s.mu.Lock()
	o := s.orders[id]
	if o == nil {
		o = &platform.Order{ID: id, Object: object, Status: "PLACED", StatusSince: time.Now(), LastReceived: time.Now().Add(time.Hour)}
		s.orders[id] = o
	}
	if change != nil {
		change(o)
	}
	s.mu.Unlock()
	_, err := s.log.Append(t.Context(), eventlog.Record{Object: object, Key: id, RequestID: id, Body: []byte("{}")})
	require.NoError(t, err)
}

// received returns when the notifications and the answers were appended.
func (s *shelf) received(t testing.TB) (notifications, answers []time.Time) {
	t.Helper()
	for r, err := range s.log.Read(t.Context(), eventlog.Position{}) {
		require.NoError(t, err)
		if r.Source == eventlog.Fetched {
			answers = append(answers, r.Received)
		} else {
			notifications = append(notifications, r.Received)
		}
	}
	return notifications, answers
}

// catchUp reads new records. The id of the order is in the request id of a notification, and in the
// body of an answer.
func (s *shelf) catchUp(ctx context.Context) error {
	for r, err := range s.log.Read(ctx, eventlog.Position{Sequence: s.read}) {
		if err != nil {
			return err
		}
		s.read = r.Sequence
		id := r.RequestID
		if r.Source == eventlog.Fetched {
			_, id, _ = strings.Cut(string(r.Body), `"orderId":"`)
			id, _, _ = strings.Cut(id, `"`)
			s.orders[id].Fetched = true
		} else {
			s.orders[id].LastNews = r.Received
		}
		s.orders[id].LastSequence, s.orders[id].LastReceived = r.Sequence, r.Received
	}
	return s.broken
}

func (s *shelf) Quiet(ctx context.Context, q platform.Quiet) (found []platform.Order, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	for _, o := range s.orders {
		if o.LastSequence > q.After && (q.Status == nil || *q.Status == o.Status) && (q.Final == nil || *q.Final == o.Final) {
			found = append(found, *o)
		}
	}
	slices.SortFunc(found, func(a, b platform.Order) int { return int(a.LastSequence) - int(b.LastSequence) })
	return found[:min(len(found), q.Limit)], nil
}

func (s *shelf) Order(ctx context.Context, id string) (platform.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.catchUp(ctx); err != nil {
		return platform.Order{}, err
	}
	return *s.orders[id], nil
}

// visits is a platform that records when it was asked about which order. It refuses a request about an
// order while it answers another one about it.
type visits struct {
	mu      sync.Mutex
	at      map[string][]time.Time
	present map[string]bool
	status  int // of the answers; 0: answer with the order
}

func (v *visits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	v.mu.Lock()
	twice := v.present[id]
	v.present[id] = true
	v.at[id] = append(v.at[id], time.Now())
	status := v.status
	v.mu.Unlock()
	if twice {
		status = http.StatusTeapot
	}
	if status != 0 {
		w.WriteHeader(status)
	} else {
		fmt.Fprintf(w, `{"orderId":"%s"}`, id)
	}
	v.mu.Lock()
	delete(v.present, id)
	v.mu.Unlock()
}

func (v *visits) answer(status int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status = status
}

func (v *visits) of(id string) []time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.at[id])
}

// asking is an asker that runs until the test ends.
type asking struct {
	*platform.Asker
	platform *api
	visits   *visits
	stop     func()
}

// deny makes the platform refuse to issue tokens, or issue them again.
func (a *asking) deny(denied bool) {
	token := http.HandlerFunc(a.platform.giveToken)
	if denied {
		token = says(400, `{"error":"invalid_client"}`)
	}
	a.platform.token.Store(&token)
}

func ask(t testing.TB, s *shelf, change ...func(*platform.AskerOptions)) *asking {
	t.Helper()
	v := &visits{at: map[string][]time.Time{}, present: map[string]bool{}}
	a := serve(t, v.ServeHTTP)
	o := platform.AskerOptions{Client: newClient(t, a, func(o *platform.Options) { o.Attempts = 1 }), Log: s.log, Orders: s,
		Settle: 20 * time.Millisecond, Spacing: 40 * time.Millisecond, QuietAfter: map[string]time.Duration{}}
	for _, f := range change {
		f(&o)
	}
	asker, err := platform.NewAsker(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- asker.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return &asking{asker, a, v, stop}
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, 2*time.Millisecond, what)
}

func TestANewOrderIsAskedAboutOnceAndTheAnswerIsAppended(t *testing.T) {
	s := newShelf(t)
	s.notify(t, "a", nil)
	a := ask(t, s)
	eventually(t, "it is answered", func() bool { return a.Status().Asked == 1 })
	r, err := s.log.Get(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, eventlog.Fetched, r.Source)
	require.Equal(t, object, r.Object)
	require.Equal(t, `{"orderId":"a"}`, string(r.Body))
	s.notify(t, "b", nil)
	eventually(t, "the next order is answered, too", func() bool { return a.Status().Asked == 2 })
	require.Len(t, a.visits.of("a"), 1)
	require.Zero(t, a.Status().Pending)
	_, ok := a.Asked("a", 2)
	require.False(t, ok)
}

func TestOnlyOrdersThatAreDueAreAskedAbout(t *testing.T) {
	fetched := func(o *platform.Order) { o.Fetched = true }
	for name, c := range map[string]struct {
		change func(*platform.Order)
		reason platform.Reason
	}{
		"nothing was fetched yet":                  {nil, platform.IsNew},
		"its facts contradict each other":          {func(o *platform.Order) { fetched(o); o.Breaks = []string{"clock_skew", "overfill"} }, platform.IsBroken},
		"its breaks are only about clocks and ids": {func(o *platform.Order) { fetched(o); o.Breaks = []string{"clock_skew", "source_conflict"} }, ""},
		"quiet in a status that should change":     {func(o *platform.Order) { fetched(o); o.Status = "FILLED" }, platform.WasQuiet},
		"quiet in a status that may last":          {fetched, ""},
		"quiet in a final status":                  {func(o *platform.Order) { fetched(o); o.Status, o.Final = "SETTLED", true }, platform.WasQuiet},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			s.notify(t, "a", c.change)
			a := ask(t, s, func(o *platform.AskerOptions) {
				o.QuietAfter = map[string]time.Duration{"FILLED": 100 * time.Millisecond, "SETTLED": 100 * time.Millisecond, "PLACED": 0}
				o.Spacing = time.Hour
			})
			if c.reason == "" {
				s.notify(t, "b", nil) // b comes after a, so a is examined before b is asked about
				eventually(t, "b is asked about", func() bool { return len(a.visits.of("b")) == 1 })
				require.Empty(t, a.visits.of("a"))
				return
			}
			eventually(t, "a is asked about", func() bool { return len(a.visits.of("a")) == 1 && a.Status().Asked == 1 })
		})
	}
}

func TestRequestsAboutAnOrderKeepTheSettleAndSpacingTimes(t *testing.T) {
	s := newShelf(t)
	const settle, spacing = 150 * time.Millisecond, 300 * time.Millisecond
	a := ask(t, s, func(o *platform.AskerOptions) { o.Settle, o.Spacing = settle, spacing })
	broken := func(o *platform.Order) { o.Fetched, o.Breaks = true, []string{"overfill"} }
	for range 10 {
		s.notify(t, "a", broken)
	}
	eventually(t, "it is answered", func() bool { return a.Status().Asked > 0 })
	s.notify(t, "a", broken)
	eventually(t, "it is answered again", func() bool { return a.Status().Asked > 1 })
	visits := a.visits.of("a")
	require.GreaterOrEqual(t, visits[1].Sub(visits[0]), spacing)
	// On a busy machine two notifications may be further apart than settle; then the order may be asked
	// about in between.
	said, _ := s.received(t)
	for _, visit := range visits {
		require.True(t, leftAlone(said, visit, settle), "notifications at %v, asked about at %v", said, visit)
	}
}

// leftAlone reports whether there was a time before visit at which no notification had arrived for the
// duration settle. Further notifications may have arrived between that time and visit.
func leftAlone(received []time.Time, visit time.Time, settle time.Duration) bool {
	for i, at := range received {
		if (i+1 == len(received) || received[i+1].Sub(at) >= settle) && visit.Sub(at) >= settle {
			return true
		}
	}
	return false
}

func TestAQuietOrderIsAskedAboutLessAndLessOften(t *testing.T) {
	s := newShelf(t)
	s.notify(t, "a", func(o *platform.Order) { o.Fetched = true })
	a := ask(t, s, func(o *platform.AskerOptions) {
		o.QuietAfter = map[string]time.Duration{"PLACED": 40 * time.Millisecond}
	})
	eventually(t, "it is asked about seven times", func() bool { return len(a.visits.of("a")) >= 7 })
	visits := a.visits.of("a")
	said, answered := s.received(t)
	for i, visit := range visits[1:] {
		require.GreaterOrEqual(t, visit.Sub(answered[i]), answered[i].Sub(said[0])/2, "the pause is at least half of the silence so far")
	}
}

func TestAnOrderThatThePlatformDoesNotHaveIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*platform.Order)
		status int
		asked  int
	}{
		"after the allowed attempts":                       {nil, 404, 3},
		"after the platform refused only this order":       {nil, 422, 3},
		"at once when it has been INVALID for 48 hours":    {func(o *platform.Order) { o.Status, o.StatusSince = "INVALID", time.Now().Add(-49*time.Hour) }, 404, 1},
		"at once after the answer 400":                     {func(o *platform.Order) { o.Status, o.StatusSince = "INVALID", time.Now().Add(-49*time.Hour) }, 400, 1},
		"after the attempts while INVALID orders are kept": {func(o *platform.Order) { o.Status, o.StatusSince = "INVALID", time.Now().Add(-47*time.Hour) }, 404, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			file := filepath.Join(t.TempDir(), "given-up.json")
			with := func(o *platform.AskerOptions) { o.File, o.Attempts, o.Spacing = file, 3, 10*time.Millisecond }
			a := ask(t, s, with)
			a.visits.answer(c.status)
			s.notify(t, "a", c.change)
			eventually(t, "it is given up", func() bool { return a.Status().GivenUp == 1 })
			require.Len(t, a.visits.of("a"), c.asked)
			asked, ok := a.Asked("a", 1)
			require.True(t, ok)
			require.Equal(t, platform.GivenUp, asked.State)
			require.Equal(t, c.asked, asked.Attempts)
			require.Contains(t, asked.Error, fmt.Sprint(c.status))
			a.stop()

			a = ask(t, s, with)
			s.notify(t, "b", nil)
			eventually(t, "another order is answered after a restart", func() bool { return a.Status().Asked == 1 })
			require.Empty(t, a.visits.of("a"))
			s.notify(t, "a", nil)
			eventually(t, "a notification reopens it", func() bool { return a.Status().Asked == 2 })
			require.Zero(t, a.Status().GivenUp)
		})
	}
}

// The file may be newer than the log if it is in another folder, or if only the log was restored.
func TestAnOrderGivenUpBeforeTheLogWasRestoredIsReopenedByItsNextNotification(t *testing.T) {
	s := newShelf(t)
	file := filepath.Join(t.TempDir(), "given-up.json")
	with := func(o *platform.AskerOptions) { o.File, o.Attempts, o.Spacing = file, 1, 10*time.Millisecond }
	a := ask(t, s, with)
	a.visits.answer(404)
	s.notify(t, "a", nil)
	eventually(t, "it is given up", func() bool { return a.Status().GivenUp == 1 })
	a.stop()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), `"sequence":1,`)
	require.NoError(t, os.WriteFile(file, bytes.Replace(text, []byte(`"sequence":1,`), []byte(`"sequence":3140,`), 1), 0o600))

	a = ask(t, s, with)
	require.Equal(t, 1, a.Status().GivenUp)
	s.notify(t, "a", nil)
	eventually(t, "a notification reopens it", func() bool { return a.Status().Asked == 1 })
	require.Zero(t, a.Status().GivenUp)
}

func TestAnOutageLimitsRequestsAndOnlyDelaysOrders(t *testing.T) {
	s := newShelf(t)
	a := ask(t, s, func(o *platform.AskerOptions) { o.Spacing = 10 * time.Millisecond })
	a.visits.answer(503)
	const orders = 60
	for i := range orders {
		s.notify(t, fmt.Sprint(i), nil)
	}
	eventually(t, "the failure is reported", func() bool { return strings.Contains(a.Status().LastError, "503") && a.Status().Pending == orders })
	visits := func() (n int) {
		for i := range orders {
			n += len(a.visits.of(fmt.Sprint(i)))
		}
		return n
	}
	require.Less(t, visits(), orders, "not every order is tried during an outage")
	a.visits.answer(0)
	eventually(t, "all are answered", func() bool { return a.Status().Asked == orders })
	require.Zero(t, a.Status().GivenUp)
}

func TestNoOrderIsGivenUpBecauseOfWrongCredentials(t *testing.T) {
	s := newShelf(t)
	a := ask(t, s, func(o *platform.AskerOptions) { o.Spacing, o.Attempts = time.Millisecond, 1 })
	a.deny(true)
	s.notify(t, "a", nil)
	eventually(t, "the failure is reported", func() bool { return strings.Contains(a.Status().LastError, "refuses a token") })
	a.deny(false)
	eventually(t, "it is answered", func() bool { return a.Status().Asked == 1 })
	a.visits.answer(403)
	s.notify(t, "b", nil)
	eventually(t, "the failure is reported", func() bool { return strings.Contains(a.Status().LastError, "403") })
	require.Zero(t, a.Status().GivenUp)
	require.Equal(t, 1, a.Status().Pending)
}

func TestViewsThatCannotBeReadAreReportedAndTriedAgain(t *testing.T) {
	s := newShelf(t)
	s.broken = errors.New("no views yet")
	a := ask(t, s)
	eventually(t, "the failure is reported", func() bool { return strings.Contains(a.Status().LastError, "no views yet") })
	s.mu.Lock()
	s.broken = nil
	s.mu.Unlock()
	s.notify(t, "a", nil)
	eventually(t, "an order is answered", func() bool { return a.Status().Asked == 1 })
}

func TestAnOrderIsNotAskedAboutAgainBeforeTheViewsHaveItsAnswer(t *testing.T) {
	s := newShelf(t)
	behind := &laggard{shelf: s}
	s.notify(t, "a", nil)
	a := ask(t, s, func(o *platform.AskerOptions) {
		o.Orders, o.Spacing = behind, time.Millisecond
		o.QuietAfter = map[string]time.Duration{"PLACED": 20 * time.Millisecond}
	})
	eventually(t, "it is answered", func() bool { return a.Status().Asked == 1 })
	looked := behind.looks()
	eventually(t, "the order is examined many times", func() bool { return behind.looks() > looked+20 })
	require.Len(t, a.visits.of("a"), 1)
}

// laggard always returns the first state of every order, as views do that are behind the log.
type laggard struct {
	shelf *shelf

	mu    sync.Mutex
	first map[string]platform.Order
	count int
}

func (l *laggard) looks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

func (l *laggard) Quiet(ctx context.Context, q platform.Quiet) ([]platform.Order, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if l.first == nil {
		all, err := l.shelf.Quiet(ctx, platform.Quiet{Limit: 100})
		if err != nil {
			return nil, err
		}
		l.first = map[string]platform.Order{}
		for _, o := range all {
			l.first[o.ID] = o
		}
	}
	var found []platform.Order
	for _, o := range l.first {
		if o.LastSequence > q.After && (q.Final == nil || !*q.Final) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (l *laggard) Order(_ context.Context, id string) (platform.Order, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first[id], nil
}
