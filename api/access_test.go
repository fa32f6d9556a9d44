package api_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func key(t testing.TB, text string) api.Key {
	k, err := api.ParseKey(text)
	require.NoError(t, err)
	return k
}

func TestWhoAsksTooOftenIsToldWhenToComeAgain(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Keys = []api.Key{key(t, "a:reader:one"), key(t, "b:reader:two")}
		o.Limit = api.Limit{PerSecond: 0.001, Burst: 3}
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
		require.InDelta(t, 1000, seconds, 100, "who is refused does not pay for it")
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

func TestWithoutKeysTheAddressIsCounted(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Limit = api.Limit{PerSecond: 0.5} })
	require.Equal(t, http.StatusOK, s.get(t, "/v1/stats").StatusCode, "a rate below one has a burst of one")
	require.Equal(t, http.StatusTooManyRequests, s.get(t, "/v1/orders").StatusCode)
}

func TestWithoutALimitNobodyIsCounted(t *testing.T) {
	s := start(t, newWorld(t))
	for range 100 {
		require.Equal(t, http.StatusOK, s.get(t, "/healthz").StatusCode)
	}
	for name, limit := range map[string]api.Limit{"negative": {PerSecond: -1}, "a burst of nothing": {Burst: 3},
		"a negative burst": {PerSecond: 1, Burst: -1}} {
		o := options(s.world)
		o.Limit = limit
		_, err := api.New(o)
		require.ErrorContains(t, err, "rate limit", name)
	}
}

func TestABrowserLetsInThePagesOfNamedOriginsOnly(t *testing.T) {
	const named = "https://dashboard.example.com"
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Keys = []api.Key{key(t, "a:reader:one"), key(t, "b:operator:two")}
		o.Origins = []string{"http://localhost:3000", named}
	})
	s.key = "one"
	a := s.get(t, "/v1/stats", "Origin: "+named)
	require.Equal(t, named, a.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, a.Header.Values("Vary"), "Origin")
	for _, name := range []string{"Log-Sequence", "ETag", "Request-Id", "Retry-After"} {
		require.Contains(t, a.Header.Get("Access-Control-Expose-Headers"), name)
	}
	require.Empty(t, a.Header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, named, s.get(t, "/v1/orders?x", "Origin: "+named).Header.Get("Access-Control-Allow-Origin"), "problems can be read too")

	s.key = "" // a browser asks without
	a = s.do(t, http.MethodOptions, "/v1/orders", "Origin: "+named, "Access-Control-Request-Method: GET",
		"Access-Control-Request-Headers: authorization")
	require.Equal(t, http.StatusNoContent, a.StatusCode)
	require.Contains(t, a.Header.Get("Access-Control-Allow-Headers"), "Authorization")
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

func TestNoPageIsLetInUnlessNamed(t *testing.T) {
	s := start(t, newWorld(t))
	a := s.get(t, "/v1/stats", "Origin: https://dashboard.example.com")
	for name := range a.Header {
		require.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
	for _, origin := range []string{"*", "null", "dashboard.example.com", "https://dashboard.example.com/", "https://*.example.com/x",
		"https://a@b.com", "ftp://dashboard.example.com", "https://Dashboard.example.com"} {
		o := options(s.world)
		o.Origins = []string{origin}
		_, err := api.New(o)
		require.ErrorContains(t, err, "is not an origin", origin)
	}
}

func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	s := start(t, newWorld(t), func(o *api.Options) { o.Origins = []string{"https://named.example.com"} })
	for header, status := range map[string]int{
		"Origin: https://evil.example.com":  http.StatusForbidden,
		"Sec-Fetch-Site: cross-site":        http.StatusForbidden,
		"Origin: https://named.example.com": http.StatusNotImplemented,
		"Accept: */*":                       http.StatusNotImplemented, // no browser
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
	o.Keys = []api.Key{old}
	a, err := api.New(o)
	require.NoError(t, err)
	s := serve(t, w, a)
	status := func(secret string) int {
		return s.get(t, "/v1/stats", "Authorization: Bearer "+secret).StatusCode
	}
	require.Equal(t, []int{200, 401}, []int{status("old"), status("new")})
	require.NoError(t, a.ReplaceKeys([]api.Key{old, key(t, "a:reader:new")}))
	require.Equal(t, []int{200, 200}, []int{status("old"), status("new")}, "while it is rotated both are good")
	require.NoError(t, a.ReplaceKeys([]api.Key{key(t, "a:reader:new")}))
	require.Equal(t, []int{401, 200}, []int{status("old"), status("new")})
	require.ErrorContains(t, a.ReplaceKeys(nil), "cannot be taken away")
	require.ErrorContains(t, a.ReplaceKeys([]api.Key{key(t, "b:reader:x"), key(t, "c:reader:x")}), "the same secret")
	require.Equal(t, []int{401, 200}, []int{status("old"), status("new")})

	open, err := api.New(options(w))
	require.NoError(t, err)
	require.Error(t, open.ReplaceKeys([]api.Key{old}))
}

func TestAStreamEndsWhenItsKeyIsTakenAway(t *testing.T) {
	w := newWorld(t)
	o := options(w)
	o.Keys, o.Limit = []api.Key{key(t, "a:reader:one"), key(t, "b:reader:two")}, api.Limit{PerSecond: 0.001, Burst: 1}
	a, err := api.New(o)
	require.NoError(t, err)
	s := serve(t, w, a)
	taken, kept := s.listen(t, "", "Authorization: Bearer one"), s.listen(t, "", "Authorization: Bearer two")
	require.Empty(t, taken.snapshot(t))
	require.Empty(t, kept.snapshot(t))
	require.NoError(t, a.ReplaceKeys([]api.Key{key(t, "b:reader:two"), key(t, "a:reader:three")}))
	for err = nil; err == nil; {
		_, err = taken.read()
	}
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	require.Equal(t, "o-1", kept.change(t).Order.OrderID, "what it is sent does not count: it asked once")
}

func TestAKeyFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	core, lines := observer.New(zap.DebugLevel)
	registry := prometheus.NewRegistry()
	write("# ours\n\n  a:reader:one#two \r\nb:operator:s:t\n")
	file, keys, err := api.OpenKeyFile(path, []api.Key{key(t, "fixed:reader:f")}, zap.New(core), registry)
	require.NoError(t, err)
	require.Equal(t, []api.Key{key(t, "fixed:reader:f"), key(t, "a:reader:one#two"), key(t, "b:operator:s:t")}, keys)

	var replaced [][]api.Key
	replace := func(keys []api.Key) error {
		replaced = append(replaced, keys)
		return nil
	}
	refresh := func() (calls int, valid float64) {
		replaced = nil
		for range 3 {
			file.Refresh(replace)
		}
		families, err := registry.Gather()
		require.NoError(t, err)
		require.Equal(t, "orderfold_api_key_file_valid", families[0].GetName())
		return len(replaced), families[0].GetMetric()[0].GetGauge().GetValue()
	}
	wants := func(wantCalls int, wantValid float64, what string) {
		t.Helper()
		calls, valid := refresh()
		require.Equal(t, wantCalls, calls, what)
		require.Equal(t, wantValid, valid, what)
	}
	wants(0, 1, "nothing has changed")

	write("a:reader:half-a-secr")
	file.Refresh(replace)
	require.Empty(t, replaced, "it may still be being written")
	write("c:reader:secret-three\n")
	wants(1, 1, "a change is taken over once")
	require.Equal(t, []api.Key{key(t, "fixed:reader:f"), key(t, "c:reader:secret-three")}, replaced[0])

	for _, broken := range []string{"c:reader:secret-three\nc:boss:secret-four\n", "secret-five", "a:reader:x\nb:reader:x\n", "a:reader:f",
		strings.Repeat("#", 1<<20+1)} {
		write(broken)
		wants(0, 0, "a fault keeps the keys: "+broken[:8])
	}
	require.NoError(t, os.Remove(path))
	wants(0, 0, "so does a file that is gone")
	write("c:reader:secret-three\n")
	wants(0, 1, "it is again what is in force")
	require.NoError(t, os.Chmod(path, 0o604))
	write("d:reader:secret-six\n")
	wants(1, 1, "repaired")

	require.Len(t, lines.FilterLevelExact(zap.ErrorLevel).All(), 6, "each fault is told once")
	require.Len(t, lines.FilterMessageSnippet("every user of this machine").All(), 1)
	for _, line := range lines.All() {
		require.NotContains(t, fmt.Sprint(line.Message, line.ContextMap()), "secret-")
	}
	require.Contains(t, fmt.Sprint(lines.FilterLevelExact(zap.ErrorLevel).All()[0].ContextMap()), "line 2")
}

func TestAKeyFileThatCannotBeReadIsNoBeginning(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"line 1": "a:reader", "no key in it": "# none\n", "the same secret": "a:reader:x\nb:reader:x"} {
		path := filepath.Join(dir, "keys")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, _, err := api.OpenKeyFile(path, nil, zap.NewNop(), prometheus.NewRegistry())
		require.ErrorContains(t, err, name)
	}
	_, _, err := api.OpenKeyFile(filepath.Join(dir, "none"), nil, zap.NewNop(), prometheus.NewRegistry())
	require.ErrorContains(t, err, "no such file")
	_, _, err = api.OpenKeyFile(dir, nil, zap.NewNop(), prometheus.NewRegistry())
	require.Error(t, err)
}

func TestTheLineOfARequestTellsWhoAskedAndHowLongItWaited(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	s := start(t, newWorld(t), func(o *api.Options) {
		o.Logger, o.Keys = zap.New(core), []api.Key{key(t, "ops:operator:s3cret")}
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

func TestCallersAreRememberedInBoundedMemory(t *testing.T) {
	remembered, wait := api.Remembered(5 * api.MaxCallers)
	require.LessOrEqual(t, remembered, 2*api.MaxCallers)
	require.Positive(t, wait("often"), "who asks all the time is not forgotten")
	require.Zero(t, wait("10.0.0.0"), "who has not asked for long is")
	require.Equal(t, "192.0.2.1", api.CallerOf(api.Key{}, "[::ffff:192.0.2.1]:80"))
	require.Equal(t, "2001:db8:1:2::/64", api.CallerOf(api.Key{}, "[2001:db8:1:2:3::9]:80"))
	require.Equal(t, "key a", api.CallerOf(key(t, "a:reader:x"), "192.0.2.1:80"))
	require.Equal(t, "@", api.CallerOf(api.Key{}, "@"))
}
