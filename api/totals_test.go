package api_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestAPageContainsTheTotalsOfAllSelectedOrders(t *testing.T) {
	s := start(t, newWorld(t))
	for i, quantity := range []string{"0.1", "0.2", "1e400", ""} {
		s.receive(detailed(string(rune('a'+i)), i, map[statemachine.Field]string{statemachine.Quantity: quantity, statemachine.ISIN: "DE1"}), `{}`)
	}
	part := order("b", statemachine.PartiallyFilled, 9, "0.05")
	part.Details[statemachine.Quantity], part.Amount, part.Reported = "0.2", "7.25", true
	s.receive(part, `{}`)
	amount := detailed("e", 3, map[statemachine.Field]string{statemachine.Amount: "500.00"})
	amount.Details[statemachine.Quantity] = ""
	s.receive(amount, `{}`)
	s.apply(t)
	totals := func(query string) api.Totals {
		return *into[api.SelectedOrders](t, s.get(t, "/v1/orders?totals=true"+query)).Totals
	}
	all := api.Totals{Orders: 5, Ordered: api.Sums{Units: "0.3", Amount: "500"}, Executed: api.Sums{Units: "0.05", Amount: "7.25"}, LeftOut: 1}
	require.Equal(t, all, totals(""))
	require.Equal(t, all, totals("&limit=1&fields=orderId"))
	require.Equal(t, api.Totals{Orders: 4, Ordered: api.Sums{Units: "0.3", Amount: "0"}, Executed: api.Sums{Units: "0.05", Amount: "7.25"}, LeftOut: 1},
		totals("&isin=de1&sort=modified"))
	require.Equal(t, api.Totals{Orders: 1, Ordered: api.Sums{Units: "0.2", Amount: "0"}, Executed: api.Sums{Units: "0.05", Amount: "7.25"}}, totals("&status=PARTIALLY_FILLED"))
	require.Equal(t, api.Totals{Ordered: api.Sums{Units: "0", Amount: "0"}, Executed: api.Sums{Units: "0", Amount: "0"}}, totals("&status=SETTLED"))
	require.NotContains(t, string(s.get(t, "/v1/orders?totals=false").body), "totals")
	for _, bad := range []string{"yes", "true&format=csv", "true&format=ndjson"} {
		a := s.get(t, "/v1/orders?totals="+bad)
		require.Equal(t, http.StatusBadRequest, a.StatusCode, bad)
		require.Contains(t, string(a.body), "query.totals")
	}
}

func TestAListIsSortedByQuantityOrRefused(t *testing.T) {
	s := start(t, newWorld(t))
	for id, quantity := range map[string]string{"a": "20", "b": "3.5", "c": "100", "d": ""} {
		n := order(id, statemachine.Placed, 1, "")
		n.Details[statemachine.Quantity] = quantity
		s.receive(n, `{}`)
	}
	s.apply(t)
	require.Equal(t, "c a b d", ids(t, s.get(t, "/v1/orders?sort=-quantity")))
	page := into[api.List[shownOrder]](t, s.get(t, "/v1/orders?sort=quantity&limit=3"))
	require.Equal(t, "a", page.Data[2].OrderID)
	require.Equal(t, "c", ids(t, s.get(t, "/v1/orders?sort=quantity&limit=3&cursor="+url.QueryEscape(*page.NextCursor))))
	require.Equal(t, http.StatusBadRequest, s.get(t, "/v1/orders?sort=-quantity&cursor="+url.QueryEscape(*page.NextCursor)).StatusCode)
	s.fail(nil, views.ErrTooManyToSort)
	a := s.get(t, "/v1/orders?sort=-quantity")
	require.Equal(t, http.StatusUnprocessableEntity, a.StatusCode)
	code, detail := a.problem(t)
	require.Equal(t, "too-many", code)
	require.Contains(t, detail, "no index by quantity")
}
