package api_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestANotificationIsSentAsItWasReceived(t *testing.T) {
	s := start(t, newWorld(t))
	body := "{\"orderId\":\"o-1\", \x00\xff<script>alert(1)</script>}\r\n"
	s.receiveRaw(api.Record{Object: "traditional-asset-order", Source: "recovered", ContentType: "text/html", RequestID: "r 7",
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Body: []byte(body)})
	s.receiveRaw(api.Record{Object: "customer", Source: "webhook", Body: []byte(`not json`)})

	a := s.get(t, "/v1/notifications/1")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, body, string(a.body))
	require.Equal(t, "text/html", a.Header.Get("Content-Type"))
	for name, value := range map[string]string{
		"Notification-Sequence": "1", "Notification-Received-At": "2026-03-02T09:30:00Z", "Notification-Source": "recovered",
		"Notification-Object": "traditional-asset-order", "Notification-Request-Id": "r 7",
		"Notification-Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"Log-Sequence":             "0",
		// Foreign bytes must not run as a page of the API's origin.
		"Content-Disposition":    `attachment; filename="notification-1"`,
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
	} {
		require.Equal(t, value, a.Header.Get(name), name)
	}
	require.Equal(t, "application/octet-stream", s.get(t, "/v1/notifications/2").Header.Get("Content-Type"))
}

func TestALostNotificationIsDistinguishedFromOneThatNeverExisted(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.receiveRaw(api.Record{Object: "customer", Body: []byte(`{"id":"c"}`)})
	s.apply(t)
	s.lose("", 1, 2)
	for _, path := range []string{"/v1/notifications/1", "/v1/notifications/2", "/v1/objects/customer/c", "/v1/orders/o-1?asOfSequence=1", "/v1/orders/o-1/explain?asOfSequence=1"} {
		a := s.get(t, path)
		require.Equal(t, http.StatusGone, a.StatusCode, path)
		code, _ := a.problem(t)
		require.Equal(t, "record-missing", code, path)
	}
	code, _ := s.get(t, "/v1/notifications/3").problem(t)
	require.Equal(t, "not-found", code)
}

func TestASequenceWithoutANotificationIsRefused(t *testing.T) {
	s := start(t, newWorld(t))
	s.receiveRaw(api.Record{Object: "customer", Body: []byte(`{"id":"c"}`)})
	for path, want := range map[string]string{
		"/v1/notifications/2":                    "not-found",
		"/v1/notifications/18446744073709551615": "not-found",
		"/v1/notifications/18446744073709551616": "bad-parameter",
		"/v1/notifications/0":                    "bad-parameter",
		"/v1/notifications/-1":                   "bad-parameter",
		"/v1/notifications/one":                  "bad-parameter",
		"/v1/notifications/1/2":                  "not-found",
		"/v1/notifications/1?minSequence=1":      "bad-parameter",
	} {
		a := s.get(t, path)
		code, _ := a.problem(t)
		require.Equal(t, want, code, path)
	}
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	s.fail(errors.New("dial tcp 10.0.0.1:4222: refused"), nil)
	for _, path := range []string{"/v1/notifications/1", "/v1/objects/customer/c", "/v1/orders/o-1/history"} {
		code, detail := s.get(t, path).problem(t)
		require.Equal(t, "log-unavailable", code)
		require.NotContains(t, detail, "10.0.0.1")
	}
}

func TestTheLastNotificationOfAnObjectIsServed(t *testing.T) {
	s := start(t, newWorld(t))
	s.receiveRaw(api.Record{Object: "customer", Source: "webhook", Body: []byte(`{"id":"a/b","n":1}`)})
	s.receiveRaw(api.Record{Object: "customer", Source: "webhook", Body: []byte(`{"id":"a/b","n":2}`)})
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{"first":1}`)
	s.receive(order("o-1", statemachine.Filled, 2, "1"), `{"last":1}`)
	s.apply(t)

	a := s.get(t, "/v1/objects/customer/a%2Fb")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, `{"id":"a/b","n":2}`, string(a.body))
	require.Equal(t, "2", a.Header.Get("Notification-Sequence"))
	require.Equal(t, "4", a.Header.Get("Log-Sequence"))
	require.Equal(t, `{"last":1}`, string(s.get(t, "/v1/objects/traditional-asset-order/o-1").body), "orders are objects too")

	for _, path := range []string{"/v1/objects/customer/c", "/v1/objects/nothing/a%2Fb", "/v1/objects/digital-asset-order/o-1",
		"/v1/objects/traditional-asset-order/o-2"} {
		a := s.get(t, path)
		code, _ := a.problem(t)
		require.Equal(t, "not-found", code, path)
		require.Equal(t, "4", a.Header.Get("Log-Sequence"))
	}
}
