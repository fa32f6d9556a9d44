package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// plainly sends a request without the comparison with the document, whose paths have no prefix.
func (s *server) plainly(t testing.TB, path string, headers ...string) answer {
	return s.doVia(t, document.next, http.MethodGet, path, headers...)
}

func TestPathsAndLinksHaveThePrefix(t *testing.T) {
	w := newWorld(t)
	w.receive(order("a/b", statemachine.Placed, 1, ""), `{}`)
	w.receiveRaw(api.Record{Object: "customer", Source: "webhook", Body: []byte(`{"id":"c"}`)})
	w.receiveRaw(api.Record{Object: "customer", Source: "webhook", Body: []byte(`not json`)})
	w.apply(t)
	s := start(t, w, func(o *api.Options) { o.Prefix = "/desk/orders-api" })
	for path, status := range map[string]int{
		"/desk/orders-api/v1/orders": 200, "/desk/orders-api/v1/orders/a%2Fb": 200, "/desk/orders-api/v1/orders/a/b": 404, "/desk/orders-api/healthz": 200, "/healthz": 200,
		"/readyz": 200, "/metrics": 200, "/desk/orders-api/metrics": 200, "/v1/orders": 404, "/desk/v1/orders": 404,
		"/desk/orders-apiv1/orders": 404, "/desk/orders-api2/v1/orders": 404, "/": 404,
	} {
		require.Equal(t, status, s.plainly(t, path, "Accept: application/json").StatusCode, path)
	}
	request, err := http.NewRequest(http.MethodGet, s.base+"/desk/orders-api?status=FILLED", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "text/html")
	page, err := (&http.Client{Transport: document.next}).Do(request)
	require.NoError(t, err)
	require.NoError(t, page.Body.Close())
	require.Equal(t, http.StatusOK, page.StatusCode, "one slash more")
	require.Equal(t, "/desk/orders-api/", page.Request.URL.Path)
	require.Equal(t, "status=FILLED", page.Request.URL.RawQuery)

	for path, link := range map[string]string{"/v1/quarantine": "raw", "/v1/objects/customer": "raw", "/v1/search?q=a/b": "path",
		"/v1/search?q=1": "path", "/v1/search?q=c": "path"} {
		var found struct{ Data, Found []map[string]any }
		require.NoError(t, json.Unmarshal(s.plainly(t, "/desk/orders-api"+path).body, &found))
		rows := append(found.Data, found.Found...)
		require.NotEmpty(t, rows, path)
		for _, row := range rows {
			require.True(t, strings.HasPrefix(row[link].(string), "/desk/orders-api/v1/"), row[link])
			require.Equal(t, http.StatusOK, s.plainly(t, row[link].(string)).StatusCode)
		}
	}
	_, detail := s.plainly(t, "/desk/orders-api/v1/notifications/99").problem(t)
	require.Contains(t, detail, "GET /desk/orders-api/v1/status")
	_, detail = s.plainly(t, "/v1/orders").problem(t)
	require.Contains(t, detail, "/desk/orders-api/openapi.json lists")
	var document struct{ Servers []struct{ URL string } }
	require.NoError(t, json.Unmarshal(s.plainly(t, "/desk/orders-api/openapi.json").body, &document))
	require.Equal(t, "http://127.0.0.1:8081/desk/orders-api", document.Servers[0].URL)
}

func TestAPrefixMustBeAPath(t *testing.T) {
	for _, prefix := range []string{"", "/a", "/a/b", "/orders-api", "/v1"} {
		require.NoError(t, api.CheckPrefix(prefix), prefix)
	}
	for _, prefix := range []string{"/", "a", "/a/", "//a", "/a//b", "/a/../b", "/.", "/a b", "/%41", "/a?b", "http://x/a"} {
		require.ErrorContains(t, api.CheckPrefix(prefix), "is not a path prefix", prefix)
		o := options(newWorld(t))
		o.Prefix = prefix
		_, err := api.New(o)
		require.ErrorContains(t, err, "is not a path prefix", prefix)
	}
}
