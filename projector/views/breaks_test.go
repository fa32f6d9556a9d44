package views

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// breakText describes a break and its place in the list.
type breakText struct {
	opened time.Time
	id     string
	code   statemachine.Code
}

func compareBreaks(a, b breakText) int {
	return cmp.Or(a.opened.Compare(b.opened), cmp.Compare(a.id, b.id), cmp.Compare(a.code, b.code))
}

// breaks returns what q must find.
func (w *world) breaks(q BreakQuery) (found []breakText, counts [statemachine.Codes][Ages]uint64) {
	for id, o := range w.orders {
		for _, b := range o.State().Breaks {
			age := AgeOf(b.OpenedAt, q.Now)
			if (len(q.Codes) == 0 || slices.Contains(q.Codes, b.Code)) && (q.Severity == "" || q.Severity == b.Severity) &&
				(len(q.Ages) == 0 || slices.Contains(q.Ages, age)) {
				found = append(found, breakText{b.OpenedAt, id, b.Code})
				counts[b.Code][age]++
			}
		}
	}
	slices.SortFunc(found, compareBreaks)
	return found, counts
}

// requireBreaks compares all pages of q with the world.
func (w *world) requireBreaks(t require.TestingT, s *Store, q BreakQuery) {
	want, counts := w.breaks(q)
	var got []breakText
	for {
		page, err := s.Breaks(context.Background(), q)
		require.NoError(t, err)
		require.Equal(t, w.at, page.Applied)
		require.Equal(t, counts, page.Counts)
		for _, b := range page.Breaks {
			require.Contains(t, b.Order.State().Breaks, b.Break)
			got = append(got, breakText{b.Break.OpenedAt, b.Order.ID, b.Break.Code})
		}
		if page.Next == "" {
			break
		}
		require.Len(t, page.Breaks, q.Limit)
		q.Cursor = page.Next
	}
	require.True(t, slices.IsSortedFunc(got, func(a, b breakText) int { return a.opened.Compare(b.opened) }), "oldest first")
	slices.SortFunc(got, compareBreaks) // breaks opened at the same time have no defined order
	require.Equal(t, want, got)
}

func TestBreaksAreSelectedByCodeSeverityAndAge(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	hours := []int{0, 1, 23, 24, 25, 47, 71, 72, 73, 100, 119, 120, 121, 500, -5}
	for i := range 300 {
		id := fmt.Sprintf("o-%d", i)
		opened := start.Add(-time.Duration(hours[i%len(hours)]) * time.Hour)
		w.notify(id, statemachine.Notification{Status: statemachine.Filled, At: opened.Add(-time.Hour), Executed: "5"})
		switch i % 3 {
		case 0:
			w.notify(id, statemachine.Notification{Status: statemachine.PartiallyFilled, At: opened, Executed: "3"})
		case 1:
			w.notify(id, statemachine.Notification{Status: "UNHEARD_OF", At: opened})
		}
	}
	w.commit(t, s)
	requireConsistent(t, s)
	for _, severity := range []statemachine.Severity{"", statemachine.Warn, statemachine.High} {
		for _, codes := range [][]statemachine.Code{nil, {statemachine.PossibleBust}, {statemachine.Overfill},
			{statemachine.UnknownStatus, statemachine.PossibleBust, statemachine.PossibleBust}} {
			for _, ages := range [][]Age{nil, {list.UnderOneDay}, {list.OneToThree}, {list.ThreeToFive}, {FiveDaysOrMore}, {FiveDaysOrMore, list.OneToThree}} {
				for _, limit := range []int{7, 500} {
					w.requireBreaks(t, s, BreakQuery{Codes: codes, Severity: severity, Ages: ages, Now: start, Limit: limit})
				}
			}
		}
	}
}

func TestABreakIsListedFromTheNotificationThatOpensItToTheOneThatClosesIt(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	q := BreakQuery{Codes: []statemachine.Code{statemachine.CloseAfterFill}, Now: start, Limit: 10}
	w.notify("a", statemachine.Notification{Status: statemachine.Filled, At: start})
	w.commit(t, s)
	w.requireBreaks(t, s, q)
	w.notify("a", statemachine.Notification{Status: statemachine.Canceled, At: start.Add(time.Hour)})
	w.commit(t, s)
	w.requireBreaks(t, s, q)
	w.notify("a", statemachine.Notification{Status: statemachine.Canceled, At: start.Add(time.Minute)}) // the break turns out to have opened earlier
	w.commit(t, s)
	w.requireBreaks(t, s, q)
	requireConsistent(t, s)
	page, err := s.Breaks(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, page.Breaks, 1)
	require.Equal(t, start.Add(time.Minute), page.Breaks[0].Break.OpenedAt)
	w.notify("a", statemachine.Notification{Kind: statemachine.Fetched, Status: statemachine.Canceled, At: start.Add(2 * time.Hour)})
	w.commit(t, s)
	w.requireBreaks(t, s, q)
	requireConsistent(t, s)
	page, err = s.Breaks(t.Context(), q)
	require.NoError(t, err)
	require.Empty(t, page.Breaks)
	require.Zero(t, page.Counts)
}

func TestPagesOfBreaksContinueWhileBreaksOpenAndClose(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	odd := func(id string, minute int) {
		w.notify(id, statemachine.Notification{Status: "UNHEARD_OF", At: start.Add(time.Duration(minute) * time.Minute)})
	}
	for i := range 40 {
		odd(fmt.Sprint(i), i/4) // in pages of four
	}
	w.commit(t, s)
	q := BreakQuery{Codes: []statemachine.Code{statemachine.UnknownStatus}, Now: start, Limit: 6}
	seen := map[string]int{}
	for i := 0; ; i++ {
		page, err := s.Breaks(t.Context(), q)
		require.NoError(t, err)
		for _, b := range page.Breaks {
			seen[b.Order.ID]++
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
		odd(fmt.Sprint("early ", i), -i)
		odd(fmt.Sprint("late ", i), 100+i)
		last := page.Breaks[len(page.Breaks)-1].Order.ID
		w.notify(last, statemachine.Notification{Kind: statemachine.Fetched, Status: statemachine.Placed, At: start.Add(time.Hour)})
		w.notify(fmt.Sprint(39-i), statemachine.Notification{Status: statemachine.Filled, At: start}) // the order moves in the list of orders
		w.commit(t, s)
	}
	for i := range 40 {
		require.Equal(t, 1, seen[fmt.Sprint(i)], i)
	}
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
	require.Contains(t, seen, "late 0")
	require.NotContains(t, seen, "early 0", "it belongs before what was shown")
}

func TestABreakWithAnImpossibleTimeIsListed(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	for i, year := range []int{-1, 2, 1600, 1700, 2026, 2200, 2300, 9999, 10000} {
		w.notify(fmt.Sprint("o-", i), statemachine.Notification{Status: "UNHEARD_OF", At: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)})
	}
	w.commit(t, s)
	for _, limit := range []int{1, 500} {
		page, err := s.Breaks(t.Context(), BreakQuery{Now: start, Limit: limit})
		require.NoError(t, err)
		for age, want := range map[Age]uint64{list.UnderOneDay: 4, FiveDaysOrMore: 5} {
			require.Equal(t, want, page.Counts[statemachine.UnknownStatus][age], age)
		}
		found := len(page.Breaks)
		for page.Next != "" {
			page, err = s.Breaks(t.Context(), BreakQuery{Now: start, Limit: limit, Cursor: page.Next})
			require.NoError(t, err)
			found += len(page.Breaks)
		}
		require.Equal(t, 9+4, found, "those to come are clock_skew, too")
	}
}

func TestTheCursorOfBreaksBelongsToItsList(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 300)
	q := BreakQuery{Now: start, Limit: 1}
	page, err := s.Breaks(t.Context(), q)
	require.NoError(t, err)
	require.NotEmpty(t, page.Next)
	for name, other := range map[string]BreakQuery{
		"another severity": {Severity: statemachine.High},
		"another code":     {Codes: []statemachine.Code{statemachine.Overfill}},
		"another age":      {Ages: []Age{list.UnderOneDay}},
	} {
		other.Now, other.Cursor = start, page.Next
		_, err := s.Breaks(t.Context(), other)
		require.ErrorIs(t, err, ErrCursor, name)
		require.NotErrorIs(t, err, ErrCursorExpired, name)
	}
	_, err = s.Orders(t.Context(), Query{Cursor: page.Next})
	require.ErrorIs(t, err, ErrCursor)
	q.Cursor = list.EncodeCursor(list.Position{Lineage: 2}, listOf(t, page.Next), list.TimeKeyOf(start), 2, 3)
	_, err = s.Breaks(t.Context(), q)
	require.ErrorIs(t, err, ErrCursorExpired)
	for opened, key := range map[list.TimeKey][]int64{"": {math.MinInt64, 255}, list.TimeKeyOf(start): {math.MaxInt64, math.MaxInt64},
		list.TimeKey(strings.Repeat("\xff", 12)): {-1, -1}} {
		q.Cursor = list.EncodeCursor(positionOf(t, s), listOf(t, page.Next), opened, key...)
		_, err = s.Breaks(t.Context(), q)
		require.NoError(t, err, "a forged cursor shows a part of the list")
	}
	for name, cursor := range map[string]string{
		"a number too few": list.EncodeCursor(positionOf(t, s), listOf(t, page.Next), list.TimeKeyOf(start), 1),
		"half a time":      list.EncodeCursor(positionOf(t, s), listOf(t, page.Next), list.TimeKeyOf(start)[:6], 1, 2),
		"more than a time": list.EncodeCursor(positionOf(t, s), listOf(t, page.Next), list.TimeKeyOf(start)+"x", 1, 2),
	} {
		q.Cursor = cursor
		_, err = s.Breaks(t.Context(), q)
		require.ErrorIs(t, err, ErrCursor, name)
	}
}

func TestBreaksAreReadFromTheirIndex(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 2_000)
	for _, q := range []BreakQuery{{Now: start, Limit: 1}, {Now: start.Add(48 * time.Hour), Codes: []statemachine.Code{statemachine.UnknownStatus}, Limit: 1}} {
		page, err := s.Breaks(t.Context(), q)
		require.NoError(t, err)
		q.Cursor = page.Next
		_, err = s.Breaks(t.Context(), q)
		require.NoError(t, err)
		require.NotEmpty(t, q.Cursor)
	}
	seen := map[string]bool{}
	requirePlans(t, s, seen)
	require.NotEmpty(t, seen)
}
