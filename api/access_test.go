package api_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func key(t testing.TB, text string) access.Key {
	k, err := access.ParseKey(text)
	require.NoError(t, err)
	return k
}

func TestACallerOverItsRateIsToldWhenToTryAgain(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Access.Keys = []access.Key{key(t, "a:reader:one"), key(t, "b:reader:two")}
		o.Access.Limit = access.Limit{PerSecond: 0.001, Burst: 3}
	})
	for range 3 {
		require.Equal(t, http.StatusOK, s.get(t, "/v1/stats", "Authorization: Bearer one").StatusCode)
	}
	for range 2 {
		a := s.get(t, "/v1/stats", "Authorization: Bearer one")
		require.Equal(t, http.StatusTooManyRequests, a.StatusCode)
		code, _ := a.problem(t)
		require.Equal(t, "rate-limited", code)
		seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 1000, seconds, 100, "refused requests do not count")
	}
	require.Equal(t, http.StatusOK, s.get(t, "/v1/stats", "Authorization: Bearer two").StatusCode, "each key has its own")
	for range 3 {
		require.Equal(t, http.StatusUnauthorized, s.get(t, "/v1/stats", "Authorization: Bearer three").StatusCode)
	}
	require.Equal(t, http.StatusTooManyRequests, s.get(t, "/v1/stats", "Authorization: Bearer four").StatusCode,
		"guesses are counted by address")
	for range 5 {
		require.Equal(t, http.StatusOK, s.get(t, "/healthz").StatusCode, "probes are not")
		require.Equal(t, http.StatusOK, s.get(t, "/readyz").StatusCode)
	}
}

func TestRequestsWithoutAKeyAreCountedByAddress(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Access.Limit = access.Limit{PerSecond: 0.5} })
	require.Equal(t, http.StatusOK, s.get(t, "/v1/stats").StatusCode, "a rate below one has a burst of one")
	require.Equal(t, http.StatusTooManyRequests, s.get(t, "/v1/orders").StatusCode)
}

func TestNoRequestIsCountedWithoutALimit(t *testing.T) {
	s := start(t, newWorld(t))
	for range 100 {
		require.Equal(t, http.StatusOK, s.get(t, "/healthz").StatusCode)
	}
	for name, limit := range map[string]access.Limit{"negative": {PerSecond: -1}, "a burst of nothing": {Burst: 3},
		"a negative burst": {PerSecond: 1, Burst: -1}} {
		o := options(s.world)
		o.Access.Limit = limit
		_, err := api.New(o)
		require.ErrorContains(t, err, "rate limit", name)
	}
}

func TestOnlyPagesOfNamedOriginsMayReadTheAPI(t *testing.T) {
	const named = "https://dashboard.example.com"
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Access.Keys = []access.Key{key(t, "a:reader:one"), key(t, "b:operator:two")}
		o.Access.Origins = []string{"http://localhost:3000", named}
	})
	s.key = "one"
	a := s.get(t, "/v1/stats", "Origin: "+named)
	require.Equal(t, named, a.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, a.Header.Values("Vary"), "Origin")
	for _, name := range []string{"Log-Sequence", "ETag", "Request-Id", "Retry-After", "Allow", "Notification-Sequence", "Notification-Received-At",
		"Notification-Source", "Notification-Object", "Notification-Request-Id", "Notification-Traceparent"} {
		require.Contains(t, strings.Split(a.Header.Get("Access-Control-Expose-Headers"), ", "), name)
	}
	require.Empty(t, a.Header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, named, s.get(t, "/v1/orders?x", "Origin: "+named).Header.Get("Access-Control-Allow-Origin"), "problems can be read too")

	s.key = "" // a browser sends a preflight without a key
	a = s.do(t, http.MethodOptions, "/v1/orders", "Origin: "+named, "Access-Control-Request-Method: GET",
		"Access-Control-Request-Headers: authorization")
	require.Equal(t, http.StatusNoContent, a.StatusCode)
	for _, name := range []string{"Authorization", "Cache-Control", "If-None-Match", "Last-Event-ID", "Prefer", "Request-Id"} {
		require.Contains(t, strings.Split(a.Header.Get("Access-Control-Allow-Headers"), ", "), name)
	}
	require.Contains(t, a.Header.Get("Access-Control-Allow-Methods"), "GET")
	require.NotEmpty(t, a.Header.Get("Access-Control-Max-Age"))

	s.key = "one"
	for _, origin := range []string{"https://evil.example.com", named + ".evil.com", "null", "http://dashboard.example.com", ""} {
		a := s.get(t, "/v1/stats", "Origin: "+origin)
		require.Equal(t, http.StatusOK, a.StatusCode)
		require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"), origin)
		require.Contains(t, a.Header.Values("Vary"), "Origin")
	}
	s.key = ""
	a = s.do(t, http.MethodOptions, "/v1/orders", "Origin: https://evil.example.com", "Access-Control-Request-Method: GET")
	require.Equal(t, http.StatusUnauthorized, a.StatusCode)
	require.Empty(t, a.Header.Get("Access-Control-Allow-Methods"))
}

// Each answer is checked against the headers that the page may read, see documented.
func TestAPageOfANamedOriginCanReadEveryHeader(t *testing.T) {
	const named = "https://dashboard.example.com"
	w := newWorld(t)
	w.receiveRaw(api.Record{Object: "customer", Source: "webhook", ContentType: "application/json", RequestID: "r-1",
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Body: []byte(`{"id":"c"}`)})
	w.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	w.apply(t)
	s := start(t, w, func(o *api.Options) { o.Access.Origins, o.Rebuilds = []string{named}, oneRebuild{} })
	walked := 0
	for template, item := range document.paths {
		path := strings.NewReplacer("{object}/{id}", "customer/c", "{sequence}", "1", "{id}", "o-1").Replace(template)
		for method := range item {
			if path == "/v1/stream" {
				method = http.MethodHead
			}
			for _, query := range []string{"", "?unknown=1"} {
				a := s.do(t, strings.ToUpper(method), path+query, "Origin: "+named)
				require.Equal(t, named, a.Header.Get("Access-Control-Allow-Origin"))
				walked++
			}
		}
	}
	require.GreaterOrEqual(t, walked, 2*len(document.paths))
	a := s.get(t, "/v1/notifications/1", "Origin: "+named)
	for name := range a.Header {
		if strings.HasPrefix(name, "Notification-") {
			require.Contains(t, a.Header.Get("Access-Control-Expose-Headers"), name)
		}
	}
	require.NotEmpty(t, a.Header.Get("Notification-Traceparent"))
}

func TestNoOriginIsAllowedUnlessNamed(t *testing.T) {
	s := start(t, newWorld(t))
	a := s.get(t, "/v1/stats", "Origin: https://dashboard.example.com")
	for name := range a.Header {
		require.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
	for _, origin := range []string{"*", "null", "dashboard.example.com", "https://dashboard.example.com/", "https://*.example.com/x",
		"https://a@b.com", "ftp://dashboard.example.com", "https://Dashboard.example.com"} {
		o := options(s.world)
		o.Access.Origins = []string{origin}
		_, err := api.New(o)
		require.ErrorContains(t, err, "is not an origin", origin)
	}
}

func TestAPageOfAnotherSiteCannotChangeAnything(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Access.Origins = []string{"https://named.example.com"} })
	for header, status := range map[string]int{
		"Origin: https://evil.example.com":  http.StatusForbidden,
		"Sec-Fetch-Site: cross-site":        http.StatusForbidden,
		"Origin: https://named.example.com": http.StatusNotImplemented,
		"Accept: */*":                       http.StatusNotImplemented, // not a browser
	} {
		a := s.do(t, http.MethodPost, "/v1/rebuilds", header)
		require.Equal(t, status, a.StatusCode, header)
		a.problem(t)
	}
}

func TestKeysAreReplacedWhileServing(t *testing.T) {
	w := newWorld(t)
	o := options(w)
	old := key(t, "a:reader:old")
	o.Access.Keys = []access.Key{old}
	a, err := api.New(o)
	require.NoError(t, err)
	s := serve(t, w, a)
	status := func(secret string) int {
		return s.get(t, "/v1/stats", "Authorization: Bearer "+secret).StatusCode
	}
	require.Equal(t, []int{200, 401}, []int{status("old"), status("new")})
	require.NoError(t, a.ReplaceKeys([]access.Key{old, key(t, "a:reader:new")}))
	require.Equal(t, []int{200, 200}, []int{status("old"), status("new")}, "both certificates are valid during the rotation")
	require.NoError(t, a.ReplaceKeys([]access.Key{key(t, "a:reader:new")}))
	require.Equal(t, []int{401, 200}, []int{status("old"), status("new")})
	require.ErrorContains(t, a.ReplaceKeys(nil), "cannot be removed")
	require.ErrorContains(t, a.ReplaceKeys([]access.Key{key(t, "b:reader:x"), key(t, "c:reader:x")}), "the same secret")
	require.Equal(t, []int{401, 200}, []int{status("old"), status("new")})

	open, err := api.New(options(w))
	require.NoError(t, err)
	require.Error(t, open.ReplaceKeys([]access.Key{old}))
}

func TestAStreamEndsWhenItsKeyIsRevoked(t *testing.T) {
	w := newWorld(t)
	o := options(w)
	o.Access.Keys, o.Access.Limit = []access.Key{key(t, "a:reader:one"), key(t, "b:reader:two")}, access.Limit{PerSecond: 0.001, Burst: 1}
	a, err := api.New(o)
	require.NoError(t, err)
	s := serve(t, w, a)
	taken, kept := s.listen(t, "", "Authorization: Bearer one"), s.listen(t, "", "Authorization: Bearer two")
	require.Empty(t, taken.snapshot(t))
	require.Empty(t, kept.snapshot(t))
	require.NoError(t, a.ReplaceKeys([]access.Key{key(t, "b:reader:two"), key(t, "a:reader:three")}))
	for err = nil; err == nil; {
		_, err = taken.read()
	}
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	require.Equal(t, "o-1", kept.change(t).Order.OrderID, "received messages do not count: it requested once")
}

func TestTheLogLineOfARequestContainsTheCallerAndTheWait(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Logger, o.Access.Keys = zap.New(core), []access.Key{key(t, "ops:operator:s3cret")}
	})
	s.key = "s3cret"
	s.get(t, "/v1/orders/private-id?minSequence=7", "Prefer: wait=0", "User-Agent: "+strings.Repeat("ä", 300))
	fields := lines.FilterMessage("request").All()[0].ContextMap()
	require.Equal(t, "ops", fields["key"])
	require.Equal(t, "operator", fields["role"])
	require.Equal(t, uint64(7), fields["minSequence"])
	require.Contains(t, fields, "waited")
	require.Equal(t, "view-behind", fields["problem"])
	require.Equal(t, strings.Repeat("ä", 100), fields["userAgent"])
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, fields["remote"])
	require.NotContains(t, fmt.Sprint(fields), "private-id")
	require.NotContains(t, fmt.Sprint(fields), "s3cret")

	s.get(t, "/v1/stats")
	require.NotContains(t, lines.FilterMessage("request").All()[1].ContextMap(), "waited")
}
