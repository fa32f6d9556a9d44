package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// broken returns the notifications of an order with a possible_bust that opened that long ago.
func broken(id string, ago time.Duration) (filled, partly statemachine.Notification) {
	filled = order(id, statemachine.Filled, 0, "100")
	filled.At = minute(59).Add(-ago - time.Minute)
	partly = order(id, statemachine.PartiallyFilled, 0, "100")
	partly.At = minute(59).Add(-ago)
	return filled, partly
}

func breakRows(rows []api.OpenBreak) string {
	var texts []string
	for _, b := range rows {
		texts = append(texts, b.OrderID+" "+b.Code+" "+b.Age)
	}
	return strings.Join(texts, ", ")
}

func TestBreaksAreListedOldestFirstWithCounts(t *testing.T) {
	const hour = time.Hour
	w := newWorld(t)
	s := start(t, w)
	empty := s.get(t, "/v1/breaks")
	require.Contains(t, string(empty.body), `"data":[],"nextCursor":null`)
	require.Zero(t, into[api.Breaks](t, empty).Counts.BySeverity["high"])
	require.Len(t, into[api.Breaks](t, empty).Counts.ByCode, len(statemachine.Rules()))
	for _, c := range []struct {
		id  string
		ago time.Duration
	}{{"hour", hour}, {"week", 7 * 24 * hour}, {"day", 30 * hour}, {"days", 60 * hour}, {"4 days", 4 * 24 * hour}} {
		filled, partly := broken(c.id, c.ago)
		w.receiveRaw(api.Record{Object: "x", Body: []byte(`{"id":"c"}`), Received: minute(59)})
		w.received(filled)
		w.received(partly)
	}
	over := order("over", statemachine.Filled, 0, "101")
	over.At = minute(59).Add(-50 * hour)
	w.received(over)
	s.apply(t)
	for _, c := range []struct{ query, rows string }{
		{"", "week possible_bust over-5, 4 days possible_bust 3-5, days possible_bust 1-2, over overfill 1-2, day possible_bust 1-2, hour possible_bust 0-1"},
		{"?code=overfill", "over overfill 1-2"},
		{"?code=overfill&code=reopened", "over overfill 1-2"},
		{"?severity=high", "over overfill 1-2"},
		{"?severity=warn&code=overfill", ""},
		{"?age=over-5", "week possible_bust over-5"},
		{"?age=0-1&age=3-5", "4 days possible_bust 3-5, hour possible_bust 0-1"},
		{"?severity=warn&age=1-2&limit=1", "days possible_bust 1-2"},
	} {
		t.Run("query "+c.query, func(t *testing.T) {
			a := s.get(t, "/v1/breaks"+c.query)
			require.Equal(t, c.rows, breakRows(into[api.Breaks](t, a).Data))
			require.Equal(t, "16", a.Header.Get("Log-Sequence"))
		})
	}
	all := into[api.Breaks](t, s.get(t, "/v1/breaks?limit=1"))
	require.NotNil(t, all.NextCursor)
	require.Equal(t, uint64(5), all.Counts.ByCode["possible_bust"], "whatever the page")
	require.Equal(t, map[string]uint64{"warn": 5, "high": 1}, all.Counts.BySeverity)
	require.Equal(t, map[string]uint64{"0-1": 1, "1-2": 3, "3-5": 1, "over-5": 1}, all.Counts.ByAge)
	some := into[api.Breaks](t, s.get(t, "/v1/breaks?severity=warn&age=1-2&limit=1")).Counts
	require.Equal(t, uint64(2), some.ByCode["possible_bust"])
	require.Equal(t, map[string]uint64{"warn": 2, "high": 0}, some.BySeverity)
	require.Equal(t, map[string]uint64{"0-1": 0, "1-2": 2, "3-5": 0, "over-5": 0}, some.ByAge)

	week := all.Data[0]
	require.Equal(t, 5, week.AgeDays, "settlement days, without a weekend")
	require.Equal(t, "FILLED", *week.Status)
	require.Equal(t, "TRADITIONAL", *week.AssetClass)
	require.Equal(t, into[shownOrder](t, s.get(t, "/v1/orders/week")).Breaks[0], week.Break)
}

// received returns a notification that arrives now, not on the day of the test.
func (w *world) received(n statemachine.Notification) {
	sequence := w.receive(n, `{}`)
	w.mu.Lock()
	defer w.mu.Unlock()
	n.Sequence, n.Received = sequence, minute(59)
	w.records[sequence-1].Received = n.Received
	w.said[sequence] = n
}

func TestPagesOfBreaksStayValidWhileBreaksOpenAndClose(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	for i := range 10 {
		filled, partly := broken(fmt.Sprint(i), time.Duration(100-i)*time.Hour)
		w.received(filled)
		w.received(partly)
	}
	s.apply(t)
	path, ids := "/v1/breaks?code=possible_bust&limit=3", []string{}
	for page := 0; path != ""; page++ {
		list := into[api.Breaks](t, s.get(t, path))
		require.Equal(t, uint64(10), list.Counts.ByCode["possible_bust"], "one closes for each that opens")
		for _, b := range list.Data {
			ids = append(ids, b.OrderID)
		}
		path = ""
		if list.NextCursor != nil {
			path = "/v1/breaks?code=possible_bust&limit=3&cursor=" + url.QueryEscape(*list.NextCursor)
		}
		asked := order(list.Data[0].OrderID, statemachine.Filled, 0, "40")
		asked.Kind, asked.At = statemachine.Fetched, minute(59)
		w.received(asked) // closes it
		filled, partly := broken(fmt.Sprint("new ", page), 200*time.Hour)
		w.received(filled)
		w.received(partly)
		s.apply(t)
	}
	require.Equal(t, "0 1 2 3 4 5 6 7 8 9", strings.Join(ids, " "))
	list := into[api.Breaks](t, s.get(t, "/v1/breaks"))
	require.NotContains(t, breakRows(list.Data), "0 possible_bust 3-5, ", "closed by itself")
	require.Contains(t, breakRows(list.Data), "new 0 possible_bust over-5")
	entries := into[api.List[api.HistoryEntry]](t, s.get(t, "/v1/orders/0/history")).Data
	require.Equal(t, []string{"possible_bust"}, entries[1].BreaksOpened)
	require.Equal(t, []string{"possible_bust"}, entries[2].BreaksClosed)
}

func TestTheMetricOfAClosedBreakIsZeroAndNotMissing(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	line := `orderfold_breaks{code="possible_bust",severity="warn"} `
	require.Contains(t, string(s.get(t, "/metrics").body), line+"0\n")
	filled, partly := broken("a", time.Hour)
	w.received(filled)
	w.received(partly)
	s.apply(t)
	require.Contains(t, string(s.get(t, "/metrics").body), line+"1\n")
	asked := order("a", statemachine.Filled, 0, "40")
	asked.Kind, asked.At = statemachine.Fetched, minute(59)
	w.received(asked)
	s.apply(t)
	text := string(s.get(t, "/metrics").body)
	require.Contains(t, text, line+"0\n")
	for _, rule := range statemachine.Rules() {
		require.Contains(t, text, fmt.Sprintf("orderfold_breaks{code=%q,severity=%q} ", rule.Code, rule.Severity))
	}
	lint(t, strings.NewReader(text))
	require.Equal(t, http.StatusOK, s.get(t, "/v1/breaks").StatusCode)
}

func TestTheAgeOfABreakIsCountedInSettlementDaysWhateverTheYear(t *testing.T) {
	s := start(t, newWorld(t))
	for id, at := range map[string]time.Time{"first": {}, "last": time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), "friday": minute(59).Add(-3 * 24 * time.Hour)} {
		n := order(id, "UNHEARD_OF", 0, "")
		n.At, n.Dated = at, true
		s.receive(n, `{}`)
	}
	s.apply(t)
	days := map[string]int{}
	for _, b := range into[api.Breaks](t, s.get(t, "/v1/breaks?code=unknown_status")).Data {
		days[b.OrderID] = b.AgeDays
	}
	require.Equal(t, map[string]int{"friday": 1, "first": 518_497, "last": -2_041_523}, days)
}
