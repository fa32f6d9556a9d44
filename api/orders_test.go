package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// order returns a notification of a traditional order.
func order(id string, status statemachine.Status, at int, executed statemachine.Decimal) statemachine.Notification {
	n := statemachine.Notification{OrderID: id, AssetClass: statemachine.Traditional, Type: "UPDATED", Status: status,
		At: minute(at), Executed: executed}
	n.Details[statemachine.Quantity] = "100.00"
	return n
}

func TestAnOrderIsShownWithAllItsDetails(t *testing.T) {
	s := start(t, newWorld(t))
	placed := order("o-1", statemachine.Placed, 1, "")
	placed.Details = [statemachine.Fields]string{statemachine.Side: "BUY", statemachine.ISIN: "DE0007164600",
		statemachine.OrderType: "LIMIT", statemachine.ExchangeCode: "XFRA", statemachine.Quantity: "100.00",
		statemachine.LimitPrice: "101.250", statemachine.ExternalID: "ord-1", statemachine.DepositoryProduct: "dep",
		statemachine.CashProduct: "cash", statemachine.CreatedOn: "2026-03-02T09:00:00Z", statemachine.ExpiryDate: "2026-03-31",
		statemachine.Message: "said", statemachine.ExecutionPrice: "101.2",
		statemachine.Executions: statemachine.FormatExecutions([]statemachine.Execution{{ID: "e-1", Quantity: "100", Price: "101.2"}})}
	s.receive(placed, `{}`)
	filled := order("o-1", statemachine.Filled, 2, "1e2")
	filled.Amount, filled.Reported = "10120", true
	s.receive(filled, `{}`)
	partly := order("o-1", statemachine.PartiallyFilled, 3, "40")
	partly.At = partly.At.Add(214 * time.Millisecond).In(time.FixedZone("", 3600))
	s.receive(partly, `{}`)
	s.receive(partly, `{}`)
	refused := statemachine.Notification{OrderID: "o-1", AssetClass: statemachine.Traditional, At: minute(4), Refused: true,
		Refusal: statemachine.Refusal{ErrorType: "INVALID_LIMIT", Description: `a "bad" <limit>`}}
	s.receive(refused, `{}`)
	s.apply(t)

	a := s.get(t, "/v1/orders/o-1")
	require.Equal(t, "5", a.Header.Get("Log-Sequence"))
	require.JSONEq(t, `{"orderId":"o-1","assetClass":"TRADITIONAL","status":"FILLED","statusSince":"2026-03-02T09:02:00Z",
		"open":false,"final":false,"side":"BUY",
		"settlement":{"tradeDate":"2026-03-02","dueOn":"2026-03-04","cycle":"T+2","state":"pending","overdueDays":0},"isin":"DE0007164600","orderType":"LIMIT","exchangeCode":"XFRA",
		"quantity":"100.00","executedQuantity":"1e2","executionPrice":"101.2",
		"executedAmount":"10120","averagePrice":"101.2","executions":[{"id":"e-1","quantity":"100","price":"101.2","amount":null}],"limitPrice":"101.250","externalId":"ord-1",
		"productIds":["dep","cash"],"message":"said","createdOn":"2026-03-02T09:00:00Z","modifiedOn":"2026-03-02T09:03:00.214Z",
		"expiryDate":"2026-03-31",
		"breaks":[
			{"code":"possible_bust","severity":"warn","openedAt":"2026-03-02T09:03:00.214Z","openedSequence":3,"sequences":[2,3],
			 "rule":"PARTIALLY_FILLED after the first FILLED: a trade may have been undone."},
			{"code":"executed_decreased","severity":"high","openedAt":"2026-03-02T09:03:00.214Z","openedSequence":3,"sequences":[2,3],
			 "rule":"A newer notification reports a smaller executed quantity than an older one."}],
		"refusals":[{"at":"2026-03-02T09:04:00Z","errorType":"INVALID_LIMIT","description":"a \"bad\" <limit>"}],
		"notifications":{"count":5,"duplicates":1,"firstSequence":1,"lastSequence":5,
			"firstReceivedAt":"2026-03-02T09:30:00Z","lastReceivedAt":"2026-03-02T09:34:00Z"}}`, knownMembers(t, a.body))
}

func TestUnknownMembersOfAnOrderAreNullAndUnknownListsAreEmpty(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(statemachine.Notification{OrderID: "o-1"}, `{}`)
	s.apply(t)
	body := s.get(t, "/v1/orders/o-1").body
	var all map[string]any
	require.NoError(t, json.Unmarshal(body, &all))
	for _, m := range statemachine.Members() {
		switch m.Form {
		case statemachine.FlagForm, statemachine.ProductForm, statemachine.TradesForm:
		default:
			require.Contains(t, all, m.Name)
			require.Nil(t, all[m.Name], m.Name)
		}
	}
	// It contains nothing, and so nothing new: a duplicate by definition.
	require.JSONEq(t, `{"orderId":"o-1","open":false,"final":false,"executions":[],"productIds":[],"breaks":[],"refusals":[],
		"notifications":{"count":1,"duplicates":1,"firstSequence":1,"lastSequence":1,
			"firstReceivedAt":"2026-03-02T09:30:00Z","lastReceivedAt":"2026-03-02T09:30:00Z"}}`, knownMembers(t, body))
}

// knownMembers returns an order without the members that are null.
func knownMembers(t *testing.T, order []byte) string {
	var all map[string]any
	require.NoError(t, json.Unmarshal(order, &all))
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return string(text)
}

func TestAnOrderIDMayContainAnyCharacter(t *testing.T) {
	s := start(t, newWorld(t))
	ids := []string{"a/b", "a%2Fb", "ä b", "a?b#c", "history", "..", "a+b", `<script>"`, strings.Repeat("x", 128)}
	for _, id := range ids {
		s.receive(order(id, statemachine.Placed, 1, ""), `{}`)
	}
	s.apply(t)
	for _, id := range ids {
		t.Run("id "+id, func(t *testing.T) {
			escaped := strings.ReplaceAll(url.PathEscape(id), "..", "%2E%2E")
			require.Equal(t, id, into[shownOrder](t, s.get(t, "/v1/orders/"+escaped)).OrderID)
			require.Len(t, into[api.List[api.HistoryEntry]](t, s.get(t, "/v1/orders/"+escaped+"/history")).Data, 1)
		})
	}
}

func TestAnUnknownOrderIsNotFound(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	for _, path := range []string{"/v1/orders/nope", "/v1/orders/nope/history", "/v1/orders/nope/explain",
		"/v1/orders/nope?asOfSequence=1", "/v1/orders/nope/explain?asOf=2026-03-02T09:00:00Z"} {
		a := s.get(t, path)
		require.Equal(t, http.StatusNotFound, a.StatusCode)
		code, detail := a.problem(t)
		require.Equal(t, "not-found", code)
		require.Contains(t, detail, `"nope"`)
		require.Equal(t, "1", a.Header.Get("Log-Sequence"))
	}
}

func TestAnOrderIsSentAgainOnlyWhenItChanged(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	tag := s.get(t, "/v1/orders/o-1").Header.Get("ETag")
	require.Regexp(t, `^W/"[\w-]{22}"$`, tag)
	for _, header := range []string{tag, strings.TrimPrefix(tag, "W/"), `"x", ` + tag, "*"} {
		a := s.get(t, "/v1/orders/o-1", "If-None-Match: "+header)
		require.Equal(t, http.StatusNotModified, a.StatusCode, header)
		require.Empty(t, a.body)
		require.Equal(t, tag, a.Header.Get("ETag"))
	}
	require.Equal(t, http.StatusOK, s.get(t, "/v1/orders/o-1", `If-None-Match: "x"`).StatusCode)

	s.receive(order("o-2", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	a := s.get(t, "/v1/orders/o-1", "If-None-Match: "+tag)
	require.Equal(t, http.StatusNotModified, a.StatusCode)
	require.Equal(t, "2", a.Header.Get("Log-Sequence"), "nothing has changed up to there")

	s.receive(order("o-1", statemachine.Filled, 2, "100"), `{}`)
	s.apply(t)
	require.Equal(t, http.StatusOK, s.get(t, "/v1/orders/o-1", "If-None-Match: "+tag).StatusCode)
	tag = s.get(t, "/v1/orders/o-1").Header.Get("ETag")
	s.rebuild(t, "8")
	s.rebuild(t, "7")
	require.Equal(t, http.StatusNotModified, s.get(t, "/v1/orders/o-1", "If-None-Match: "+tag).StatusCode, "another generation shows the same")
}

func TestOrdersAreListedByFilters(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("placed", statemachine.Placed, 1, ""), `{}`)
	s.receive(order("filled", statemachine.Filled, 1, "100"), `{}`)
	bust := order("bust", statemachine.Filled, 1, "100")
	bust.AssetClass, bust.Details[statemachine.ExternalID] = statemachine.Digital, "ext"
	s.receive(bust, `{}`)
	bust.Status, bust.At = statemachine.PartiallyFilled, minute(2)
	s.receive(bust, `{}`)
	s.receive(statemachine.Notification{OrderID: "none", AssetClass: statemachine.Tokenized}, `{}`)
	s.apply(t)
	for _, c := range []struct{ query, ids string }{
		{"", "none bust filled placed"},
		{"?status=PLACED", "placed"},
		{"?status=PLACED&status=FILLED", "bust filled placed"},
		{"?status=NONE", "none"},
		{"?assetClass=DIGITAL", "bust"},
		{"?open=true", "placed"},
		{"?open=false", "none bust filled"},
		{"?break=possible_bust", "bust"},
		{"?break=overfill&break=possible_bust", "bust"},
		{"?break=overfill", ""},
		{"?externalId=ext", "bust"},
		{"?status=FILLED&assetClass=TRADITIONAL&open=false", "filled"},
	} {
		t.Run("query "+c.query, func(t *testing.T) {
			a := s.get(t, "/v1/orders"+c.query)
			list := into[api.List[shownOrder]](t, a)
			ids := []string{}
			for _, o := range list.Data {
				ids = append(ids, o.OrderID)
			}
			require.Equal(t, c.ids, strings.Join(ids, " "))
			require.Nil(t, list.NextCursor)
			require.Contains(t, string(a.body), `"data":[`)
			require.Equal(t, "5", a.Header.Get("Log-Sequence"))
		})
	}
}

func TestAListIsReadInPages(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range 250 {
		s.receive(order(fmt.Sprint(i), statemachine.Placed, 1, ""), `{}`)
	}
	s.apply(t)
	require.Len(t, into[api.List[shownOrder]](t, s.get(t, "/v1/orders")).Data, 100)
	require.Len(t, into[api.List[shownOrder]](t, s.get(t, "/v1/orders?limit=500")).Data, 250)
	seen, path, cursor := 0, "/v1/orders?limit=70", ""
	for path != "" {
		list := into[api.List[shownOrder]](t, s.get(t, path))
		seen += len(list.Data)
		path = ""
		if list.NextCursor != nil {
			cursor = *list.NextCursor
			path = "/v1/orders?limit=70&cursor=" + url.QueryEscape(cursor)
		}
	}
	require.Equal(t, 250, seen)
	for _, query := range []string{"cursor=foreign", "status=FILLED&cursor=" + url.QueryEscape(cursor)} {
		a := s.get(t, "/v1/orders?"+query)
		require.Equal(t, http.StatusBadRequest, a.StatusCode, query)
		code, detail := a.problem(t)
		require.Equal(t, "bad-parameter", code, query)
		require.Contains(t, detail, "query.cursor: was not made for this list and these filters")
	}
}

func TestACursorExpiresWhenTheViewsAreRebuiltByOtherRules(t *testing.T) {
	s := start(t, newWorld(t))
	for i := range 3 {
		s.receive(order(fmt.Sprint(i), "UNHEARD_OF", 1, ""), `{}`)
		s.receiveRaw(api.Record{Object: "customer", Body: []byte(`not json`)})
	}
	s.apply(t)
	paths := []string{"/v1/orders?limit=1", "/v1/breaks?limit=1", "/v1/quarantine?limit=1"}
	for i, path := range paths {
		paths[i] += "&cursor=" + url.QueryEscape(*into[api.List[any]](t, s.get(t, path)).NextCursor)
	}
	s.rebuild(t, "8")
	for _, path := range paths {
		a := s.get(t, path)
		require.Equal(t, http.StatusGone, a.StatusCode)
		code, _ := a.problem(t)
		require.Equal(t, "cursor-expired", code)
	}
}

func TestAHistoryContainsTheEffectOfEachNotification(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(order("o-1", statemachine.Filled, 2, "100"), `{}`)
	s.receive(order("other", statemachine.Filled, 2, "100"), `{}`)
	bust := order("o-1", statemachine.PartiallyFilled, 3, "40")
	bust.Notes = []string{"price is not a number"}
	s.receive(bust, `{}`)
	s.receive(statemachine.Notification{OrderID: "o-1"}, `{}`)
	fetched := order("o-1", statemachine.Filled, 4, "100")
	fetched.Kind, fetched.Type = statemachine.Fetched, ""
	s.receive(fetched, `{}`)
	s.apply(t)
	a := s.get(t, "/v1/orders/o-1/history")
	require.Equal(t, "5", a.Header.Get("Log-Sequence"))
	require.Contains(t, string(a.body), `{"sequence":1,"receivedAt":"2026-03-02T09:30:00Z","at":"2026-03-02T09:02:00Z","kind":"reported",`+
		`"status":"FILLED","executed":"100","notificationType":"UPDATED","effect":"applied","rule":"FILLED is the first status known.",`+
		`"statusAfter":"FILLED","breaksOpened":[],"breaksClosed":[],"notes":[]}`)
	list := into[api.List[api.HistoryEntry]](t, a)
	require.Nil(t, list.NextCursor)
	require.Len(t, list.Data, 4)
	require.Equal(t, []string{"possible_bust", "executed_decreased"}, list.Data[1].BreaksOpened)
	require.Equal(t, bust.Notes, list.Data[1].Notes)
	require.Nil(t, list.Data[2].At)
	require.Nil(t, list.Data[2].Status)
	require.Equal(t, "fetched", *list.Data[3].Kind)
	require.Equal(t, "restated", list.Data[3].Effect)
	require.Equal(t, []string{"possible_bust", "executed_decreased"}, list.Data[3].BreaksClosed)
}
