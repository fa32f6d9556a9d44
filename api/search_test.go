package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestAnIDOfAnyKindIsFound(t *testing.T) {
	w := newWorld(t)
	w.receive(detailed("abcd-1", 1, map[statemachine.Field]string{statemachine.ISIN: "DE0007164600", statemachine.ExternalID: "2",
		statemachine.DepositoryProduct: "prod/1"}), `{}`)
	w.receive(detailed("abcd-2", 1, map[statemachine.Field]string{statemachine.Symbol: "BTC", statemachine.CashProduct: "prod/1"}), `{}`)
	w.receiveRaw(api.Record{Object: "depository-product", Source: "webhook", Body: []byte(`{"id":"prod/1"}`)})
	for i := range 11 {
		w.receive(detailed(fmt.Sprintf("many-%02d", i), 1, map[statemachine.Field]string{statemachine.ExternalID: "shared"}), `{}`)
	}
	w.apply(t)
	s := start(t, w, func(o *api.Options) {
		o.OrderOf = func(r *api.Record) string { return map[uint64]string{2: "abcd-2"}[r.Sequence] }
	})
	for text, want := range map[string]string{
		"abcd-1":       "order /v1/orders/abcd-1 [abcd-1]",
		"abcd":         "idPrefix /v1/orders?idPrefix=abcd [abcd-2 abcd-1]",
		"abc":          "",
		"de0007164600": "isin /v1/orders?isin=de0007164600 [abcd-1]",
		"btc":          "symbol /v1/orders?symbol=btc [abcd-2]",
		"2":            "notification /v1/notifications/2 [abcd-2], externalId /v1/orders?externalId=2 [abcd-1]",
		"3":            "notification /v1/notifications/3 []",
		"prod/1":       "productId /v1/orders?productId=prod%2F1 [abcd-2 abcd-1], object /v1/objects/depository-product/prod%2F1 []",
		"many":         "idPrefix /v1/orders?idPrefix=many [many-10 many-09 many-08 many-07 many-06 many-05 many-04 many-03 many-02 many-01] and more",
		"shared":       "externalId /v1/orders?externalId=shared [many-10 many-09 many-08 many-07 many-06 many-05 many-04 many-03 many-02 many-01] and more",
		"0":            "", "999": "", "003": "", "nothing": "", "%": "",
	} {
		a := s.get(t, "/v1/search?q="+url.QueryEscape(text))
		require.Equal(t, "14", a.Header.Get("Log-Sequence"))
		var said string
		for i, f := range into[api.Search](t, a).Found {
			if i > 0 {
				said += ", "
			}
			said += fmt.Sprint(f.Kind, " ", f.Path, " ", f.OrderIDs)
			if f.More {
				said += " and more"
			}
			linked := s.get(t, f.Path)
			require.Equal(t, http.StatusOK, linked.StatusCode, f.Path)
		}
		require.Equal(t, want, said, text)
	}
	for _, bad := range []string{"", "?q=", "?q=a&q=b"} {
		require.Equal(t, http.StatusBadRequest, s.get(t, "/v1/search"+bad).StatusCode, bad)
	}
	w.fail(api.ErrUnavailable, nil)
	found := into[api.Search](t, s.get(t, "/v1/search?q=2")).Found
	require.Len(t, found, 1, "without the log the views are searched")
	require.Equal(t, "externalId", found[0].Kind)
}

func TestObjectsOfAKindAreListed(t *testing.T) {
	s := start(t, newWorld(t))
	for _, id := range []string{"c-1", "c-2", "c/3", "c-1"} {
		s.receiveRaw(api.Record{Object: "customer", Source: "webhook", Body: []byte(`{"id":"` + id + `"}`)})
	}
	s.receive(order("o-1", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	var ids []string
	path := "/v1/objects/customer?limit=2"
	for next := path; next != ""; {
		page := into[api.List[api.LastNotification]](t, s.get(t, next))
		for _, o := range page.Data {
			ids = append(ids, fmt.Sprint(o.ID, " ", o.Sequence, " ", o.Notifications))
			raw := s.get(t, o.Raw)
			require.Equal(t, http.StatusOK, raw.StatusCode)
			require.Equal(t, fmt.Sprint(o.Sequence), raw.Header.Get("Notification-Sequence"))
			require.Equal(t, o.ReceivedAt, raw.Header.Get("Notification-Received-At"))
		}
		if next = ""; page.NextCursor != nil {
			next = path + "&cursor=" + url.QueryEscape(*page.NextCursor)
		}
	}
	require.Equal(t, []string{"c-1 4 2", "c/3 3 1", "c-2 2 1"}, ids)
	orders := into[api.List[api.LastNotification]](t, s.get(t, "/v1/objects/traditional-asset-order"))
	require.Len(t, orders.Data, 1)
	require.Equal(t, "/v1/objects/traditional-asset-order/o-1", orders.Data[0].Raw)
	require.Empty(t, into[api.List[api.LastNotification]](t, s.get(t, "/v1/objects/nothing")).Data)
	require.Equal(t, http.StatusBadRequest, s.get(t, "/v1/objects/customer?cursor=abc").StatusCode)
}
