package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	_ "time/tzdata"
)

func TestADayIsReadInTheTimeZoneOfTheAPI(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	w := newWorld(t)
	for id, at := range map[string]string{ // in 2026 the clocks go forward on 29 March and back on 25 October
		"a": "2026-03-27T22:59:59.999999999Z", "b": "2026-03-27T23:00:00Z", "c": "2026-03-28T23:00:00Z", "d": "2026-03-29T21:59:59.999999999Z",
		"e": "2026-03-29T22:00:00Z", "f": "2026-10-24T22:00:00Z", "g": "2026-10-25T22:59:59Z", "h": "2026-10-25T23:00:00Z",
	} {
		modified, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err)
		n := order(id, statemachine.Placed, 1, "")
		n.At = modified
		n.Details[statemachine.CreatedOn] = at
		w.receive(n, `{}`)
	}
	w.apply(t)
	s := start(t, w, func(o *api.Options) { o.Zone = berlin })
	for query, want := range map[string]string{
		"modifiedSince=2026-03-29&modifiedUntil=2026-03-29":                "c d",
		"createdSince=2026-03-28&createdUntil=2026-03-28":                  "b",
		"statusChangedSince=2026-10-25&statusChangedUntil=2026-10-25":      "f g",
		"modifiedUntil=2026-03-27":                                         "a",
		"modifiedSince=2026-10-26":                                         "h",
		"modifiedSince=2026-03-29T22:00:00Z&modifiedUntil=2026-10-24":      "e",
		"createdSince=2026-10-25&createdUntil=2026-10-25T22:00:00%2B00:00": "f",
	} {
		require.Equal(t, want, ids(t, s.get(t, "/v1/orders?sort=modified&"+query)), query)
	}
	require.Equal(t, "a b", ids(t, start(t, w).get(t, "/v1/orders?sort=modified&modifiedUntil=2026-03-27")), "in UTC, when nothing else is set")
	for _, bad := range []string{"2026-02-30", "2026-3-1", "0000-01-01", "20260301", "today", "2026-03-02T09:00"} {
		a := s.get(t, "/v1/orders?createdSince="+bad)
		require.Equal(t, http.StatusBadRequest, a.StatusCode, bad)
		_, detail := a.problem(t)
		require.Contains(t, detail, "or a day such as 2026-03-02")
	}
}

func TestAnOrderIsShownAsItWasKnownAtTheEndOfADay(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	w := newWorld(t)
	w.receive(order("a", statemachine.Placed, 1, ""), `{}`)
	w.records[0].Received = time.Date(2026, 3, 1, 22, 59, 0, 0, time.UTC)
	w.receive(order("a", statemachine.Filled, 2, ""), `{}`)
	w.records[1].Received = time.Date(2026, 3, 1, 23, 1, 0, 0, time.UTC)
	for i, r := range w.records {
		n := w.said[uint64(i+1)]
		n.Received = r.Received
		w.said[uint64(i+1)] = n
	}
	w.apply(t)
	s := start(t, w, func(o *api.Options) { o.Zone = berlin })
	for day, want := range map[string]string{"2026-03-01": "PLACED", "2026-03-02": "FILLED", "9999-12-31": "FILLED"} {
		for _, path := range []string{"/v1/orders/a?asOf=", "/v1/orders/a/explain?asOf="} {
			shown := into[struct{ Status string }](t, s.get(t, path+url.QueryEscape(day)))
			require.Equal(t, want, shown.Status, fmt.Sprint(path, day))
		}
	}
	require.Len(t, into[api.List[api.HistoryEntry]](t, s.get(t, "/v1/orders/a/history?asOf=2026-03-01")).Data, 1)
	code, _ := s.get(t, "/v1/orders/a?asOf=2026-02-28").problem(t)
	require.Equal(t, "not-yet-known", code)
}
