package api

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/api/dashboard"
	"github.com/stretchr/testify/require"
)

// pages serves an API with one key and without views, because pages need no views.
func pages(t *testing.T) *httptest.Server {
	t.Helper()
	key, err := access.ParseKey("clerk:reader:secret")
	require.NoError(t, err)
	a, err := build(Options{Access: access.Options{Keys: []access.Key{key}}})
	require.NoError(t, err)
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return s
}

func fetch(t *testing.T, url, accept string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

var link = regexp.MustCompile(`(?:href|src)="([^"]+)"`)

// imported matches the files that a script imports.
var imported = regexp.MustCompile(`from"\./([^"]+)"`)

func TestEveryScreenIsAPageThatIsServedWithoutAKey(t *testing.T) {
	s := pages(t)
	for _, screen := range []string{"/", "/orders", "/orders/6f1c1b1e", "/orders/a%2Fb", "/breaks", "/settlement", "/operations"} {
		response, body := fetch(t, s.URL+screen, "text/html,application/xhtml+xml,*/*;q=0.8")
		require.Equal(t, http.StatusOK, response.StatusCode, screen)
		require.Equal(t, dashboard.Policy, response.Header.Get("Content-Security-Policy"))
		require.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
		require.Empty(t, response.Header.Get("Log-Sequence"), "unauthorized callers learn nothing about the log")
		links := link.FindAllStringSubmatch(body, -1)
		require.NotEmpty(t, links)
		for _, l := range links {
			at, err := response.Request.URL.Parse(l[1])
			require.NoError(t, err)
			file, content := fetch(t, at.String(), "*/*")
			require.Equal(t, http.StatusOK, file.StatusCode, "%s of %s", l[1], screen)
			require.NotEmpty(t, content)
			require.Contains(t, file.Header.Get("Cache-Control"), "immutable")
			for _, needed := range imported.FindAllStringSubmatch(content, -1) {
				require.Contains(t, body, needed[1], "%s needs it before it can run, so the page names it", l[1])
			}
		}
	}
}

func TestAPageWorksBehindAProxyThatRemovesAPrefix(t *testing.T) {
	s := pages(t)
	proxy := httptest.NewServer(http.StripPrefix("/trading", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequestWithContext(r.Context(), r.Method, s.URL+r.URL.EscapedPath(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		request.Header = r.Header
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		maps.Copy(w.Header(), response.Header)
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	})))
	t.Cleanup(proxy.Close)
	response, body := fetch(t, proxy.URL+"/trading/orders/6f1c1b1e", "text/html")
	for _, l := range link.FindAllStringSubmatch(body, -1) {
		at, err := response.Request.URL.Parse(l[1])
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(at.Path, "/trading/assets/"), at.Path)
		file, _ := fetch(t, at.String(), "*/*")
		require.Equal(t, http.StatusOK, file.StatusCode)
	}
}

func TestARequestForJSONGetsNoPageOfTheDashboard(t *testing.T) {
	s := pages(t)
	for _, path := range []string{"/", "/orders/6f1c1b1e", "/breaks"} {
		response, body := fetch(t, s.URL+path, "application/json")
		require.Equal(t, http.StatusUnauthorized, response.StatusCode, path)
		require.Contains(t, body, codeUnauthorized)
	}
}

func TestAPathThatIsNeitherAScreenNorAFileIsAProblem(t *testing.T) {
	s := pages(t)
	for path, status := range map[string]int{"/v1": http.StatusUnauthorized, "/v1/nothing": http.StatusUnauthorized,
		"/nothing": http.StatusUnauthorized, "/assets/0/app.js": http.StatusNotFound, "/orders/a/b": http.StatusNotFound} {
		response, body := fetch(t, s.URL+path, "text/html")
		require.Equal(t, status, response.StatusCode, path)
		require.Equal(t, problemType, response.Header.Get("Content-Type"), path)
		require.Contains(t, body, `"code"`)
	}
}
