package client_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api/client"
	"github.com/stretchr/testify/require"
)

// earliestFirst are times that a notification may have, ascending, each with the text that is shown.
var earliestFirst = []struct{ id, sent, shown string }{
	{"before the year 0001", "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00"},
	{"the earliest time in UTC", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	{"a nanosecond later", "0001-01-01T00:00:00.000000001Z", "0001-01-01T00:00:00.000000001Z"},
	{"before the range of nanoseconds", "1677-09-21T00:12:43Z", "1677-09-21T00:12:43Z"},
	{"a leap second", "2016-12-31T18:59:60-05:00", "2016-12-31T23:59:59.999999999Z"},
	{"now", "2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00Z"},
	{"after the range of nanoseconds", "2262-04-11T23:47:17Z", "2262-04-11T23:47:17Z"},
	{"the latest time in UTC", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
	{"after the year 9999", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59-01:00"},
}

func idsOfTimes(from, to int) (ids []string) {
	for _, c := range earliestFirst[from:to] {
		ids = append(ids, c.id)
	}
	return ids
}

func TestTimesOfEveryYearAreShownSelectedAndSorted(t *testing.T) {
	s := startService(t)
	var last uint64
	for _, i := range []int{4, 0, 7, 2, 8, 1, 5, 3, 6} { // another order than by time
		last = s.post(`{"orderId":%q,"status":"UNHEARD_OF","modifiedOn":%q,"createdOn":%[2]q}`, earliestFirst[i].id, earliestFirst[i].sent)
	}
	fresh := client.AsOf{AtLeast: client.AtLeast{MinSequence: last}}
	for _, c := range earliestFirst {
		t.Run("is shown: "+c.id, func(t *testing.T) {
			o, err := s.Order(t.Context(), c.id, fresh)
			require.NoError(t, err)
			require.Equal(t, []client.Instant{client.Instant(c.shown), client.Instant(c.shown)}, []client.Instant{o.ModifiedOn, o.CreatedOn})
			require.Equal(t, client.Instant(c.shown), o.Breaks[0].OpenedAt)
			var view struct{ ModifiedOn, CreatedOn time.Time }
			require.NoError(t, json.Unmarshal(o.Raw, &view), "the times are valid RFC 3339")
			sent, err := time.Parse(time.RFC3339, strings.Replace(c.sent, ":60", ":59.999999999", 1))
			require.NoError(t, err)
			require.True(t, sent.Equal(view.ModifiedOn) && sent.Equal(view.CreatedOn) && sent.Equal(o.ModifiedOn.Time()))
			for entry, err := range s.History(t.Context(), c.id, fresh) {
				require.NoError(t, err)
				require.Equal(t, client.Instant(c.shown), entry.At)
				require.Empty(t, entry.Notes)
			}
			why, err := s.Explain(t.Context(), c.id, fresh)
			require.NoError(t, err)
			require.Equal(t, client.Instant(c.shown), why.Facts[0].At)
		})
	}
	listed := func(q client.OrderQuery) (ids []string) {
		for o, err := range s.Orders(t.Context(), q) {
			require.NoError(t, err)
			ids = append(ids, o.OrderID)
		}
		return ids
	}
	for _, limit := range []int{1, 2, 100} {
		require.Equal(t, idsOfTimes(0, 9), listed(client.OrderQuery{Sort: "modified", Limit: limit}))
		latestFirst := listed(client.OrderQuery{Sort: "-modified", Limit: limit})
		slices.Reverse(latestFirst)
		require.Equal(t, idsOfTimes(0, 9), latestFirst)
	}
	for i, c := range earliestFirst {
		at := client.Instant(c.shown).Time()
		since := client.OrderQuery{OrderFilter: client.OrderFilter{ModifiedSince: &at}, Sort: "modified"}
		require.Equal(t, idsOfTimes(i, 9), listed(since), "since %s", c.sent)
		until := client.OrderQuery{OrderFilter: client.OrderFilter{ModifiedUntil: &at}, Sort: "modified"}
		require.Equal(t, idsOfTimes(0, i+1), listed(until), "until %s", c.sent)
	}
	var opened []string
	for b, err := range s.Breaks(t.Context(), client.BreakQuery{Codes: []string{"unknown_status"}}) {
		require.NoError(t, err)
		opened = append(opened, b.OrderID)
	}
	require.Equal(t, idsOfTimes(0, 9), opened, "the break that was opened first is listed first")
}

func TestARequestMayContainATimeOfAnyYear(t *testing.T) {
	s := startService(t)
	last := s.post(`{"orderId":"a","status":"PLACED","modifiedOn":"0001-01-01T00:00:00Z"}`)
	s.post(`{"orderId":"b","status":"PLACED","modifiedOn":"0001-01-01T00:00:00+00:01"}`)
	_, err := s.Order(t.Context(), "b", client.AsOf{AtLeast: client.AtLeast{MinSequence: last + 1}})
	require.NoError(t, err)
	for path, want := range map[string]struct {
		status int
		orders string
	}{
		"/v1/orders?sort=modified&modifiedSince=0001-01-01T00:00:00Z":      {200, "a"},
		"/v1/orders?sort=modified&modifiedUntil=0001-01-01T00:00:00Z":      {200, "b a"},
		"/v1/orders?modifiedSince=2016-12-31T23:59:60Z":                    {200, ""},
		"/v1/orders?sort=received&receivedSince=0001-01-01T00:00:00Z":      {200, "a b"},
		"/v1/orders?receivedSince=9999-12-31T23:59:59-23:59":               {200, ""},
		"/v1/orders?receivedUntil=0001-01-01T00:00:00%2B23:59":             {200, ""},
		"/v1/orders?sort=received&receivedUntil=9999-12-31t23:59:59z":      {200, "a b"},
		"/v1/orders/a?asOf=9999-12-31T23:59:59-01:00":                      {200, "a"},
		"/v1/orders/a?asOf=0001-01-01T00:00:00Z":                           {404, ""},
		"/v1/orders/a/history?asOf=0001-01-01T00:00:00%2B01:00":            {404, ""},
		"/v1/orders/a/explain?asOf=1990-12-31T23:59:60Z":                   {404, ""},
		"/v1/orders?modifiedSince=0000-01-01T00:00:00Z":                    {400, ""},
		"/v1/orders?modifiedSince=2026-03-02T09:31:07,5Z":                  {400, ""},
		"/v1/orders?modifiedSince=2026-03-02T9:31:07Z":                     {400, ""},
		"/v1/orders/a?asOf=2026-02-30T00:00:00Z":                           {400, ""},
		"/v1/orders?receivedUntil=10000-01-01T00:00:00Z":                   {400, ""},
		"/v1/orders?sort=modified&limit=1&modifiedUntil=9999-12-31T00:00Z": {400, ""},
	} {
		t.Run(path, func(t *testing.T) {
			response, err := http.Get(s.url + path)
			require.NoError(t, err)
			defer response.Body.Close()
			require.Equal(t, want.status, response.StatusCode)
			var list struct {
				OrderID string
				Data    []struct{ OrderID string }
			}
			require.NoError(t, json.NewDecoder(response.Body).Decode(&list))
			var ids []string
			for _, o := range append(list.Data, struct{ OrderID string }{list.OrderID}) {
				ids = append(ids, o.OrderID)
			}
			require.Equal(t, want.orders, strings.TrimSpace(strings.Join(ids, " ")))
		})
	}
}

func TestACSVFileContainsTimesOfEveryYear(t *testing.T) {
	s := startService(t)
	var last uint64
	for _, c := range earliestFirst {
		last = s.post(`{"orderId":%q,"status":"PLACED","modifiedOn":%q}`, c.id, c.sent)
	}
	_, err := s.Order(t.Context(), earliestFirst[8].id, client.AsOf{AtLeast: client.AtLeast{MinSequence: last}})
	require.NoError(t, err)
	response, err := http.Get(s.url + "/v1/orders?format=csv&sort=modified")
	require.NoError(t, err)
	defer response.Body.Close()
	lines, err := csv.NewReader(response.Body).ReadAll()
	require.NoError(t, err)
	column := slices.Index(lines[0], "modifiedOn")
	for i, c := range earliestFirst {
		require.Equal(t, []string{c.id, c.shown}, []string{lines[i+1][0], lines[i+1][column]})
	}
}
