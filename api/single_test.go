package api_test

import (
	"net/http"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestAnOrderIsTheSameWithAndWithoutParameters(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order(`o/"1"`, statemachine.Placed, 1, "40"), `{}`)
	s.apply(t)
	tag := s.get(t, "/v1/orders/o%2F%221%22").Header.Get("ETag")
	for _, ask := range []struct {
		method, path, known string
		status              int
	}{
		{http.MethodGet, "/v1/orders/o%2F%221%22", "", http.StatusOK},
		{http.MethodHead, "/v1/orders/o%2F%221%22", "", http.StatusOK},
		{http.MethodGet, "/v1/orders/o%2F%221%22", tag, http.StatusNotModified},
		{http.MethodGet, "/v1/orders/unknown", "", http.StatusNotFound},
		{http.MethodHead, "/v1/orders/unknown", "", http.StatusNotFound},
	} {
		headers := []string{"Request-Id: same", "If-None-Match: " + ask.known}
		short := s.do(t, ask.method, ask.path, headers...)
		long := s.do(t, ask.method, ask.path+"?minSequence=1", headers...)
		require.Equal(t, ask.status, short.StatusCode, ask)
		require.Equal(t, ask.status, long.StatusCode, ask)
		short.Header.Del("Date")
		long.Header.Del("Date")
		require.Equal(t, long.Header, short.Header, ask)
		require.Equal(t, string(long.body), string(short.body), ask)
	}
}

func TestABenchmarkConstantIsServedLikeAnOrder(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	body := s.get(t, "/v1/orders/o-1").body
	o := options(s.world)
	o.Access.Keys = []access.Key{key(t, "a:reader:one")}
	a, err := api.Constant(o, body)
	require.NoError(t, err)
	same := serve(t, s.world, a)
	require.Equal(t, http.StatusUnauthorized, same.get(t, "/v1/orders/any").StatusCode)
	same.key = "one"
	answer := same.get(t, "/v1/orders/any")
	require.Equal(t, string(body), string(answer.body))
	require.Equal(t, "no-referrer", answer.Header.Get("Referrer-Policy"))
}
