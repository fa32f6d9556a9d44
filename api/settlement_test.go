package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// filled returns the notification of an order that was filled at that time.
func filled(id, at string) statemachine.Notification {
	n := order(id, statemachine.Filled, 0, "10")
	when, err := statemachine.ParseTime(at)
	if err != nil {
		panic(err)
	}
	n.At = when
	return n
}

// moveTo sets the clock.
func (w *world) moveTo(at string) {
	when, err := statemachine.ParseTime(at)
	if err != nil {
		panic(err)
	}
	w.move(when)
}

func settlementText(s *api.Settlement) string {
	if s == nil {
		return "null"
	}
	return strings.Join([]string{text(s.TradeDate), text(s.DueOn), text(s.Cycle), s.State, fmt.Sprint(s.OverdueDays)}, " ")
}

func TestTheTradeDateIsTheDayInBerlin(t *testing.T) {
	s := start(t, newWorld(t))
	for id, at := range map[string]string{"winter": "2026-02-10T23:30:00Z", "summer": "2025-07-01T23:30:00Z", "forward": "2025-03-29T23:30:00Z",
		"after": "2025-03-30T22:30:00Z", "back": "2025-10-25T22:30:00Z", "again": "2025-10-26T23:30:00Z", "day": "2026-02-10T22:59:59Z"} {
		s.receive(filled(id, at), `{}`)
	}
	s.apply(t)
	for id, want := range map[string]string{
		"winter":  "2026-02-11 2026-02-13 T+2 overdue 11",
		"day":     "2026-02-10 2026-02-12 T+2 overdue 12",
		"summer":  "2025-07-02 2025-07-04 T+2 overdue 168",
		"forward": "2025-03-30 2025-04-01 T+2 overdue 233", // a Sunday
		"after":   "2025-03-31 2025-04-02 T+2 overdue 232",
		"back":    "2025-10-26 2025-10-28 T+2 overdue 86", // a Sunday
		"again":   "2025-10-27 2025-10-29 T+2 overdue 85",
	} {
		require.Equal(t, want, settlementText(into[shownOrder](t, s.get(t, "/v1/orders/"+id)).Settlement), id)
	}
}

func TestAnOrderBecomesDueAndOverdueAtMidnightInBerlin(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	s.receive(filled("o-1", "2026-12-22T12:00:00Z"), `{}`) // due on Thursday the 24th
	s.receive(order("placed", statemachine.Placed, 1, ""), `{}`)
	s.apply(t)
	tag := ""
	for _, c := range []struct{ now, settlement, counts string }{
		{"2026-12-22T12:00:00Z", "pending 0", "pending 1, due 0, overdue 0, none 1; oldest null 0"},
		{"2026-12-23T22:59:59.999999999Z", "pending 0", "pending 1, due 0, overdue 0, none 1; oldest null 0"},
		{"2026-12-23T23:00:00Z", "due 0", "pending 0, due 1, overdue 0, none 1; oldest null 0"},
		{"2026-12-24T22:59:59Z", "due 0", "pending 0, due 1, overdue 0, none 1; oldest null 0"},
		{"2026-12-24T23:00:00Z", "overdue 0", "pending 0, due 0, overdue 1, none 1; oldest 2026-12-24 0"},
		{"2026-12-27T23:00:00Z", "overdue 1", "pending 0, due 0, overdue 1, none 1; oldest 2026-12-24 1"},
	} {
		w.moveTo(c.now)
		a := s.get(t, "/v1/orders/o-1")
		got := into[shownOrder](t, a).Settlement
		require.Equal(t, c.settlement, fmt.Sprint(got.State, " ", got.OverdueDays), c.now)
		changed := s.get(t, "/v1/orders/o-1", "If-None-Match: "+tag).StatusCode == http.StatusOK
		require.Equal(t, a.Header.Get("ETag") != tag, changed)
		tag = a.Header.Get("ETag")
		require.Equal(t, "o-1", ids(t, s.get(t, "/v1/orders?settlement="+got.State)), c.now)
		require.Equal(t, "o-1", ids(t, s.get(t, "/v1/orders?settlement="+got.State+"&dueOn=2026-12-24&sort=due")))
		require.Equal(t, "placed", ids(t, s.get(t, "/v1/orders?settlement=none")))
		stats := into[api.Stats](t, s.get(t, "/v1/stats"))
		require.Equal(t, c.counts, fmt.Sprintf("pending %d, due %d, overdue %d, none %d; oldest %s %d", stats.BySettlement["pending"],
			stats.BySettlement["due"], stats.BySettlement["overdue"], stats.BySettlement["none"], text(stats.Settlement.OldestDueOn), stats.Settlement.OldestOverdueDays))
		require.Equal(t, []api.DueDay{{DueOn: "2026-12-24", Orders: 1}}, stats.Settlement.Awaiting)
		metrics := string(s.get(t, "/metrics").body)
		require.Contains(t, metrics, fmt.Sprintf(`orderfold_orders_settlement{state=%q} 1`, got.State))
		require.Contains(t, metrics, fmt.Sprintf("orderfold_oldest_overdue %d\n", got.OverdueDays))
	}
	require.Equal(t, "2026-12-29", into[api.Stats](t, s.get(t, "/v1/stats")).Settlement.NextSettlementDay)
	require.Contains(t, string(s.get(t, "/v1/orders/o-1/explain").body), "executed on Tuesday 22 December, T+2, due Thursday 24 December.")
	s.receive(order("o-1", statemachine.Settled, 0, "10"), `{}`)
	s.apply(t)
	require.Equal(t, "settled", into[shownOrder](t, s.get(t, "/v1/orders/o-1")).Settlement.State)
	require.Equal(t, uint64(1), into[api.Stats](t, s.get(t, "/v1/stats")).BySettlement["settled"])
}

func TestAnOrderAsOfAPastMomentShowsWhatWasDueThen(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	for _, c := range []struct {
		said     statemachine.Notification
		received string
	}{
		{filled("o-1", "2026-02-24T12:00:00Z"), "2026-02-24T12:00:01Z"}, // due on the 26th
		{filled("o-2", "2026-02-25T12:00:00Z"), "2026-02-26T23:30:00Z"}, // due on the 27th, and received on it in Berlin
	} {
		sequence := s.receive(c.said, `{}`)
		at, err := statemachine.ParseTime(c.received)
		require.NoError(t, err)
		w.arrived(sequence, at)
	}
	s.apply(t)
	for query, want := range map[string]string{
		"":                           "2026-02-24 2026-02-26 T+2 overdue 2",
		"?asOfSequence=1":            "2026-02-24 2026-02-26 T+2 pending 0",
		"?asOfSequence=2":            "2026-02-24 2026-02-26 T+2 overdue 1",
		"?asOf=2026-02-24":           "2026-02-24 2026-02-26 T+2 pending 0",
		"?asOf=2026-02-26T22:59:59Z": "2026-02-24 2026-02-26 T+2 due 0",
		"?asOf=2026-02-26T23:00:00Z": "2026-02-24 2026-02-26 T+2 overdue 1",
		"?asOf=2026-03-09":           "2026-02-24 2026-02-26 T+2 overdue 2",
	} {
		require.Equal(t, want, settlementText(into[shownOrder](t, s.get(t, "/v1/orders/o-1"+query)).Settlement), query)
	}
	require.Contains(t, string(s.get(t, "/v1/orders/o-1/explain?asOf=2026-02-26T12:00:00Z").body), "It should settle today.")
	require.Contains(t, string(s.get(t, "/v1/orders/o-1/explain").body), "It is overdue by 2 settlement days.")
}

func TestOrdersAreListedBySettlement(t *testing.T) {
	w := newWorld(t)
	schedule, err := statemachine.NewSchedule([]statemachine.Cycle{{Class: statemachine.Digital, Days: 0}}, nil)
	require.NoError(t, err)
	s := start(t, w, func(o *api.Options) { o.Schedule = schedule })
	w.moveTo("2026-02-27T12:00:00Z")
	s.receive(filled("today", "2026-02-25T12:00:00Z"), `{}`)
	s.receive(filled("yesterday", "2026-02-24T12:00:00Z"), `{}`)
	s.receive(filled("monday", "2026-02-26T12:00:00Z"), `{}`)
	coin := filled("coin", "2026-02-27T12:00:00Z")
	coin.AssetClass = statemachine.Digital
	s.receive(coin, `{}`)
	token := filled("token", "2026-02-20T12:00:00Z")
	token.AssetClass = statemachine.Tokenized
	s.receive(token, `{}`)
	settled := filled("settled", "2026-02-23T12:00:00Z")
	s.receive(settled, `{}`)
	settled.Status, settled.At = statemachine.Settled, settled.At.AddDate(0, 0, 2)
	s.receive(settled, `{}`)
	s.receive(order("part", statemachine.PartiallyFilled, 1, "3"), `{}`)
	s.apply(t)
	for query, want := range map[string]string{
		"settlement=overdue&sort=due":                             "yesterday",
		"settlement=due&settlement=overdue&sort=due":              "yesterday today coin",
		"settlement=due&settlement=pending&sort=-due":             "monday coin today",
		"settlement=settled":                                      "settled",
		"settlement=none":                                         "part token",
		"sort=due":                                                "settled yesterday today coin monday token part",
		"sort=-due":                                               "monday coin today yesterday settled part token",
		"dueOn=2026-02-27&sort=due":                               "today coin",
		"dueOn=2026-02-27&assetClass=DIGITAL":                     "coin",
		"dueSince=2026-02-26&dueUntil=2026-02-27&sort=due":        "yesterday today coin",
		"dueUntil=2026-02-25":                                     "settled",
		"dueUntil=2026-02-25&settlement=overdue":                  "",
		"dueOn=2026-02-27&dueSince=2026-02-28":                    "",
		"settlement=overdue&settlement=settled&sort=due&side=BUY": "",
	} {
		require.Equal(t, want, ids(t, s.get(t, "/v1/orders?"+query)), query)
	}
	require.Equal(t, "orderId,settlement,tradeDate,dueOn,cycle,overdueDays\nyesterday,overdue,2026-02-24,2026-02-26,T+2,1\npart,none,,,,0\ntoken,,,,,\n",
		strings.ReplaceAll(string(s.get(t, "/v1/orders?format=csv&sort=due&fields=orderId,settlement,tradeDate,dueOn,cycle,overdueDays&settlement=overdue").body)+
			strings.SplitAfterN(string(s.get(t, "/v1/orders?format=csv&fields=orderId,settlement,tradeDate,dueOn,cycle,overdueDays&settlement=none").body), "\n", 2)[1], "\r", ""))
	require.Contains(t, string(s.get(t, "/v1/orders/part/explain").body), "It can still trade.")
	require.Equal(t, `null`, settlementText(into[shownOrder](t, s.get(t, "/v1/orders/token")).Settlement))
	require.Equal(t, `null null null none 0`, settlementText(into[shownOrder](t, s.get(t, "/v1/orders/part")).Settlement))
}

func TestTheCalendarContainsTheReasonWhyNothingSettles(t *testing.T) {
	closed, err := statemachine.ParseClosedDays("2026-12-31 # Inventory")
	require.NoError(t, err)
	schedule, err := statemachine.NewSchedule([]statemachine.Cycle{{Class: statemachine.Digital, Days: 0}}, closed)
	require.NoError(t, err)
	s := start(t, newWorld(t), func(o *api.Options) { o.Schedule = schedule })
	require.JSONEq(t, `{"from":"2026-12-24","until":"2027-01-01","data":[{"date":"2026-12-25","reason":"Christmas Day"},
		{"date":"2026-12-26","reason":"Boxing Day"},{"date":"2026-12-27","reason":"Sunday"},{"date":"2026-12-31","reason":"Inventory"},
		{"date":"2027-01-01","reason":"New Year's Day"}]}`, string(s.get(t, "/v1/calendar?from=2026-12-24&until=2027-01-01").body))
	year := into[api.Calendar](t, s.get(t, "/v1/calendar"))
	require.Equal(t, []string{"2026-03-02", "2027-03-02"}, []string{year.From, year.Until}, "from today, for a year")
	require.JSONEq(t, `{"from":"2026-03-02","until":"2026-03-02","data":[]}`, string(s.get(t, "/v1/calendar?until=2026-03-02").body))
	require.JSONEq(t, `{"from":"9999-12-31","until":"9999-12-31","data":[]}`, string(s.get(t, "/v1/calendar?from=9999-12-31").body))
	require.Equal(t, `[{TRADITIONAL T+2 2 null 2027-10-10} {TRADITIONAL T+1 1 2027-10-11 null} {DIGITAL T+0 0 null null}]`, cycles(into[api.States](t, s.get(t, "/v1/states")).Cycles))
}

func cycles(all []api.SettlementCycle) string {
	var texts []string
	for _, c := range all {
		texts = append(texts, fmt.Sprintf("{%s %s %d %s %s}", c.AssetClass, c.Cycle, c.Days, text(c.From), text(c.Until)))
	}
	return "[" + strings.Join(texts, " ") + "]"
}

// dayAfter reads the day event and the order events after it, until the event of a notification.
func (r *reader) dayAfter(t *testing.T) (day api.StreamDay, orders map[string]string, change shownChange) {
	t.Helper()
	e := r.next(t)
	require.Equal(t, "day", e.kind, "%s", e.data)
	require.Zero(t, e.id)
	day, orders = data[api.StreamDay](t, e), map[string]string{}
	for {
		e := r.next(t)
		require.Equal(t, "order", e.kind, "%s", e.data)
		change = data[shownChange](t, e)
		if e.id != 0 {
			return day, orders, change
		}
		orders[change.Order.OrderID] = fmt.Sprint(change.Order.Settlement.State, " ", change.Matches)
	}
}

func TestAStreamSendsOrdersThatBecomeDueOrOverdueAtMidnight(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	w.moveTo("2026-03-02T22:59:59Z")
	s.receive(filled("due", "2026-02-26T12:00:00Z"), `{}`)     // due on Monday 2 March
	s.receive(filled("pending", "2026-02-27T12:00:00Z"), `{}`) // due on Tuesday
	s.receive(filled("later", "2026-03-02T12:00:00Z"), `{}`)   // due on Wednesday
	s.receive(filled("overdue", "2026-02-25T12:00:00Z"), `{}`)
	s.apply(t)
	all, late, soon := s.listen(t, ""), s.listen(t, "?settlement=overdue"), s.listen(t, "?settlement=due&snapshot=false")
	require.Len(t, all.snapshot(t), 4)
	require.Len(t, late.snapshot(t), 1)
	wait := s.tell(t, order("before", statemachine.Placed, 1, ""))
	require.Equal(t, wait, all.change(t).Cause.Sequence)

	w.moveTo("2026-03-02T23:00:00Z")
	s.tell(t, filled("after", "2026-02-26T13:00:00Z"))
	day, orders, change := all.dayAfter(t)
	require.Equal(t, api.StreamDay{Today: "2026-03-03", Before: "2026-03-02", SettlementDays: 1}, day)
	require.Equal(t, map[string]string{"due": "overdue true", "pending": "due true"}, orders)
	require.Equal(t, "after overdue", change.Order.OrderID+" "+change.Order.Settlement.State)
	_, orders, _ = late.dayAfter(t)
	require.Equal(t, map[string]string{"due": "overdue true"}, orders)
	s.tell(t, filled("soon", "2026-02-27T13:00:00Z"))
	_, orders, change = soon.dayAfter(t)
	require.Equal(t, map[string]string{"due": "overdue false", "pending": "due true"}, orders)
	require.Equal(t, "soon", change.Order.OrderID)
}

func TestAStreamResumedAfterMidnightSendsOrdersThatBecameDueMeanwhile(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	for _, n := range []statemachine.Notification{filled("o-1", "2026-02-26T12:00:00Z"), filled("o-2", "2026-02-27T12:00:00Z"), filled("o-3", "2026-03-09T12:00:00Z")} {
		s.receive(n, `{}`)
	}
	s.apply(t)
	r := s.listen(t, "?settlement=overdue&settlement=due")
	require.Len(t, r.snapshot(t), 1)
	r.close()
	w.moveTo("2026-03-04T09:00:00Z")
	again := s.listen(t, "?settlement=overdue&settlement=due", fmt.Sprint("Last-Event-ID: ", r.lastID))
	s.tell(t, filled("now", "2026-02-02T12:00:00Z"))
	day, orders, change := again.dayAfter(t)
	require.Equal(t, api.StreamDay{Today: "2026-03-04", Before: "2026-03-02", SettlementDays: 2}, day)
	require.Equal(t, map[string]string{"o-1": "overdue true", "o-2": "overdue true"}, orders)
	require.Equal(t, "now", change.Order.OrderID)
}

func TestAStreamSendsAnOrderThatItsFiltersSelectedYesterdayAndThatSettledSince(t *testing.T) {
	w := newWorld(t)
	s := start(t, w)
	s.receive(filled("o-1", "2026-02-26T12:00:00Z"), `{}`) // due on Monday 2 March
	s.apply(t)
	r := s.listen(t, "?settlement=due")
	require.Len(t, r.snapshot(t), 1)
	r.close()
	w.moveTo("2026-03-03T09:00:00Z")
	settled := order("o-1", statemachine.Settled, 0, "10")
	settled.At = settled.At.AddDate(0, 0, 1)
	s.tell(t, settled)
	again := s.listen(t, "?settlement=due", fmt.Sprint("Last-Event-ID: ", r.lastID))
	day, orders, change := again.dayAfter(t)
	require.Equal(t, api.StreamDay{Today: "2026-03-03", Before: "2026-03-02", SettlementDays: 1}, day)
	require.Empty(t, orders)
	require.Equal(t, "o-1 settled false", fmt.Sprint(change.Order.OrderID, " ", change.Order.Settlement.State, " ", change.Matches))
}

// arrived sets the time at which a record was received.
func (w *world) arrived(sequence uint64, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records[sequence-1].Received = at
	n := w.said[sequence]
	n.Received = at
	w.said[sequence] = n
}
