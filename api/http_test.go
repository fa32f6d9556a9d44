package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestInvalidParametersAreRefused(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	for _, c := range []struct{ path, location, message string }{
		{"/v1/orders?stauts=FILLED", "query.stauts", "unknown parameter; known are assetClass, break, createdSince, createdUntil, cursor, dueOn, dueSince, dueUntil, exchangeCode, executed, externalId, fields, final, format, idPrefix, isin, " +
			"limit, minSequence, modifiedSince, modifiedUntil, open, orderType, productId, quantityMax, quantityMin, receivedSince, receivedUntil, settlement, side, sort, status, statusChangedSince, statusChangedUntil, symbol, totals"},
		{"/v1/orders?status=DONE", "query.status[0]", "expected value to be one of"},
		{"/v1/orders?status=FILLED&status=filled", "query.status[1]", "expected value to be one of"},
		{"/v1/orders?status=FILLED,PLACED", "query.status[0]", "expected value to be one of"},
		{"/v1/orders?status=", "query.status", "must not be empty"},
		{"/v1/orders?assetClass=FOREST", "query.assetClass", "expected value to be one of"},
		{"/v1/orders?assetClass=DIGITAL&assetClass=TOKENIZED", "query.assetClass", "given more than once"},
		{"/v1/orders?open=1", "query.open", "must be true or false"},
		{"/v1/orders?final=yes", "query.final", "must be true or false"},
		{"/v1/orders?side=buy", "query.side", "expected value to be one of"},
		{"/v1/orders?sort=isin", "query.sort", "expected value to be one of"},
		{"/v1/orders?format=xml", "query.format", "expected value to be one of"},
		{"/v1/orders?isin=", "query.isin", "must not be empty"},
		{"/v1/orders?side=BUY&side=SELL", "query.side", "given more than once"},
		{"/v1/orders?receivedSince=yesterday", "query.receivedSince", "expected a time such as 2026-03-02T09:00:00Z"},
		{"/v1/orders?modifiedUntil=2026-03-32", "query.modifiedUntil", "expected a time such as 2026-03-02T09:00:00Z"},
		{"/v1/orders?modifiedUntil=0000-12-31T23:00:00Z", "query.modifiedUntil", "expected a time such as 2026-03-02T09:00:00Z"},
		{"/v1/orders/o-1?asOf=2026-03-02T09:00:61Z", "query.asOf", "expected a time such as 2026-03-02T09:00:00Z"},
		{"/v1/orders?format=csv&cursor=AAAA", "query.cursor", "there are no pages"},
		{"/v1/orders?break=nothing", "query.break[0]", "expected value to be one of"},
		{"/v1/orders?limit=0", "query.limit", "expected number >= 1"},
		{"/v1/orders?limit=501", "query.limit", "expected number <= 500"},
		{"/v1/orders?limit=ten", "query.limit", "invalid integer"},
		{"/v1/orders?limit=", "query.limit", "must not be empty"},
		{"/v1/orders?minSequence=-1", "query.minSequence", "invalid integer"},
		{"/v1/orders/o-1?minSequence=soon", "query.minSequence", "invalid integer"},
		{"/v1/orders/o-1?asof=1", "query.asof", "unknown parameter; known are asOf, asOfSequence, minSequence"},
		{"/v1/orders/o-1?asOfSequence=0", "query.asOfSequence", "expected number >= 1"},
		{"/v1/orders/o-1?asOfSequence=-1", "query.asOfSequence", "invalid integer"},
		{"/v1/orders/o-1?asOf=tuesday", "query.asOf", "expected a time such as 2026-03-02T09:00:00Z"},
		{"/v1/orders/o-1/history?asOf=2026-03-02T09:00:00+01:00", "query.asOf", "+ written as %2B"},
		{"/v1/orders/o-1/explain?asOf=", "query.asOf", "must not be empty"},
		{"/v1/orders?settlement=late", "query.settlement[0]", "expected value to be one of"},
		{"/v1/orders?dueOn=tomorrow", "query.dueOn", "expected a day such as 2026-03-02"},
		{"/v1/orders?dueSince=2026-03-02T09:00:00Z", "query.dueSince", "expected a day"},
		{"/v1/orders?dueUntil=2026-02-29", "query.dueUntil", "expected a day"},
		{"/v1/calendar?from=2026", "query.from", "expected a day"},
		{"/v1/calendar?from=2026-03-02&until=2026-03-01", "query.until", "2026-03-01 is before 2026-03-02"},
		{"/v1/calendar?from=2026-03-02&until=2036-12-31", "query.until", "at most 3660 days"},
		{"/v1/breaks?code=nothing", "query.code[0]", "expected value to be one of"},
		{"/v1/breaks?severity=low", "query.severity", "expected value to be one of"},
		{"/v1/breaks?age=0-1&age=5", "query.age[1]", "expected value to be one of \"0-1, 1-2, 3-5, over-5\""},
		{"/v1/breaks?cursor=foreign", "query.cursor", "start again without a cursor"},
		{"/v1/orders/o-1/history?x", "query.x", "unknown parameter"},
		{"/v1/notifications/1?x=1", "query.x", "unknown parameter; this path has none"},
		{"/v1/states?format=dot", "query.format", "expected value to be one of"},
		{"/v1/quarantine?limit=1000", "query.limit", "expected number <= 500"},
		{"/v1/stats?minSequence=1&minSequence=2", "query.minSequence", "given more than once"},
		{"/v1/orders?limit=010", "query.limit", "invalid integer: write only digits"},
		{"/v1/orders?limit=%2B10", "query.limit", "invalid integer"},
		{"/v1/orders?limit=+10", "query.limit", "invalid integer"},
		{"/v1/orders?limit=1e2", "query.limit", "invalid integer"},
		{"/v1/orders?limit=1_0", "query.limit", "invalid integer"},
		{"/v1/orders?limit=0x10", "query.limit", "invalid integer"},
		{"/v1/orders?limit=99999999999999999999", "query.limit", "invalid integer"},
		{"/v1/orders?minSequence=9223372036854775808", "query.minSequence", "the largest is 9223372036854775807"},
		{"/v1/stream?minSequence=18446744073709551615", "query.minSequence", "the largest is 9223372036854775807"},
		{"/v1/orders/o-1?asOfSequence=01", "query.asOfSequence", "invalid integer"},
		{"/v1/orders/o-1?asOfSequence=9223372036854775808", "query.asOfSequence", "the largest is 9223372036854775807"},
		{"/v1/notifications/0", "path.sequence", "expected number >= 1"},
		{"/v1/notifications/01", "path.sequence", "invalid integer"},
		{"/v1/notifications/+1", "path.sequence", "invalid integer"},
		{"/v1/notifications/-1", "path.sequence", "invalid integer"},
		{"/v1/notifications/one", "path.sequence", "invalid integer"},
		{"/v1/notifications/18446744073709551616", "path.sequence", "invalid integer"},
	} {
		t.Run(c.path, func(t *testing.T) {
			a := s.get(t, c.path)
			require.Equal(t, http.StatusBadRequest, a.StatusCode)
			code, detail := a.problem(t)
			require.Equal(t, "bad-parameter", code)
			require.Contains(t, detail, c.message)
			var p api.Problem
			require.NoError(t, json.Unmarshal(a.body, &p))
			require.Len(t, p.Errors, 1)
			require.Equal(t, c.location, p.Errors[0].Location)
			require.Contains(t, p.Errors[0].Message, c.message)
			require.Equal(t, "1", a.Header.Get("Log-Sequence"))
		})
	}
	for _, path := range []string{"/v1/orders?open=%zz", "/v1/orders?open=true;limit=1"} {
		code, _ := s.get(t, path).problem(t)
		require.Equal(t, "bad-parameter", code, path)
	}
	var p api.Problem
	require.NoError(t, json.Unmarshal(s.get(t, "/v1/orders?limit=ten&minSequence=x").body, &p))
	require.Len(t, p.Errors, 2, "all of them together")
}

func TestAnAnswerWaitsForMinSequence(t *testing.T) {
	paths := []string{"/v1/orders", "/v1/orders/o-1", "/v1/orders/o-1/history", "/v1/orders/o-1/explain", "/v1/breaks",
		"/v1/objects/customer/c", "/v1/stats",
		"/v1/status", "/v1/quarantine"}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			s := start(t, newWorld(t))
			s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
			s.receiveRaw(api.Record{Object: "customer", Source: "webhook", Body: []byte(`{"id":"c"}`), Received: time.Now()})
			s.apply(t)
			require.Equal(t, http.StatusOK, s.get(t, path+"?minSequence=2").StatusCode, "it exists already")

			a := s.get(t, path+"?minSequence=3", "Prefer: wait=0")
			require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
			code, detail := a.problem(t)
			require.Equal(t, "view-behind", code)
			require.Contains(t, detail, "Record 3 is not applied yet")
			require.Equal(t, "2", a.Header.Get("Log-Sequence"))
			<-s.waiting

			s.receive(order("o-1", statemachine.Filled, 2, "100"), `{}`)
			late := s.later(t, path+"?minSequence=3", "Prefer: respond-async, wait=20")
			require.Equal(t, uint64(3), <-s.waiting)
			s.apply(t)
			a = <-late
			require.Equal(t, http.StatusOK, a.StatusCode)
			require.Equal(t, "3", a.Header.Get("Log-Sequence"))
		})
	}
}

func TestViewsThatWereSetBackDuringAWaitAreNotShown(t *testing.T) {
	w := newWorld(t)
	s := start(t, w, func(o *api.Options) { o.Position = forgetful{w} })
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	a := s.get(t, "/v1/orders/o-1?minSequence=2")
	code, _ := a.problem(t)
	require.Equal(t, "view-behind", code)
	require.Equal(t, "1", a.Header.Get("Log-Sequence"))
}

// forgetful are views that report that everything is applied, and are then replaced by a generation that is behind.
type forgetful struct{ *world }

func (forgetful) Wait(context.Context, uint64) error { return nil }

func TestARequestNeedsAConfiguredKey(t *testing.T) {
	reader, err := access.ParseKey("grafana:reader:one:two")
	require.NoError(t, err)
	operator, err := access.ParseKey("ops:operator:three")
	require.NoError(t, err)
	core, lines := observer.New(zap.DebugLevel)
	s := start(t, newWorld(t), func(o *api.Options) { o.Access.Keys, o.Logger = []access.Key{reader, operator}, zap.New(core) })

	var refusal string
	for _, header := range []string{"Accept: */*", "Authorization: Bearer", "Authorization: Bearer ", "Authorization: Bearer one",
		"Authorization: Bearer one:two:", "Authorization: Basic one:two", "Authorization: one:two", "Authorization: Bearer threethree"} {
		for _, path := range []string{"/v1/orders", "/metrics", "/openapi.json", "/v1/none", "/none"} {
			a := s.get(t, path, header, "Request-Id: same")
			require.Equal(t, http.StatusUnauthorized, a.StatusCode, header)
			require.Equal(t, `Bearer realm="orderfold"`, a.Header.Get("WWW-Authenticate"))
			code, _ := a.problem(t)
			require.Equal(t, "unauthorized", code)
			if refusal == "" {
				refusal = string(a.body)
			}
			require.Equal(t, refusal, string(a.body), "the same answer whatever the reason")
		}
	}
	for _, header := range []string{"Authorization: Bearer one:two", "Authorization: bearer three"} {
		for _, path := range []string{"/v1/orders", "/metrics", "/openapi.json"} {
			require.Equal(t, http.StatusOK, s.get(t, path, header).StatusCode)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		require.Equal(t, http.StatusOK, s.get(t, path).StatusCode, "not protected: probes have no secret")
	}
	names := map[any]bool{}
	for _, line := range lines.All() {
		text := fmt.Sprint(line.Message, line.ContextMap())
		require.NotContains(t, text, "one:two")
		require.NotContains(t, text, "three")
		names[line.ContextMap()["key"]] = true
	}
	require.Equal(t, map[any]bool{"": true, "grafana": true, "ops": true}, names)
}

func TestKeysAreParsed(t *testing.T) {
	for text, want := range map[string]string{
		"a:reader:s3cret":    "",
		"a:operator:s3:cret": "",
		"a:admin:s3cret":     `the role of key "a" must be reader or operator`,
		"a:reader:":          "the secret of key",
		"a:reader:s3 cret":   "the secret of key",
		":reader:s3cret":     "the name of a key",
		"a b:reader:s3cret":  "the name of a key",
		"a:s3cret":           "name:role:key",
		"s3cret":             "name:role:key",
		"":                   "name:role:key",
	} {
		_, err := access.ParseKey(text)
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "s3")
	}
	k, err := access.ParseKey("a:reader:s3cret")
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%v %+v", k, k), "s3cret")
	other, err := access.ParseKey("b:reader:s3cret")
	require.NoError(t, err)
	o := options(newWorld(t))
	o.Access.Keys = []access.Key{k, other}
	_, err = api.New(o)
	require.ErrorContains(t, err, `"a" and "b" have the same secret`)
}

func TestWithoutKeysOnlyLoopbackIsServed(t *testing.T) {
	key, err := access.ParseKey("a:reader:s3cret")
	require.NoError(t, err)
	for addr, local := range map[string]bool{"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:1": false, "[::]:1": false, "192.168.1.1:1": false} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, access.CheckExposure(tcp, []access.Key{key}))
		require.Equal(t, local, access.CheckExposure(tcp, nil) == nil, addr)
	}
	require.NoError(t, access.CheckExposure(&net.UnixAddr{Name: "/run/api.sock", Net: "unix"}, nil))

	a, err := api.New(options(newWorld(t)))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	require.ErrorContains(t, a.Serve(t.Context(), listener), "--api-key name:role:key")
	_, err = listener.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestUnknownPathsAndMethodsAreProblems(t *testing.T) {
	s := start(t, newWorld(t))
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/order", "/v1/orders/", "/v1/orders/a/b", "/v2/orders", "/openapi.yaml", "/docs", "/schemas/Order.json"} {
		a := s.do(t, http.MethodGet, path)
		require.Equal(t, http.StatusNotFound, a.StatusCode, path)
		code, _ := a.problem(t)
		require.Equal(t, "not-found", code)
	}
	for _, path := range []string{"/v1/orders", "/v1/orders/o-1", "/v1/status", "/healthz", "/metrics"} {
		for _, method := range []string{http.MethodPost, http.MethodDelete, "MADEUP"} {
			a := s.do(t, method, path)
			require.Equal(t, http.StatusMethodNotAllowed, a.StatusCode, path)
			require.ElementsMatch(t, []string{"GET", "HEAD", "OPTIONS"}, strings.Split(a.Header.Get("Allow"), ", "))
			code, _ := a.problem(t)
			require.Equal(t, "method-not-allowed", code)
		}
		require.Equal(t, http.StatusNoContent, s.do(t, http.MethodOptions, path).StatusCode)
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	for _, path := range []string{"/v1/orders/o-1", "/v1/orders", "/v1/notifications/1", "/v1/states", "/healthz", "/readyz", "/metrics", "/openapi.json"} {
		a := s.do(t, http.MethodHead, path)
		require.Equal(t, http.StatusOK, a.StatusCode, path)
		require.Empty(t, a.body)
		require.Equal(t, s.get(t, path).Header.Get("Content-Type"), a.Header.Get("Content-Type"))
	}
	require.Equal(t, http.StatusBadRequest, s.do(t, http.MethodHead, "/v1/orders?x=1").StatusCode)
}

func TestAPanicIsAnInternalErrorWithoutDetails(t *testing.T) {
	core, lines := observer.New(zap.DebugLevel)
	s := start(t, newWorld(t), func(o *api.Options) { o.Logger = zap.New(core) })
	a := s.get(t, "/v1/orders/panic", "X-Request-Id: mine")
	require.Equal(t, http.StatusInternalServerError, a.StatusCode)
	code, detail := a.problem(t)
	require.Equal(t, "internal", code)
	require.NotContains(t, detail, "fell over")
	require.Equal(t, http.StatusOK, s.get(t, "/healthz").StatusCode)

	failed := lines.FilterLevelExact(zap.ErrorLevel).All()
	require.Len(t, failed, 1)
	fields := failed[0].ContextMap()
	require.Contains(t, fields["error"], "the views fell over")
	require.Contains(t, fields["stack"], "fixture_test.go")
	require.Equal(t, "mine", fields["requestId"])
}

func TestViewsThatCannotBeReadYetAreNotReady(t *testing.T) {
	s := start(t, newWorld(t))
	for _, err := range []error{views.ErrNoViews, fmt.Errorf("views: open: %w", views.ErrVersion)} {
		s.fail(nil, err)
		for _, path := range []string{"/v1/orders", "/v1/stats", "/v1/stats?minSequence=1"} {
			code, _ := s.get(t, path).problem(t)
			require.Equal(t, "not-ready", code)
		}
	}
}

func TestAFailureOfTheViewsRevealsNoDetails(t *testing.T) {
	s := start(t, newWorld(t))
	s.fail(nil, fmt.Errorf("disk I/O error in /secret"))
	for _, path := range []string{"/v1/orders", "/v1/orders/o-1", "/v1/stats"} {
		a := s.get(t, path)
		require.Equal(t, http.StatusInternalServerError, a.StatusCode)
		require.NotContains(t, string(a.body), "secret")
	}
}

func TestEveryRequestIsOneLineInTheLog(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	s := start(t, newWorld(t), func(o *api.Options) { o.Logger = zap.New(core) })
	a := s.get(t, "/v1/orders/nope?minSequence=0", "Request-Id: r-1")
	require.Equal(t, "r-1", a.Header.Get("Request-Id"))
	require.NotEqual(t, "bad\x7f", s.get(t, "/v1/stats", "Request-Id: "+strings.Repeat("x", 129)).Header.Get("Request-Id"))
	all := lines.FilterMessage("request").All()
	require.Len(t, all, 2)
	fields := all[0].ContextMap()
	for name, value := range map[string]any{"requestId": "r-1", "method": "GET", "route": "/v1/orders/:id", "status": int64(404),
		"bytes": int64(len(a.body)), "key": "", "problem": "not-found"} {
		require.Equal(t, value, fields[name], name)
	}
	require.Contains(t, fields, "duration")
}

func TestAClientThatDisconnectsIsNotAnError(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	logged := make(chan struct{}, 16)
	logger := zap.New(core, zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == "request" {
			logged <- struct{}{}
		}
		return nil
	}))
	s := start(t, newWorld(t), func(o *api.Options) { o.Logger = logger })
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/v1/stats?minSequence=1", nil)
	require.NoError(t, err)
	request.Header.Set("Prefer", "wait=30")
	left := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		left <- err
	}()
	<-s.waiting
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	<-logged
	line := lines.FilterMessage("request").All()[0]
	require.Equal(t, zap.InfoLevel, line.Level)
	require.Equal(t, "canceled", line.ContextMap()["problem"])
	require.Equal(t, int64(499), line.ContextMap()["status"])
}

func TestABodyIsIgnoredUpToALimit(t *testing.T) {
	s := start(t, newWorld(t))
	for size, status := range map[int]int{10: http.StatusOK, 100 << 10: http.StatusRequestEntityTooLarge} {
		request, err := http.NewRequest(http.MethodGet, s.base+"/v1/stats", strings.NewReader(strings.Repeat("x", size)))
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode)
	}
}

func TestADrainingServerFinishesAcceptedRequestsAndEndsWaits(t *testing.T) {
	w := newWorld(t)
	w.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	w.apply(t)
	slow := &slowViews{world: w, entered: make(chan struct{}), leave: make(chan struct{})}
	s := &server{world: w}
	o := options(w)
	o.Views = slow
	a, err := api.New(o)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.base = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, listener) }()

	accepted := s.later(t, "/v1/orders/o-1")
	<-slow.entered
	waiting := s.later(t, "/v1/stats?minSequence=9", "Prefer: wait=30")
	<-w.waiting
	stop()
	code, _ := (<-waiting).problem(t)
	require.Equal(t, "view-behind", code)
	close(slow.leave)
	require.Equal(t, http.StatusOK, (<-accepted).StatusCode)
	require.NoError(t, <-served)
}

// slowViews answer when the test lets them.
type slowViews struct {
	*world
	entered, leave chan struct{}
}

func (v *slowViews) Order(ctx context.Context, id string) (statemachine.Order, views.At, error) {
	v.entered <- struct{}{}
	select {
	case <-v.leave:
	case <-ctx.Done():
		return statemachine.Order{}, views.At{}, ctx.Err()
	}
	return v.world.Order(ctx, id)
}

func TestADrainEndsAfterItsTimeout(t *testing.T) {
	slow := &slowViews{world: newWorld(t), entered: make(chan struct{}), leave: make(chan struct{})}
	o := options(slow.world)
	o.Views, o.DrainTimeout = slow, time.Millisecond
	a, err := api.New(o)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, listener) }()
	connection, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = fmt.Fprint(connection, "GET /v1/orders/o-1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	<-slow.entered
	stop()
	require.ErrorContains(t, <-served, "requests were cut off")
	_, err = http.ReadResponse(bufio.NewReader(connection), nil)
	require.Error(t, err)
}

func TestAFailedListenerIsAnError(t *testing.T) {
	a, err := api.New(options(newWorld(t)))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	require.ErrorContains(t, a.Serve(t.Context(), listener), "api: serve")
}

func TestInvalidOptionsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*api.Options){
		"without views":               func(o *api.Options) { o.Views = nil },
		"without a log":               func(o *api.Options) { o.Log = nil },
		"with half a metric registry": func(o *api.Options) { o.Registerer = prometheus.NewRegistry() },
		"with a negative timeout":     func(o *api.Options) { o.DrainTimeout = -1 },
	} {
		o := options(newWorld(t))
		change(&o)
		_, err := api.New(o)
		require.Error(t, err, name)
	}
	registry := prometheus.NewRegistry()
	o := options(newWorld(t))
	o.Registerer, o.Gatherer = registry, registry
	_, err := api.New(o)
	require.NoError(t, err)
	_, err = api.New(o)
	require.ErrorContains(t, err, "api: metrics")
}

func TestTheDocumentIsServedAndStable(t *testing.T) {
	s := start(t, newWorld(t))
	first, err := api.Document()
	require.NoError(t, err)
	second, err := api.Document()
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
	a := s.get(t, "/openapi.json")
	require.Equal(t, "application/openapi+json", a.Header.Get("Content-Type"))
	require.Equal(t, string(first), string(a.body))
	for _, path := range []string{"/v1/orders", "/v1/orders/{id}", "/v1/orders/{id}/history", "/v1/orders/{id}/explain",
		"/v1/breaks", "/v1/notifications/{sequence}",
		"/v1/objects/{object}/{id}", "/v1/stats", "/v1/status", "/v1/states", "/v1/calendar", "/v1/quarantine", "/healthz", "/readyz",
		"/v1/rebuilds", "/v1/rebuilds/current", "/v1/redrives", "/v1/subscribers", "/v1/subscribers/{name}", "/v1/feed", "/metrics", "/openapi.json", "/asyncapi.json", "/schemas/order-event-v1.json"} {
		require.Contains(t, document.paths, path)
	}
	require.Len(t, document.paths, 30)
}
