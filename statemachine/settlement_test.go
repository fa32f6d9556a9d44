package statemachine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func day(t testing.TB, text string) statemachine.Day {
	t.Helper()
	d, err := statemachine.ParseDay(text)
	require.NoError(t, err)
	return d
}

// schedule returns the default schedule with additional cycles.
func schedule(t testing.TB, cycles ...string) *statemachine.Schedule {
	t.Helper()
	parsed, err := statemachine.ParseCycles(cycles)
	require.NoError(t, err)
	s, err := statemachine.NewSchedule(parsed, nil)
	require.NoError(t, err)
	return s
}

// filledAt returns the state of an order that was filled at a time.
func filledAt(at time.Time) statemachine.State {
	o := statemachine.Order{ID: "filled"}
	o.Apply(&statemachine.Notification{OrderID: o.ID, AssetClass: statemachine.Traditional, Status: statemachine.Filled, At: at,
		Executed: "10", Sequence: 1, Received: at})
	return o.State()
}

func TestOrdersAreDueOnTheDaysOfTheExamples(t *testing.T) {
	for _, c := range []struct{ trade, due, cycle string }{
		{"2026-12-23", "2026-12-28", "T+2"},
		{"2026-12-24", "2026-12-29", "T+2"},
		{"2027-03-24", "2027-03-30", "T+2"},
		{"2027-10-07", "2027-10-11", "T+2"},
		{"2027-10-08", "2027-10-12", "T+2"},
		{"2027-10-09", "2027-10-12", "T+2"}, // a Saturday
		{"2027-10-10", "2027-10-12", "T+2"}, // a Sunday
		{"2027-10-11", "2027-10-12", "T+1"},
		{"2027-10-12", "2027-10-13", "T+1"},
		{"2027-10-15", "2027-10-18", "T+1"},
	} {
		state := filledAt(day(t, c.trade).Date().Add(12 * time.Hour))
		s, known := schedule(t).Settlement(statemachine.Traditional, &state, day(t, c.trade))
		require.True(t, known)
		require.Equal(t, []string{c.trade, c.due, c.cycle}, []string{s.Trade.String(), s.Due.String(), s.Cycle()})
		require.Equal(t, statemachine.SettlesLater, s.State)
	}
}

// paschalMoons are the dates of the ecclesiastical full moon by golden number, as prayer books print them for 1900 to 2199.
var paschalMoons = strings.Fields("4-14 4-3 3-23 4-11 3-31 4-18 4-8 3-28 4-16 4-5 3-25 4-13 4-2 3-22 4-10 3-30 4-17 4-7 3-27")

// closedByTheTables derives in a second way whether a day is closed: Easter from the printed full moons,
// and dates compared as strings.
func closedByTheTables(t testing.TB, at time.Time) bool {
	moon, err := time.Parse("2006-1-2", fmt.Sprintf("%d-%s", at.Year(), paschalMoons[at.Year()%19]))
	require.NoError(t, err)
	easter := moon.AddDate(0, 0, 1)
	for easter.Weekday() != time.Sunday {
		easter = easter.AddDate(0, 0, 1)
	}
	closed := []string{"01-01", "05-01", "12-25", "12-26", easter.AddDate(0, 0, -2).Format("01-02"), easter.AddDate(0, 0, 1).Format("01-02")}
	return at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || strings.Contains(strings.Join(closed, " "), at.Format("01-02"))
}

func TestClosedAndDueDaysFrom2020To2060AgreeWithASecondDerivation(t *testing.T) {
	var calendar statemachine.Calendar
	var dates, open []time.Time // open: settlement days, ascending
	first, end := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2061, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := first; at.Before(end.AddDate(0, 1, 0)); at = at.AddDate(0, 0, 1) {
		dates = append(dates, at)
		if !closedByTheTables(t, at) {
			open = append(open, at)
		}
	}
	base, passed := day(t, "2019-12-31"), 0
	for _, at := range dates {
		if !at.Before(end) {
			break
		}
		d := day(t, at.Format(time.DateOnly))
		closed := calendar.Closed(d)
		require.Equal(t, closedByTheTables(t, at), closed != "", "%s: %s", d, closed)
		require.Equal(t, at, d.Date())
		require.Equal(t, at.Weekday(), d.Weekday())
		next := passed // the index of the first settlement day after it
		if closed == "" {
			passed++
			next = passed
			require.Equal(t, d, calendar.Due(d, 0))
		} else {
			require.Equal(t, open[next].Format(time.DateOnly), calendar.Due(d, 0).String())
		}
		for _, days := range []int{1, 2, 3} {
			require.Equal(t, open[next+days-1].Format(time.DateOnly), calendar.Due(d, days).String(), "%s T+%d", d, days)
		}
		require.Equal(t, passed, calendar.Between(base, d))
		require.Equal(t, -passed, calendar.Between(d, base))
	}
	require.Greater(t, passed, 10_000)
}

func TestATradeDateIsADayInBerlin(t *testing.T) {
	for _, c := range []struct{ name, at, day string }{
		{"half an hour before midnight UTC in winter", "2026-12-22T23:30:00Z", "2026-12-23"},
		{"the last nanosecond of a winter day", "2026-12-22T22:59:59.999999999Z", "2026-12-22"},
		{"half an hour before midnight UTC in summer", "2026-07-01T23:30:00Z", "2026-07-02"},
		{"two hours before midnight UTC in summer", "2026-07-01T22:00:00Z", "2026-07-02"},
		{"a nanosecond earlier in summer", "2026-07-01T21:59:59.999999999Z", "2026-07-01"},
		{"midnight before clocks go forward", "2026-03-28T23:00:00Z", "2026-03-29"},
		{"a second before the midnight before clocks go forward", "2026-03-28T22:59:59Z", "2026-03-28"},
		{"midnight after clocks went forward", "2026-03-29T22:00:00Z", "2026-03-30"},
		{"a second before the midnight after clocks went forward", "2026-03-29T21:59:59Z", "2026-03-29"},
		{"midnight before clocks go back", "2026-10-24T22:00:00Z", "2026-10-25"},
		{"a second before the midnight after clocks went back", "2026-10-25T22:59:59Z", "2026-10-25"},
		{"midnight after clocks went back", "2026-10-25T23:00:00Z", "2026-10-26"},
		{"an offset of another zone", "2026-12-22T13:30:00-11:00", "2026-12-23"},
		{"the earliest valid time", "0001-01-01T00:00:00+23:59", "0001-01-01"},
		{"the latest valid time", "9999-12-31T23:59:59-23:59", "9999-12-31"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := statemachine.ParseTime(c.at)
			require.NoError(t, err)
			require.Equal(t, c.day, statemachine.BerlinDay(at).String())
			require.Equal(t, c.day, filledAt(at).Traded.String())
		})
	}
}

func TestBerlinDayAgreesWithTheTimeZoneDatabase(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for at := time.Date(1996, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2061; at = at.Add(time.Hour) {
		if got, want := statemachine.BerlinDay(at), at.In(berlin); got.Date().YearDay() != want.YearDay() || got.Date().Year() != want.Year() {
			require.Equal(t, want.Format(time.DateOnly), got.String(), "%s", at)
		}
	}
}

// @n is n minutes after 09:00 UTC on Monday, 2 March 2026; a day has 1,440 minutes.
func TestTheTradeDateIsTheDayOfTheFactThatCompletedOrClosedTheOrder(t *testing.T) {
	for _, c := range []struct{ name, facts, trade, state string }{
		{"a fill", "PLACED · FILLED 10", "2026-03-02", "due"},
		{"a fill on a later day than the first part", "PARTIALLY_FILLED 3 @1 · FILLED 10 @1441", "2026-03-03", "pending"},
		{"part executed and still trading", "PLACED · PARTIALLY_FILLED 3", "", "none"},
		{"partially filled and then cancelled", "PARTIALLY_FILLED 3 @1 · CANCELED 3 @1441", "2026-03-03", "pending"},
		{"partially filled and expired", "PARTIALLY_FILLED 3 @1 · EXPIRED 3 @1441", "2026-03-03", "pending"},
		{"cancelled with nothing executed", "PLACED · CANCELED", "", ""},
		{"placed", "PLACED", "", ""},
		{"a fill after the close", "CANCELED @1 · FILLED 10 @1441", "2026-03-03", "pending"},
		{"settled", "FILLED 10 @1 · SETTLED 10 @2881", "2026-03-02", "settled"},
		{"settled after a cancellation of the rest", "PARTIALLY_FILLED 3 · CANCELED 3 @2 · SETTLED 3 @2881", "2026-03-02", "settled"},
		{"settled without a known fill", "PLACED · SETTLED", "", "settled"},
		{"filled and then corrected", "FILLED 10 @1 · CORRECTED @1441", "2026-03-02", "due"},
		{"corrected and filled again", "FILLED 10 @1 · CORRECTED @1441 · FILLED 9 @2881", "2026-03-04", "pending"},
		{"corrected and cancelled: a bust", "FILLED 10 @1 · CORRECTED @1441 · CANCELED @2881", "", ""},
		{"only the correction known", "CORRECTED @1441", "2026-03-03", "pending"},
		{"corrected and settled", "FILLED 10 @1 · CORRECTED @1441 · SETTLED 10 @2881", "2026-03-02", "settled"},
		{"restated as filled", "PLACED · CANCELED @2 · GET:FILLED 10 @1441", "2026-03-03", "pending"},
		{"restated as settled", "FILLED 10 @1 · GET:SETTLED @1441", "2026-03-02", "settled"},
		{"restated as cancelled with nothing executed", "FILLED 10 @1 · GET:CANCELED 0 @1441", "", ""},
		{"an unknown status", "MYSTERY 3", "", "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			permutations(parseFacts(t, c.facts), func(facts []statemachine.Notification) {
				state := fold(facts).State()
				require.Equal(t, c.trade, state.Traded.String())
				s, known := schedule(t).Settlement(statemachine.Traditional, &state, day(t, "2026-03-04"))
				require.Equal(t, c.state != "", known)
				if known {
					require.Equal(t, c.state, string(s.State))
				} else {
					require.Equal(t, statemachine.NothingToSettle, s.State)
				}
				require.Equal(t, c.trade, s.Trade.String())
			})
		})
	}
}

func TestAnOrderIsPendingDueAndOverdueInSettlementDays(t *testing.T) {
	state := filledAt(day(t, "2026-12-22").Date()) // due on Thursday 24 December
	for _, c := range []struct {
		today, state string
		overdue      int
	}{
		{"2026-12-23", "pending", 0}, {"2026-12-24", "due", 0}, {"2026-12-25", "overdue", 0}, {"2026-12-27", "overdue", 0},
		{"2026-12-28", "overdue", 1}, {"2026-12-31", "overdue", 4}, {"2027-01-01", "overdue", 4}, {"2027-01-04", "overdue", 5},
	} {
		s, _ := schedule(t).Settlement(statemachine.Traditional, &state, day(t, c.today))
		require.Equal(t, c.state, string(s.State), c.today)
		require.Equal(t, c.overdue, s.OverdueDays, c.today)
	}
}

func TestAClassWithoutACycleDoesNotSettle(t *testing.T) {
	state := filledAt(day(t, "2026-12-26").Date()) // a Saturday
	for _, c := range []struct {
		class  statemachine.AssetClass
		cycles string
		due    string
	}{
		{statemachine.Digital, "", ""},
		{0, "DIGITAL=0", ""},
		{statemachine.Digital, "DIGITAL=0", "2026-12-28"},
		{statemachine.Digital, "DIGITAL=0@2026-12-27", ""},
		{statemachine.Digital, "DIGITAL=0@2026-12-26", "2026-12-28"},
		{statemachine.Traditional, "TRADITIONAL=3", "2026-12-30"},
		{statemachine.Traditional, "TRADITIONAL=1@2027-01-01", "2026-12-29"},
		{statemachine.Traditional, "TRADITIONAL=3 TRADITIONAL=1@2026-12-26", "2026-12-28"},
	} {
		s, known := schedule(t, strings.Fields(c.cycles)...).Settlement(c.class, &state, day(t, "2027-01-01"))
		require.Equal(t, c.due != "", known, c.cycles)
		require.Equal(t, c.due, s.Due.String(), c.cycles)
	}
}

func TestConfiguredCyclesReplaceTheDefaults(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"", "TRADITIONAL T+2 –2027-10-10, TRADITIONAL T+1 2027-10-11–"},
		{"TRADITIONAL=3", "TRADITIONAL T+3 –"},
		{"TRADITIONAL=0@2027-06-01", "TRADITIONAL T+2 –2027-05-31, TRADITIONAL T+0 2027-06-01–"},
		{"TRADITIONAL=0@2030-01-01", "TRADITIONAL T+2 –2027-10-10, TRADITIONAL T+1 2027-10-11–2029-12-31, TRADITIONAL T+0 2030-01-01–"},
		{"TOKENIZED=1@2027-01-01 TOKENIZED=2", "TRADITIONAL T+2 –2027-10-10, TRADITIONAL T+1 2027-10-11–, TOKENIZED T+2 –2026-12-31, TOKENIZED T+1 2027-01-01–"},
	} {
		var got []string
		for _, cycle := range schedule(t, strings.Fields(c.given)...).Cycles() {
			got = append(got, fmt.Sprintf("%s %s %s–%s", cycle.Class, cycle.Name(), cycle.From, cycle.Until))
		}
		require.Equal(t, c.want, strings.Join(got, ", "), c.given)
	}
}

func TestInvalidCyclesAreRefused(t *testing.T) {
	for text, message := range map[string]string{
		"":                           "does not begin with an asset class",
		"BONDS=2":                    "does not begin with an asset class",
		"traditional=2":              "does not begin with an asset class",
		"TRADITIONAL":                "write 0 to 99, as in TRADITIONAL=2",
		"TRADITIONAL=":               "write 0 to 99",
		"TRADITIONAL=-1":             "write 0 to 99",
		"TRADITIONAL=02":             "write 0 to 99",
		"TRADITIONAL=100":            "write 0 to 99",
		"TRADITIONAL=T+2":            "write 0 to 99",
		"TRADITIONAL=1@":             "the first trade date is not a day",
		"TRADITIONAL=1@11.10.2027":   "the first trade date is not a day",
		"TRADITIONAL=1@2027-02-29":   "the first trade date is not a day",
		"TRADITIONAL=1@2027-10-11Z":  "the first trade date is not a day",
		"TRADITIONAL=1 @ 2027-10-11": "write 0 to 99",
	} {
		_, err := statemachine.ParseCycle(text)
		require.ErrorContains(t, err, message, text)
	}
	_, err := statemachine.ParseCycles([]string{"DIGITAL=0", "A=1", "B=2"})
	require.ErrorContains(t, err, `"A=1"`)
	require.ErrorContains(t, err, `"B=2"`)
	twice, err := statemachine.ParseCycles([]string{"DIGITAL=0", "TOKENIZED=1", "DIGITAL=1"})
	require.NoError(t, err)
	_, err = statemachine.NewSchedule(twice, nil)
	require.EqualError(t, err, "DIGITAL has two cycles from the same trade date on, T+0 and T+1")
}

func TestClosedDaysAreParsedAndInvalidLinesListed(t *testing.T) {
	days, err := statemachine.ParseClosedDays("\ufeff2026-12-24 # Christmas Eve\r\n\n# of 2027\n 2027-12-31\n2026-12-26\n")
	require.NoError(t, err)
	s, err := statemachine.NewSchedule(nil, days)
	require.NoError(t, err)
	require.Equal(t, "Christmas Eve", s.Closed(day(t, "2026-12-24")))
	require.Equal(t, "closed by the operator", s.Closed(day(t, "2027-12-31")))
	require.Equal(t, "Boxing Day", s.Closed(day(t, "2026-12-26")), "a holiday keeps its own reason")
	require.Equal(t, "2026-12-29", s.Due(day(t, "2026-12-23"), 2).String())
	require.Equal(t, 1, s.Between(day(t, "2026-12-23"), day(t, "2026-12-28")))
	require.NotEqual(t, schedule(t).Digest(), s.Digest())

	_, err = statemachine.ParseClosedDays("2026-12-24\ntomorrow\n2026-02-30\n2026-12-24 2026-12-31\n2026-12-31 # " + strings.Repeat("x", 201) + "\n")
	require.EqualError(t, err, `line 2: "tomorrow" is not a date such as 2026-12-24
line 3: "2026-02-30" is not a date such as 2026-12-24
line 4: "2026-12-24 2026-12-31" is not a date such as 2026-12-24
line 5: the reason has 201 bytes; at most 200 are read`)
	_, err = statemachine.ParseClosedDays(strings.Repeat("x\n", 25))
	require.ErrorContains(t, err, "line 20:")
	require.ErrorContains(t, err, "and 5 more lines")
	require.NotContains(t, err.Error(), "line 21")
}

func TestTheClosedDaysOfAYearHaveReasons(t *testing.T) {
	var got []string
	for _, closed := range schedule(t).ClosedDays(day(t, "2026-01-01"), day(t, "2026-12-31")) {
		if weekday := closed.Day.Weekday(); weekday != time.Saturday && weekday != time.Sunday || closed.Reason != weekday.String() {
			got = append(got, closed.Day.String()[5:]+" "+closed.Reason)
		}
	}
	require.Equal(t, "01-01 New Year's Day, 04-03 Good Friday, 04-06 Easter Monday, 05-01 Labour Day, 12-25 Christmas Day, 12-26 Boxing Day",
		strings.Join(got, ", "))
}

func TestExplainDescribesWhenAnOrderShouldSettle(t *testing.T) {
	for _, c := range []struct{ cycles, trade, today, said string }{
		{"", "2026-12-23", "2026-12-23", "The order was executed on Wednesday 23 December, T+2, due Monday 28 December; TARGET is closed on the 25th and at the weekend."},
		{"", "2026-12-23", "2026-12-28", "The order was executed on Wednesday 23 December, T+2, due Monday 28 December; TARGET is closed on the 25th and at the weekend. It should settle today."},
		{"", "2026-12-23", "2026-12-29", "The order was executed on Wednesday 23 December, T+2, due Monday 28 December; TARGET is closed on the 25th and at the weekend. It is overdue by 1 settlement day."},
		{"", "2026-12-30", "2027-01-07", "The order was executed on Wednesday 30 December 2026, T+2, due Monday 4 January; TARGET is closed on the 1st and at the weekend. It is overdue by 3 settlement days."},
		{"", "2027-03-24", "2027-03-24", "The order was executed on Wednesday 24 March, T+2, due Tuesday 30 March; TARGET is closed on the 26th, the 29th and at the weekend."},
		{"", "2026-03-02", "2026-03-02", "The order was executed on Monday 2 March, T+2, due Wednesday 4 March."},
		{"TRADITIONAL=0", "2026-03-08", "2026-03-08", "The order was executed on Sunday 8 March, T+0, due Monday 9 March; TARGET is closed at the weekend."},
		{"TRADITIONAL=9", "2026-03-02", "2026-03-02", "The order was executed on Monday 2 March, T+9, due Friday 13 March; TARGET is closed at the weekend."},
		{"TRADITIONAL=99", "2026-01-02", "2026-01-02", "The order was executed on Friday 2 January, T+99, due Tuesday 26 May; TARGET is closed on the 3rd, the 6th, the 1st and at weekends."},
	} {
		s := schedule(t, strings.Fields(c.cycles)...)
		state := filledAt(day(t, c.trade).Date().Add(12 * time.Hour))
		of, _ := s.Settlement(statemachine.Traditional, &state, day(t, c.today))
		require.Equal(t, c.said, strings.Join(s.Explain(&of, day(t, c.today)), " "))
	}
}

func TestTheTradeDatesOfDueDaysAreARange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5)
		cycles := []statemachine.Cycle{{Class: statemachine.Traditional, Days: n.Draw(t, "before")},
			{Class: statemachine.Traditional, Days: n.Draw(t, "after"), From: statemachine.DayOf(2027, 4, 1)}}
		var closed []statemachine.ClosedDay
		for _, d := range rapid.SliceOfN(rapid.IntRange(0, 40), 0, 20).Draw(t, "closed") {
			closed = append(closed, statemachine.ClosedDay{Day: statemachine.DayOf(2027, 3, 10+d), Reason: "closed"})
		}
		s, err := statemachine.NewSchedule(cycles, closed)
		require.NoError(t, err)
		first := statemachine.DayOf(2027, 3, 1+rapid.IntRange(0, 60).Draw(t, "first"))
		due := statemachine.Days{First: first, Last: first + statemachine.Day(rapid.IntRange(-1, 20).Draw(t, "length"))}
		for i := range s.CyclesOf(statemachine.Traditional) {
			cycle := &s.CyclesOf(statemachine.Traditional)[i]
			traded, of := s.Traded(cycle, due), cycle.DaysOf()
			for d := statemachine.DayOf(2027, 1, 1); d < statemachine.DayOf(2027, 7, 1); d++ {
				is := d >= of.First && d <= of.Last && s.Due(d, cycle.Days) >= due.First && s.Due(d, cycle.Days) <= due.Last
				require.Equal(t, is, d >= traded.First && d <= traded.Last, "%s of %v", d, due)
			}
		}
	})
}
