package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

type (
	history interface{ api.History }
	objects interface{ api.Objects }
)

// blind returns an API that panics if it reads from the views or the log.
func blind(t *testing.T, change func(*api.Options)) *server {
	o := api.Options{Views: struct{ api.Views }{}, Objects: struct{ objects }{}, Position: struct{ api.Position }{}, Log: struct{ api.Log }{},
		History: struct{ history }{}, Feed: struct{ api.Feed }{}, Rebuilds: struct{ api.Rebuilds }{}, Redrives: struct{ api.Redrives }{}}
	change(&o)
	a, err := api.New(o)
	require.NoError(t, err)
	s := httptest.NewServer(a) // not Serve, which also measures the throughput
	t.Cleanup(s.Close)
	return &server{world: &world{}, base: s.URL}
}

func TestAnUnauthorizedCallerCausesNoReadAndLearnsNothing(t *testing.T) {
	const named = "https://dashboard.example.com"
	keys := func(o *api.Options) {
		o.Access.Keys, o.Access.Origins = []access.Key{key(t, "a:reader:one"), key(t, "b:operator:two")}, []string{named}
	}
	rated := func(o *api.Options) { keys(o); o.Access.Limit = access.Limit{PerSecond: 1e-9, Burst: 1} }
	open := func(o *api.Options) { o.Access.Origins = []string{named} }
	for _, c := range []struct {
		name, method, path string
		headers            []string
		api                func(*api.Options)
		status             int
	}{
		{"an order without a key", "GET", "/v1/orders/o-1", nil, keys, 401},
		{"an order with a wrong key", "GET", "/v1/orders/o-1", []string{"Authorization: Bearer three"}, keys, 401},
		{"HEAD without a key", "HEAD", "/v1/orders/o-1", nil, keys, 401},
		{"a list that waits", "GET", "/v1/orders?minSequence=7", []string{"Prefer: wait=30"}, keys, 401},
		{"a stream", "GET", "/v1/stream", nil, keys, 401},
		{"a stream that resumes", "GET", "/v1/stream", []string{"Last-Event-ID: 1"}, keys, 401},
		{"the metrics", "GET", "/metrics", nil, keys, 401},
		{"the document", "GET", "/openapi.json", nil, keys, 401},
		{"an unknown path", "GET", "/v1/none", nil, keys, 401},
		{"an id that cannot be decoded", "GET", "/v1/orders/%2F/x", nil, keys, 401},
		{"an unknown method", "MADEUP", "/v1/orders", nil, keys, 401},
		{"the methods of a path", "OPTIONS", "/v1/orders", nil, keys, 401},
		{"a rebuild", "POST", "/v1/rebuilds", nil, keys, 401},
		{"a rebuild with a reader's key", "POST", "/v1/rebuilds", []string{"Authorization: Bearer one"}, keys, 403},
		{"cancelling a rebuild with a reader's key", "DELETE", "/v1/rebuilds/current", []string{"Authorization: Bearer one"}, keys, 403},
		{"a redrive by the page of another site", "POST", "/v1/redrives", []string{"Sec-Fetch-Site: cross-site"}, open, 403},
		{"a preflight", "OPTIONS", "/v1/orders", []string{"Origin: " + named, "Access-Control-Request-Method: GET"}, keys, 204},
		{"too many requests without a key", "GET", "/v1/orders", nil, rated, 429},
		{"too many requests with a key", "GET", "/v1/orders", []string{"Authorization: Bearer one"}, rated, 429},
		{"a name that resolves to this machine", "GET", "/v1/orders", []string{"Host: rebound.example.com"}, open, 421},
		{"the metrics under such a name", "GET", "/metrics", []string{"Host: rebound.example.com"}, open, 421},
		{"healthz without a key", "GET", "/healthz", nil, keys, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := blind(t, c.api)
			if c.status == http.StatusTooManyRequests {
				s.do(t, "POST", "/v1/rebuilds", c.headers...) // is refused and counted
			}
			a := s.do(t, c.method, c.path, c.headers...)
			require.Equal(t, c.status, a.StatusCode, string(a.body))
			require.Empty(t, a.Header.Get("Log-Sequence"))
		})
	}
}

func TestTheBodyOfAnUnauthorizedCallerIsNotRead(t *testing.T) {
	s := blind(t, func(o *api.Options) { o.Access.Keys = []access.Key{key(t, "a:reader:one")} })
	body, more := io.Pipe() // never ends
	defer more.Close()
	request, err := http.NewRequest(http.MethodPost, s.base+"/v1/rebuilds", body)
	require.NoError(t, err)
	request.Header.Set("Expect", "100-continue")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
}

func TestReadinessGivesAnUnauthorizedCallerNoReason(t *testing.T) {
	const full = `{"ready":false,"reason":"the views cannot be read: unexpected EOF"}`
	const brief = `{"ready":false}`
	withKeys := func(o *api.Options) { o.Access.Keys = []access.Key{key(t, "a:reader:one")} }
	for _, c := range []struct {
		name   string
		change func(*api.Options)
		header string
		body   string
	}{
		{"with a key", withKeys, "Authorization: Bearer one", full},
		{"without a key", withKeys, "Accept: */*", brief},
		{"with a wrong key", withKeys, "Authorization: Bearer two", brief},
		{"with the right key in another scheme", withKeys, "Authorization: Basic one", brief},
		{"if no keys are configured", func(*api.Options) {}, "Accept: */*", full},
		{"if no keys are configured, under another name", func(*api.Options) {}, "Host: rebound.example.com", brief},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, newWorld(t), c.change)
			s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
			s.apply(t)
			known := c.body == full
			a := s.get(t, "/readyz", c.header)
			require.JSONEq(t, `{"ready":true}`, string(a.body))
			require.Equal(t, known, a.Header.Get("Log-Sequence") != "")
			require.JSONEq(t, `{"alive":true}`, string(s.get(t, "/healthz", c.header).body))

			s = start(t, newWorld(t), c.change)
			s.fail(nil, io.ErrUnexpectedEOF)
			a = s.get(t, "/readyz", c.header)
			require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
			require.JSONEq(t, c.body, string(a.body))
			require.Empty(t, s.do(t, http.MethodHead, "/readyz", c.header).body)
		})
	}
}

// A probe is not counted, but one with a key is, because its answer could be used to guess keys.
func TestKeysCannotBeGuessedThroughReadiness(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Access.Keys, o.Access.Limit = []access.Key{key(t, "a:reader:one")}, access.Limit{PerSecond: 1e-9, Burst: 2}
	})
	for range 5 {
		require.Equal(t, http.StatusOK, s.get(t, "/readyz").StatusCode)
	}
	known := func(secret string) bool {
		a := s.get(t, "/readyz", "Authorization: Bearer "+secret)
		require.Equal(t, http.StatusOK, a.StatusCode)
		return a.Header.Get("Log-Sequence") != ""
	}
	require.Equal(t, []bool{false, false}, []bool{known("two"), known("three")})
	require.Equal(t, http.StatusTooManyRequests, s.get(t, "/v1/stats", "Authorization: Bearer four").StatusCode)
	require.Equal(t, []bool{true, true, false}, []bool{known("one"), known("one"), known("one")})
}

func TestUnauthorizedCallersCannotFillTheDiskWithLogLines(t *testing.T) {
	core, lines := observer.New(zap.DebugLevel)
	s := start(t, newWorld(t), func(o *api.Options) { o.Access.Keys, o.Logger = []access.Key{key(t, "a:reader:one")}, zap.New(core) })
	for range 100 {
		s.get(t, "/v1/orders")
	}
	refused := lines.FilterMessage("request").Len()
	require.Less(t, refused, 100, "not every one")
	require.Positive(t, refused)
	s.key = "one"
	for range 100 {
		s.get(t, "/v1/orders")
	}
	require.Equal(t, 100, lines.FilterMessage("request").FilterFieldKey("route").Len()-refused, "every request of an authorized caller")
	require.Contains(t, string(s.get(t, "/metrics").body), `orderfold_api_requests_total{code="401",route="/v1/orders"} 100`, "all are counted")
}
