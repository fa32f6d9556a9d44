package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestAListContainsTheRequestedFields(t *testing.T) {
	s := start(t, newWorld(t))
	s.receive(detailed("a", 5, map[statemachine.Field]string{statemachine.ISIN: "DE1"}), `{}`)
	s.receive(order("b", statemachine.Filled, 6, "10"), `{}`)
	s.apply(t)
	fields := func(names, rest string) string {
		return string(s.get(t, "/v1/orders?fields="+url.QueryEscape(names)+rest).body)
	}
	require.Equal(t, `{"data":[{"orderId":"b","isin":null},{"orderId":"a","isin":"DE1"}],"nextCursor":null}`+"\n", fields("orderId,isin", ""))
	require.Equal(t, `{"data":[{"final":false,"open":false}],"nextCursor":null}`+"\n", fields("final,open", "&status=FILLED"))
	require.Equal(t, `{"orderId":"b"}`+"\n"+`{"orderId":"a"}`+"\n", fields("orderId", "&format=ndjson"))
	require.Equal(t, "status,orderId,firstSequence\nFILLED,b,2\nPLACED,a,1\n", strings.ReplaceAll(fields("status,orderId,firstSequence", "&format=csv"), "\r", ""))

	page := into[api.List[struct {
		OrderID string `json:"orderId"`
	}]](t, s.get(t, "/v1/orders?fields=orderId&limit=1"))
	require.NotNil(t, page.NextCursor)
	require.Equal(t, "a", ids(t, s.get(t, "/v1/orders?limit=1&cursor="+url.QueryEscape(*page.NextCursor))), "the same list with other fields")
	some, all := s.get(t, "/v1/orders?fields=orderId"), s.get(t, "/v1/orders")
	require.NotEqual(t, all.Header.Get("ETag"), some.Header.Get("ETag"))

	for query, says := range map[string]string{
		"fields=orderid": `unknown field "orderid"; known are orderId, assetClass, status`, "fields=orderId,": `unknown field ""`, "fields=isin,isin": "named twice",
		"fields=orderId&fields=isin": "given more than once", "fields=firstSequence": "unknown field", "fields=asked&format=csv": "unknown field",
	} {
		a := s.get(t, "/v1/orders?"+query)
		require.Equal(t, http.StatusBadRequest, a.StatusCode, query)
		_, detail := a.problem(t)
		require.Contains(t, detail, "query.fields")
		require.Contains(t, detail, says)
	}
}
