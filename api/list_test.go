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

// detailed returns a notification of an order with the details for which lists have filters.
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
	for _, o := range into[api.List[shownOrder]](t, a).Data {
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
	c := order("c", statemachine.Invalid, 7, "")
	c.Details[statemachine.ExternalID] = "e,1"
	s.receive(c, `{}`)
	s.receive(statemachine.Notification{OrderID: "d"}, `{}`) // the time modified is unknown
	s.apply(t)
	for query, want := range map[string]string{
		"": "d c b a", "?sort=-received": "d c b a", "?sort=received": "a b c d", "?sort=-modified": "b c a d", "?sort=modified": "d a c b",
		"?isin=DE1": "a", "?symbol=BTC": "b", "?side=SELL": "b", "?productId=p2": "b a", "?productId=p3": "b", "?productId=p2&side=BUY": "a",
		"?final=true": "c", "?final=false": "d b a", "?isin=nothing": "", "?productId=p2&sort=modified": "a b",
		"?isin=de1": "a", "?symbol=btc&symbol=ETH": "b", "?isin=DE2&isin=De1": "a", "?productId=p1&productId=p3": "b a",
		"?productId=p1&productId=p3&isin=DE1": "a", "?isin=DE1&symbol=BTC": "", "?externalId=e,1": "c", "?externalId=E,1": "",
		"?externalId=x&externalId=e,1&sort=modified":                             "c",
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

func TestOrdersAreListedByFiltersWithoutAnIndex(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(detailed("a", 5, map[statemachine.Field]string{statemachine.OrderType: "LIMIT", statemachine.ExchangeCode: "XFRA",
		statemachine.Quantity: "100", statemachine.CreatedOn: "2026-03-02T09:04:00Z"}), `{}`)
	s.receive(detailed("b", 9, map[statemachine.Field]string{statemachine.OrderType: "MARKET", statemachine.Quantity: "0.5",
		statemachine.CreatedOn: "2026-03-02T09:08:00Z"}), `{}`)
	c := order("c", statemachine.Filled, 7, "10")
	c.Details[statemachine.Quantity], c.Details[statemachine.Amount] = "", "500.00"
	s.receive(c, `{}`)
	part := detailed("d", 3, map[statemachine.Field]string{statemachine.Quantity: "1e2", statemachine.ExchangeCode: "xmun"})
	s.receive(part, `{}`)
	part.Status, part.At, part.Executed = statemachine.PartiallyFilled, minute(4), "99.999"
	s.receive(part, `{}`)
	s.apply(t)
	for query, want := range map[string]string{
		"orderType=limit": "a", "orderType=LIMIT&orderType=Market": "b a", "exchangeCode=XMUN&exchangeCode=XFRA": "d a", "exchangeCode=XFR": "",
		"quantityMin=100": "d a", "quantityMax=100.0": "d b a", "quantityMin=0.5&quantityMax=99.9999999999999999999999999": "b", "quantityMin=100.00000000000000000001": "",
		"executed=none": "b a", "executed=some": "d", "executed=all": "c", "executed=some&status=FILLED": "",
		"createdSince=2026-03-02T09:08:00Z": "b", "createdUntil=2026-03-02T09:07:59Z": "a",
		"statusChangedSince=2026-03-02T09:05:00Z": "c b a", "statusChangedUntil=2026-03-02T09:04:00Z": "d",
		"statusChangedSince=2026-03-02T09:05:00Z&statusChangedUntil=2026-03-02T09:05:00Z&sort=modified": "a",
	} {
		require.Equal(t, want, ids(t, s.get(t, "/v1/orders?"+query)), query)
	}
	for query, says := range map[string]string{"quantityMin=ten": "expected a decimal such as 1000 or 0.25", "quantityMax=01": "expected a decimal",
		"quantityMin=" + strings.Repeat("1", 101): "at most 100 characters", "executed=most": "query.executed", "createdSince=yesterday": "expected a time"} {
		a := s.get(t, "/v1/orders?"+query)
		require.Equal(t, http.StatusBadRequest, a.StatusCode, query)
		_, detail := a.problem(t)
		require.Contains(t, detail, says)
	}
}

func TestOrdersAreListedByAnyBreak(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("sound", statemachine.Placed, 1, ""), `{}`)
	s.receive(order("odd", "UNHEARD_OF", 1, ""), `{}`)
	s.apply(t)
	for query, want := range map[string]string{"any": "odd", "any&break=overfill": "odd", "overfill": "", "overfill&break=unknown_status": "odd",
		"any&status=PLACED": ""} {
		require.Equal(t, want, ids(t, s.get(t, "/v1/orders?break="+query)), query)
	}
}

func TestTooManyValuesOfAFilterAreRefused(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(detailed("a", 5, map[statemachine.Field]string{statemachine.ISIN: "DE49"}), `{}`)
	s.apply(t)
	var query []string
	for i := range 50 {
		query = append(query, fmt.Sprintf("isin=DE%d", i))
	}
	require.Equal(t, "a", ids(t, s.get(t, "/v1/orders?"+strings.Join(query, "&"))))
	a := s.get(t, "/v1/orders?isin=DE50&"+strings.Join(query, "&"))
	require.Equal(t, http.StatusBadRequest, a.StatusCode)
	_, detail := a.problem(t)
	require.Contains(t, detail, "query.isin")
}

func TestOrdersAreListedByTheBeginningOfTheirID(t *testing.T) {
	s := start(t, newWorld(t))
	for i, id := range []string{"abcd-1", "abce-2", "abcd-3", "ABCD-4", "abcd", "xabcd", "äöü-1", "a%cd-1", "a_cd"} {
		s.receive(order(id, statemachine.Placed, i, ""), `{}`)
	}
	s.receive(order("abcd-9", statemachine.Filled, 1, ""), `{}`)
	s.apply(t)
	for query, want := range map[string]string{
		"abcd": "abcd-9 abcd abcd-3 abcd-1", "abcd-": "abcd-9 abcd-3 abcd-1", "abcd-3": "abcd-3", "ABCD": "ABCD-4", "abcf": "", "abcd-33": "",
		"abcd&sort=received": "abcd-1 abcd-3 abcd abcd-9", "abcd&status=PLACED&limit=500": "abcd abcd-3 abcd-1", "%C3%A4%C3%B6%C3%BC-": "äöü-1",
		"a%25cd": "a%cd-1", "a_cd": "a_cd", "abcd&modifiedUntil=2026-03-02T09:01:00Z": "abcd-9 abcd-1",
	} {
		t.Run("beginning "+query, func(t *testing.T) {
			require.Equal(t, want, ids(t, s.get(t, "/v1/orders?idPrefix="+query)))
		})
	}
	for _, bad := range []string{"abc", "%C3%A4", "", strings.Repeat("a", 513)} {
		a := s.get(t, "/v1/orders?idPrefix="+bad)
		require.Equal(t, http.StatusBadRequest, a.StatusCode, bad)
		require.Contains(t, string(a.body), "query.idPrefix")
	}
	page := into[api.List[shownOrder]](t, s.get(t, "/v1/orders?idPrefix=abcd&limit=2"))
	require.NotNil(t, page.NextCursor)
	cursor := "&cursor=" + url.QueryEscape(*page.NextCursor)
	require.Equal(t, "abcd-3 abcd-1", ids(t, s.get(t, "/v1/orders?idPrefix=abcd"+cursor)))
	require.Equal(t, http.StatusBadRequest, s.get(t, "/v1/orders?idPrefix=abce"+cursor).StatusCode, "the cursor of another list")
}

func TestAListIsSentAgainOnlyWhenItChanged(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range 3 {
		s.receive(order(fmt.Sprint(i), statemachine.Placed, 1, ""), `{}`)
	}
	s.receive(order("x", statemachine.Filled, 1, ""), `{}`)
	s.apply(t)
	placed, paged := "/v1/orders?status=PLACED&limit=3", "/v1/orders?status=PLACED&limit=2"
	tags := map[string]string{}
	for _, path := range []string{placed, paged, "/v1/orders", "/v1/stats"} {
		a := s.get(t, path)
		tags[path] = a.Header.Get("ETag")
		require.True(t, strings.HasPrefix(tags[path], `W/"`), path)
		again := s.get(t, path, "If-None-Match: "+tags[path])
		require.Equal(t, http.StatusNotModified, again.StatusCode, path)
		require.Empty(t, again.body)
		require.Equal(t, tags[path], again.Header.Get("ETag"))
		require.Equal(t, "private, no-cache", again.Header.Get("Cache-Control"))
	}
	next := *into[api.List[shownOrder]](t, s.get(t, paged)).NextCursor
	s.receive(order("x", statemachine.Settled, 2, ""), `{}`)
	s.apply(t)
	a := s.get(t, placed, "If-None-Match: "+tags[placed])
	require.Equal(t, http.StatusNotModified, a.StatusCode, "another order has changed")
	require.Equal(t, "5", a.Header.Get("Log-Sequence"), "nothing has changed up to there")
	require.Equal(t, "0", ids(t, s.get(t, paged+"&cursor="+url.QueryEscape(next))), "the stored cursor continues the list")
	for _, path := range []string{paged, "/v1/orders", "/v1/stats"} {
		require.Equal(t, http.StatusOK, s.get(t, path, "If-None-Match: "+tags[path]).StatusCode, path)
	}
	s.rebuild(t, "8")
	s.rebuild(t, "7")
	require.Equal(t, http.StatusNotModified, s.get(t, placed, "If-None-Match: "+tags[placed]).StatusCode, "another generation shows the same")
}

func TestAListVariesByAccept(t *testing.T) {
	s := start(t, newWorld(t))
	for path, chosen := range map[string]bool{"/v1/orders": true, "/v1/orders?format=csv": true, "/v1/states": true, "/v1/stats": false} {
		require.Equal(t, chosen, slices.Contains(s.get(t, path).Header.Values("Vary"), "Accept"), path)
	}
}
