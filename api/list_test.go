package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// detailed returns a notification of an order with the details that lists select by.
func detailed(id string, at int, details map[statemachine.Field]string) statemachine.Notification {
	n := order(id, statemachine.Placed, at, "")
	for f, value := range details {
		n.Details[f] = value
	}
	return n
}

func ids(t testing.TB, a answer) string {
	t.Helper()
	var found []string
	for _, o := range into[api.List[api.Order]](t, a).Data {
		found = append(found, o.OrderID)
	}
	return strings.Join(found, " ")
}

func TestOrdersAreListedByDetailsAndTimes(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(detailed("a", 5, map[statemachine.Field]string{statemachine.Side: "BUY", statemachine.ISIN: "DE1", statemachine.DepositoryProduct: "p1",
		statemachine.CashProduct: "p2"}), `{}`) // received at minute 30
	s.receive(detailed("b", 9, map[statemachine.Field]string{statemachine.Side: "SELL", statemachine.Symbol: "BTC", statemachine.WalletProduct: "p3",
		statemachine.CashProduct: "p2"}), `{}`)
	s.receive(order("c", statemachine.Invalid, 7, ""), `{}`)
	s.receive(statemachine.Notification{OrderID: "d"}, `{}`) // no time modified is known
	s.apply(t)
	for query, want := range map[string]string{
		"": "d c b a", "?sort=-received": "d c b a", "?sort=received": "a b c d", "?sort=-modified": "b c a d", "?sort=modified": "d a c b",
		"?isin=DE1": "a", "?symbol=BTC": "b", "?side=SELL": "b", "?productId=p2": "b a", "?productId=p3": "b", "?productId=p2&side=BUY": "a",
		"?final=true": "c", "?final=false": "d b a", "?isin=nothing": "", "?productId=p2&sort=modified": "a b",
		"?receivedSince=2026-03-02T09:31:00Z":                                    "d c b",
		"?receivedUntil=2026-03-02T10:31:00%2B01:00":                             "b a",
		"?receivedSince=2026-03-02T09:31:00Z&receivedUntil=2026-03-02T09:32:00Z": "c b",
		"?modifiedSince=2026-03-02T09:07:00Z":                                    "c b",
		"?modifiedUntil=2026-03-02T09:07:00Z":                                    "c a",
		"?modifiedUntil=2026-03-02T09:07:00Z&sort=modified&status=INVALID":       "c",
		"?modifiedSince=2026-03-02T09:07:00Z&modifiedUntil=2026-03-02T09:06:00Z": "",
		"?receivedSince=2026-03-02T09:31:00Z&side=SELL&open=true&sort=-modified": "b",
	} {
		t.Run("query "+query, func(t *testing.T) {
			require.Equal(t, want, ids(t, s.get(t, "/v1/orders"+query)))
		})
	}
}

func TestAListIsSentAgainOnlyWhenItChanged(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range 3 {
		s.receive(order(fmt.Sprint(i), statemachine.Placed, 1, ""), `{}`)
	}
	s.receive(order("x", statemachine.Filled, 1, ""), `{}`)
	s.apply(t)
	placed := "/v1/orders?status=PLACED&limit=2"
	tags := map[string]string{}
	for _, path := range []string{placed, "/v1/orders", "/v1/stats"} {
		a := s.get(t, path)
		tags[path] = a.Header.Get("ETag")
		require.True(t, strings.HasPrefix(tags[path], `W/"`), path)
		again := s.get(t, path, "If-None-Match: "+tags[path])
		require.Equal(t, http.StatusNotModified, again.StatusCode, path)
		require.Empty(t, again.body)
		require.Equal(t, tags[path], again.Header.Get("ETag"))
		require.Equal(t, "private, no-cache", again.Header.Get("Cache-Control"))
	}
	next := *into[api.List[api.Order]](t, s.get(t, placed)).NextCursor
	s.receive(order("x", statemachine.Settled, 2, ""), `{}`)
	s.apply(t)
	a := s.get(t, placed, "If-None-Match: "+tags[placed])
	require.Equal(t, http.StatusNotModified, a.StatusCode, "another order has changed")
	require.Equal(t, "5", a.Header.Get("Log-Sequence"), "nothing has changed up to there")
	require.Equal(t, "0", ids(t, s.get(t, placed+"&cursor="+url.QueryEscape(next))), "the cursor that was kept leads on")
	for _, path := range []string{"/v1/orders", "/v1/stats"} {
		require.Equal(t, http.StatusOK, s.get(t, path, "If-None-Match: "+tags[path]).StatusCode, path)
	}
	s.rebuild(t, "8")
	require.Equal(t, http.StatusOK, s.get(t, placed, "If-None-Match: "+tags[placed]).StatusCode, "other rules may show it otherwise")
}

func TestACacheIsToldThatAcceptChooses(t *testing.T) {
	s := start(t, newWorld(t))
	for path, chosen := range map[string]bool{"/v1/orders": true, "/v1/orders?format=csv": true, "/v1/states": true, "/v1/stats": false} {
		require.Equal(t, chosen, slices.Contains(s.get(t, path).Header.Values("Vary"), "Accept"), path)
	}
}
