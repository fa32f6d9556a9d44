package platformtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// taker is a receiver that stores the notifications that it acknowledges.
type taker struct {
	mu     sync.Mutex
	bodies []Notification
	asked  int
	// refuse may answer the n-th request, and then returns true. If it returns false, the request is
	// accepted.
	refuse func(n int, w http.ResponseWriter, r *http.Request) bool
}

func (k *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	k.asked++
	asked := k.asked
	k.mu.Unlock()
	if k.refuse != nil && k.refuse(asked, w, r) {
		return
	}
	k.mu.Lock()
	k.bodies = append(k.bodies, Notification{r.URL.Path, body})
	sequence := len(k.bodies)
	k.mu.Unlock()
	w.Header().Set("Log-Sequence", strconv.Itoa(sequence))
}

func listen(t testing.TB, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestPlayPostsTheWholeTraffic(t *testing.T) {
	k := &taker{}
	traffic := Traffic{Seed: 1, Start: start, Orders: 300, Repeats: 0.1, Overtaking: 0.3}
	var last Progress
	result, err := Play(t.Context(), Options{Traffic: traffic, URL: listen(t, k), Progress: func(p Progress) {
		require.Equal(t, last.Posted+1, p.Posted)
		last = p
	}})
	require.NoError(t, err)

	want := collect(traffic)
	require.ElementsMatch(t, want, k.bodies)
	require.Equal(t, Progress{len(want), len(want), len(want)}, last)
	totals := result.Totals
	require.Equal(t, 300, totals.Orders)
	require.Equal(t, len(want), totals.Notifications)
	require.Equal(t, len(want), totals.Acknowledged)
	require.Equal(t, len(want), totals.Distinct+totals.Repeats)
	require.NotZero(t, totals.Repeats)
	require.NotZero(t, totals.OtherObjects)
	require.Empty(t, totals.Refused)
	require.Zero(t, totals.Undelivered)
	require.EqualValues(t, len(want), totals.HighestLogSequence)
	require.Empty(t, result.Failures)

	index := 0
	for o := range result.Orders() {
		made := traffic.Order(index)
		require.Equal(t, made.ID, o.OrderID)
		require.Equal(t, made.Expected, o.Expected)
		require.Len(t, o.Facts, len(made.Facts))
		for i, f := range o.Facts {
			require.NotZero(t, f.Posted)
			require.NotZero(t, f.LogSequence)
			require.Equal(t, made.Notifications[i].Body, k.bodies[f.LogSequence-1].Body, "the sequence must be that of this notification")
		}
		index++
	}
	require.Equal(t, 300, index)
}

func TestPlayOnOneConnectionKeepsTheSequenceOfDelivery(t *testing.T) {
	k := &taker{}
	traffic := Traffic{Seed: 2, Start: start, Orders: 100, Repeats: 0.2, Overtaking: 1}
	_, err := Play(t.Context(), Options{Traffic: traffic, URL: listen(t, k), Connections: 1})
	require.NoError(t, err)
	require.Equal(t, collect(traffic), k.bodies)
}

func TestPlayKeepsThePrefixAndSendsTheHeaders(t *testing.T) {
	var wrong atomic.Int32
	k := &taker{refuse: func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/hooks/a/") || strings.Contains(r.URL.Path, "//") || r.Method != http.MethodPost ||
			r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Api-Key") != "a=b" || r.Header.Get("X-Tenant") != "t" {
			wrong.Add(1)
		}
		return false
	}}
	for _, slash := range []string{"", "/"} {
		_, err := Play(t.Context(), Options{Traffic: Traffic{Orders: 20}, URL: listen(t, k) + "/hooks/a" + slash, Auth: "api-key=a=b, x-tenant=t"})
		require.NoError(t, err)
	}
	require.Zero(t, wrong.Load())
}

func TestPlayReusesItsConnections(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(&taker{})
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	_, err := Play(t.Context(), Options{Traffic: Traffic{Orders: 200}, URL: server.URL, Connections: 4})
	require.NoError(t, err)
	require.LessOrEqual(t, opened.Load(), int32(4))
}

func TestPlayRetriesTransientFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(w http.ResponseWriter)
	}{
		{"busy", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}},
		{"too many requests", func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }},
		{"broken", func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }},
		{"the connection is closed", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
		{"the answer is cut short", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(http.StatusOK)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &taker{refuse: func(n int, w http.ResponseWriter, _ *http.Request) bool {
				if n%7 != 0 {
					return false
				}
				c.fail(w)
				return true
			}}
			result, err := Play(t.Context(), Options{Traffic: Traffic{Seed: 3, Orders: 30}, URL: listen(t, k)})
			require.NoError(t, err)
			require.NotZero(t, result.Totals.Retries)
			require.Equal(t, result.Totals.Notifications, result.Totals.Acknowledged)
			require.Equal(t, k.asked, result.Totals.Notifications+result.Totals.Retries)
			require.Empty(t, result.Totals.Refused)
		})
	}
}

func TestPlayReportsRefusedNotifications(t *testing.T) {
	k := &taker{refuse: func(n int, w http.ResponseWriter, r *http.Request) bool {
		switch {
		case n%10 == 0:
			http.Error(w, `{"message":"no"}`, http.StatusBadRequest)
		case n%10 == 1:
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			return false
		}
		return true
	}}
	traffic := Traffic{Seed: 4, Start: start, Orders: 400}
	result, err := Play(t.Context(), Options{Traffic: traffic, URL: listen(t, k)})
	require.NoError(t, err)
	totals := result.Totals
	require.Equal(t, totals.Notifications/10, totals.Refused["400"])
	require.InDelta(t, totals.Notifications/10, totals.Refused["302"], 1)
	require.Equal(t, totals.Notifications, totals.Acknowledged+totals.Refused["400"]+totals.Refused["302"])
	require.Zero(t, totals.Retries)
	require.Len(t, result.Failures, maxFailures)
	require.NotEmpty(t, result.Failures[0].Path)

	refused := 0
	for o := range result.Orders() {
		refused += o.Unacknowledged
		var acknowledged []Fact
		made := traffic.Order(indexOf(t, traffic, o.OrderID))
		for i, f := range o.Facts {
			if f.Posted > 0 {
				acknowledged = append(acknowledged, made.Facts[i])
			}
		}
		require.Equal(t, Truth(acknowledged), o.Expected, "refused notifications are not part of the expected state")
	}
	require.Greater(t, refused, totals.Refused["400"], "orders count their refused postings")
}

func indexOf(t testing.TB, traffic Traffic, id string) int {
	for i := range traffic.Orders {
		if traffic.order(i).id.String() == id {
			return i
		}
	}
	require.Fail(t, "no such order", id)
	return 0
}

func TestPlayRefusesInvalidOptions(t *testing.T) {
	for _, c := range []struct {
		name, says string
		options    Options
	}{
		{"no URL", "the URL of a receiver must be", Options{}},
		{"no scheme", "the URL of a receiver must be", Options{URL: "127.0.0.1:8080"}},
		{"another scheme", "the URL of a receiver must be", Options{URL: "nats://127.0.0.1"}},
		{"headers without a value", "name=value", Options{URL: "http://a", Auth: "secret"}},
		{"headers without a name", "name=value", Options{URL: "http://a", Auth: "a=b,=secret"}},
		{"negative orders", "negative", Options{URL: "http://a", Traffic: Traffic{Orders: -1}}},
		{"a negative rate", "negative", Options{URL: "http://a", Rate: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := Play(t.Context(), c.options)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "secret")
			for range result.Orders() {
				require.Fail(t, "nothing was played")
			}
		})
	}
}

func TestPlayStopsWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	k := &taker{}
	result, err := Play(ctx, Options{Traffic: Traffic{Seed: 5, Start: start, Orders: 1_000}, URL: listen(t, k), Progress: func(p Progress) {
		if p.Posted == 100 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.GreaterOrEqual(t, result.Totals.Acknowledged, 99)
	require.Less(t, result.Totals.Notifications, 200)
	reported := 0
	for o := range result.Orders() {
		reported++
		require.NotEmpty(t, o.Facts)
	}
	require.Less(t, reported, 200, "orders without a posting are left out")
}

func TestPlayDoesNotBeginIfTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result, err := Play(ctx, Options{Traffic: Traffic{Orders: 10}, URL: "http://127.0.0.1:1"})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, result.Totals.Notifications)
}

// memory is a network inside a synctest bubble, where time advances only when all goroutines wait. It
// carries real HTTP.
type memory struct{ accepted chan net.Conn }

func (m memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.accepted <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m memory) Accept() (net.Conn, error) {
	c, open := <-m.accepted
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (m memory) Close() error { close(m.accepted); return nil }

func (m memory) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble plays against h in virtual time. check gets the virtual duration of the play.
func inBubble(t *testing.T, h http.Handler, o Options, check func(*testing.T, Result, error, time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		network := memory{make(chan net.Conn)}
		server := &http.Server{Handler: h}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(network) }) // ends with ErrServerClosed
		o.URL, o.dial = "http://receiver", network.dial
		began := time.Now()
		result, err := Play(t.Context(), o)
		took := time.Since(began)
		server.Close()
		serving.Wait()
		check(t, result, err, took)
	})
}

func TestPlaySpacesPostingsEvenly(t *testing.T) {
	for _, c := range []struct {
		name    string
		rate    float64
		atATime int // postings allowed in the same ten milliseconds
	}{
		{"slowly, one at a time", 20, 1},
		{"faster, still one at a time", 100, 2},
		{"fast, in small bursts", 2_000, 41},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			var times []time.Time
			h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				times = append(times, time.Now())
			})
			inBubble(t, h, Options{Traffic: Traffic{Seed: 6, Orders: 100}, Rate: c.rate}, func(t *testing.T, r Result, err error, took time.Duration) {
				require.NoError(t, err)
				require.InDelta(t, float64(r.Totals.Notifications)/c.rate, took.Seconds(), 0.1)
				for i := c.atATime; i < len(times); i++ {
					require.GreaterOrEqual(t, times[i].Sub(times[i-c.atATime]), 10*time.Millisecond)
				}
			})
		})
	}
}

func TestPlayHonoursRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name       string
		retryAfter func() string
		atLeast    time.Duration
		atMost     time.Duration
	}{
		{"seconds", func() string { return "2" }, 2 * time.Second, 2 * time.Second},
		{"a date", func() string { return time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat) }, 2 * time.Second, 3 * time.Second},
		{"longer than the limit", func() string { return "3600" }, 5 * time.Second, 5 * time.Second},
		{"no header", func() string { return "" }, 25 * time.Millisecond, 50 * time.Millisecond},
		{"an invalid value", func() string { return "soon" }, 25 * time.Millisecond, 50 * time.Millisecond},
		{"a date in the past", func() string { return "Sun, 06 Nov 1994 08:49:37 GMT" }, 25 * time.Millisecond, 50 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &taker{refuse: func(n int, w http.ResponseWriter, _ *http.Request) bool {
				if n == 1 {
					w.Header().Set("Retry-After", c.retryAfter())
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				return n == 1
			}}
			inBubble(t, k, Options{Traffic: Traffic{Orders: 5}, Connections: 1}, func(t *testing.T, r Result, err error, took time.Duration) {
				require.NoError(t, err)
				require.Equal(t, 1, r.Totals.Retries)
				require.GreaterOrEqual(t, took, c.atLeast)
				require.LessOrEqual(t, took, c.atMost)
			})
		})
	}
}

func TestPlayGivesUpOnAReceiverThatIsGone(t *testing.T) {
	for _, c := range []struct {
		name string
		gone http.HandlerFunc
	}{
		{"always busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
		{"always closing", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"never answering", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &taker{refuse: func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n > 10 {
					c.gone(w, r)
				}
				return n > 10
			}}
			o := Options{Traffic: Traffic{Seed: 8, Orders: 50}, Connections: 2, RetryFor: 20 * time.Second}
			inBubble(t, k, o, func(t *testing.T, r Result, err error, took time.Duration) {
				require.ErrorIs(t, err, ErrUndelivered)
				require.LessOrEqual(t, took, o.RetryFor+attemptTimeout)
				require.Equal(t, 10, r.Totals.Acknowledged)
				require.Equal(t, 2, r.Totals.Undelivered)
				require.Equal(t, 12, r.Totals.Notifications)
				require.Len(t, r.Failures, 2)
				unacknowledged := 0
				for o := range r.Orders() {
					unacknowledged += o.Unacknowledged
				}
				require.LessOrEqual(t, unacknowledged, 2)
			})
		})
	}
}

func TestPlayReportsAReceiverThatCannotBeReached(t *testing.T) {
	refused := errors.New("nobody listens")
	synctest.Test(t, func(t *testing.T) {
		_, err := Play(t.Context(), Options{Traffic: Traffic{Orders: 1}, URL: "http://receiver",
			dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
		require.ErrorIs(t, err, ErrUndelivered)
		require.ErrorContains(t, err, "nobody listens")
	})
}

func TestAReportIsTheSameAfterWritingAndReading(t *testing.T) {
	k := &taker{refuse: func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 3 {
			http.Error(w, "no", http.StatusBadRequest)
		}
		return n == 3
	}}
	result, err := Play(t.Context(), Options{Traffic: Traffic{Seed: 9, Start: start, Orders: 150, Repeats: 0.1}, URL: listen(t, k)})
	require.NoError(t, err)
	var written bytes.Buffer
	require.NoError(t, WriteReport(&written, result))
	text := written.String()

	report, err := ReadReport(&written)
	require.NoError(t, err)
	require.Equal(t, result.Summary, report.Summary)
	index := 0
	for o := range result.Orders() {
		require.Equal(t, o, report.Orders[index])
		index++
	}
	require.Len(t, report.Orders, index)

	lines := strings.Split(strings.TrimSuffix(text, "\n]}\n"), "\n")
	require.Len(t, lines, index+1, "one line for each order")
	for _, line := range lines[1:] {
		require.True(t, json.Valid([]byte(strings.TrimSuffix(line, ","))), line)
	}
}

func TestAnEmptyReportIsAValidDocument(t *testing.T) {
	var written bytes.Buffer
	require.NoError(t, WriteReport(&written, Result{}))
	report, err := ReadReport(&written)
	require.NoError(t, err)
	require.Empty(t, report.Orders)
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestFailuresToWriteAndReadAReportAreReturned(t *testing.T) {
	require.ErrorContains(t, WriteReport(fullDisk{}, Result{}), "disk full")
	_, err := ReadReport(strings.NewReader(`{"seed":`))
	require.ErrorContains(t, err, "platformtest: read the report")
}

func BenchmarkPlay(b *testing.B) {
	url := listen(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	result, err := Play(b.Context(), Options{Traffic: Traffic{Orders: b.N/4 + 1, Overtaking: 1}, URL: url})
	require.NoError(b, err)
	b.ReportMetric(float64(result.Totals.Notifications)/b.Elapsed().Seconds(), "notifications/s")
}
