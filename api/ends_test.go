package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// raw sends the text of a request and returns the beginning of the answer.
func (s *server) raw(t testing.TB, request string) (net.Conn, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n"))
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	return conn, response
}

// anotherGeneration rebuilds the views by the same rules and makes the result live.
func (w *world) anotherGeneration(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	d, err := views.NewDraft(ctx, w.dir, "7")
	require.NoError(t, err)
	b := views.Batch{Checkpoint: views.Checkpoint{Log: "log-1", Sequence: w.applied, Hash: fmt.Sprint(w.applied), Received: w.records[w.applied-1].Received}}
	sequences := map[string][]uint64{}
	for n := uint64(1); n <= w.applied; n++ {
		sequences[w.said[n].OrderID] = append(sequences[w.said[n].OrderID], n)
	}
	for id, o := range w.orders {
		b.Orders = append(b.Orders, views.Change{Order: o, Sequences: sequences[id]})
	}
	require.NoError(t, d.IndexIDs(ctx, 0))
	_, err = d.Commit(ctx, b)
	require.NoError(t, err)
	require.NoError(t, d.Complete(ctx, 0))
	p, err := w.Store.BeginPromotion()
	require.NoError(t, err)
	defer p.End()
	_, err = p.Promote(ctx, d)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestATruncatedExportLooksCompleteInNoProtocol(t *testing.T) {
	const orders = 12_000 // more than fits in the buffers of a socket
	w := newWorld(t)
	for i := range orders {
		w.receive(order(fmt.Sprintf("o-%d", i), statemachine.Placed, 1, ""), `{}`)
	}
	w.apply(t)
	epoch := uint64(1)
	for cause, test := range map[string]struct {
		pages  int32 // number of pages after which the views fail
		happen func(*testing.T, *server, *api.API)
	}{
		"a loss is accepted": {1_000, func(t *testing.T, s *server, _ *api.API) {
			epoch++
			require.NoError(t, s.SetHealth(t.Context(), views.Health{At: time.Now(), Epoch: epoch}))
		}},
		"the key is revoked": {1_000, func(t *testing.T, _ *server, a *api.API) {
			require.NoError(t, a.ReplaceKeys([]access.Key{key(t, "other:reader:two")}))
		}},
		"the views fail":  {2, func(*testing.T, *server, *api.API) {}},
		"the views panic": {2, func(*testing.T, *server, *api.API) {}},
		"the reader is slow": {1_000, func(t *testing.T, s *server, _ *api.API) {
			require.Eventually(t, func() bool {
				return strings.Contains(string(s.get(t, "/metrics", "Authorization: Bearer two").body), "orderfold_api_requests_in_flight 1")
			}, time.Minute, 10*time.Millisecond)
		}},
	} {
		for _, protocol := range []string{"HTTP/1.0\n", "HTTP/1.0\nConnection: keep-alive\n", "HTTP/1.1\n"} {
			t.Run(fmt.Sprintf("%s, %q", cause, protocol), func(t *testing.T) {
				if cause == "the reader is slow" {
					api.SetExportPatience(t, 100*time.Millisecond)
				}
				f := &failing{world: w, falls: cause == "the views panic"}
				f.pages.Store(test.pages)
				o := options(f.world)
				o.Views, o.Access.Keys = f, []access.Key{key(t, "reader:reader:one"), key(t, "other:reader:two")}
				a, err := api.New(o)
				require.NoError(t, err)
				s := serve(t, f.world, a)
				_, response := s.raw(t, "GET /v1/orders?format=ndjson "+protocol+"Host: localhost\nAuthorization: Bearer one\n\n")
				begin := make([]byte, 200)
				n, _ := io.ReadFull(response.Body, begin)
				if strings.HasPrefix(protocol, "HTTP/1.1") {
					test.happen(t, s, a)
				}
				rest, err := io.ReadAll(response.Body)
				body := append(begin[:n], rest...)
				if strings.HasPrefix(protocol, "HTTP/1.0") {
					require.NoError(t, err)
					require.EqualValues(t, len(body), response.ContentLength)
					code, detail := answer{response, body}.problem(t)
					require.Equal(t, "http-version", code)
					require.Contains(t, detail, "proxy_http_version 1.1")
					return
				}
				require.Equal(t, http.StatusOK, response.StatusCode)
				require.Error(t, err, "%d bytes look like the whole", len(body))
				require.Less(t, bytes.Count(body, []byte("\n")), orders)
			})
		}
	}
}

func TestAnExportContinuesAfterARebuildByTheSameRules(t *testing.T) {
	const orders = 12_000 // more than fits in the buffers of a socket
	w := newWorld(t)
	for i := range orders {
		w.receive(order(fmt.Sprintf("o-%d", i), statemachine.Placed, 1, ""), `{}`)
	}
	w.apply(t)
	s := start(t, w)
	_, response := s.raw(t, "GET /v1/orders?format=ndjson HTTP/1.1\nHost: localhost\n\n")
	begin := make([]byte, 200)
	_, err := io.ReadFull(response.Body, begin)
	require.NoError(t, err)
	s.anotherGeneration(t)
	rest, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, orders, bytes.Count(append(begin, rest...), []byte("\n")))
}

// hop is a proxy that uses one protocol upstream, whatever protocol its client uses.
func hop(t testing.TB, upstream, protocol string) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(upstream, "http://"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%s %s %s\r\nHost: localhost\r\nConnection: close\r\n\r\n", r.Method, r.URL.RequestURI(), protocol)
		response, err := http.ReadResponse(bufio.NewReader(conn), r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		for name, values := range response.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(response.StatusCode)
		if _, err := io.Copy(w, response.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
	})}
	go func() { _ = proxy.Serve(listener) }()
	t.Cleanup(func() { _ = proxy.Close() })
	return &server{base: "http://" + listener.Addr().String()}
}

func TestAnExportIsRefusedThroughAnHTTP10ProxyAndCompleteThroughAnHTTP11Proxy(t *testing.T) {
	s := many(t, 1_700)
	for protocol, status := range map[string]int{"HTTP/1.0": http.StatusHTTPVersionNotSupported, "HTTP/1.1": http.StatusOK} {
		through := hop(t, s.base, protocol)
		through.world = s.world
		for _, format := range []string{"csv", "ndjson"} {
			a := through.get(t, "/v1/orders?format="+format)
			require.Equal(t, status, a.StatusCode, "%s", a.body)
			if status != http.StatusOK {
				code, detail := a.problem(t)
				require.Equal(t, "http-version", code)
				require.Contains(t, detail, "proxy_http_version 1.1")
			}
		}
		require.Len(t, into[api.List[shownOrder]](t, through.get(t, "/v1/orders?limit=500")).Data, 500, "a page has a length")
	}
}

func TestAnExportIsRefusedBehindAProxyWhoseClientUsesHTTP10(t *testing.T) {
	s := many(t, 3)
	for via, status := range map[string]int{
		"1.0 edge":                         http.StatusHTTPVersionNotSupported,
		"1.1 inner, HTTP/1.0 edge (nginx)": http.StatusHTTPVersionNotSupported,
		"2 edge, 1.1 inner":                http.StatusOK,
		"":                                 http.StatusOK,
	} {
		require.Equal(t, status, s.get(t, "/v1/orders?format=csv", "Via: "+via).StatusCode, via)
		require.Equal(t, status, s.get(t, "/v1/orders", "Accept: text/csv", "Via: "+via).StatusCode, via)
		require.Equal(t, http.StatusOK, s.get(t, "/v1/orders", "Via: "+via).StatusCode, via)
	}
}

func TestEveryOtherAnswerToHTTP10HasAContentLength(t *testing.T) {
	s := many(t, 600)
	large := s.receiveRaw(api.Record{Object: "customer", Source: "webhook", ContentType: "text/plain", Body: bytes.Repeat([]byte("x"), 1<<20)})
	s.apply(t)
	tag := s.get(t, "/v1/orders/o-1").Header.Get("ETag")
	for path, status := range map[string]int{
		"/v1/orders?limit=500": 200, "/v1/orders/o-1": 200, "/v1/orders/o-1/history": 200, "/v1/stats": 200, "/v1/breaks": 200,
		"/v1/states?format=mermaid": 200, "/metrics": 200, "/openapi.json": 200, fmt.Sprintf("/v1/notifications/%d", large): 200,
		"/v1/orders/nobody": 404, "/v1/orders?sort=up": 400,
	} {
		for _, headers := range []string{"", "Accept-Encoding: gzip\n", "Connection: keep-alive\n"} {
			_, response := s.raw(t, "GET "+path+" HTTP/1.0\nHost: localhost\n"+headers+"\n")
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, status, response.StatusCode, path)
			require.Positive(t, response.ContentLength, path)
			require.Len(t, body, int(response.ContentLength), path)
		}
	}
	_, response := s.raw(t, "GET /v1/orders/o-1 HTTP/1.0\nHost: localhost\nIf-None-Match: "+tag+"\n\n")
	require.Equal(t, http.StatusNotModified, response.StatusCode)
	_, response = s.raw(t, "HEAD /v1/orders/o-1 HTTP/1.0\nHost: localhost\n\n")
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestAStreamWorksOverHTTP10AndReportsItsEnd(t *testing.T) {
	s := many(t, 3)
	_, response := s.raw(t, "GET /v1/stream HTTP/1.0\nHost: localhost\n\n")
	r := &reader{s: s, body: response.Body, lines: bufio.NewReader(response.Body)}
	require.Len(t, r.snapshot(t), 3)
	s.stop()
	require.Equal(t, "closed", r.next(t).kind)
}
