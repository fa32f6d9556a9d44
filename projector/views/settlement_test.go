package views

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// usually is the settlement in most tests: on Wednesday 4 March 2026, with a cycle that begins between trade dates of
// the orders, a cycle whose due dates overlap those of the previous cycle, and a class without a cycle.
var usually = func() Settling {
	s, err := statemachine.NewSchedule([]statemachine.Cycle{
		{Class: statemachine.Traditional, Days: 2},
		{Class: statemachine.Traditional, Days: 0, From: statemachine.DayOf(2026, 3, 3)},
		{Class: statemachine.Digital, Days: 1, From: statemachine.DayOf(2026, 3, 1)},
	}, nil)
	if err != nil {
		panic(err)
	}
	return Settling{Schedule: s, Today: statemachine.DayOf(2026, 3, 4)}
}()

func settling(q Query) Query {
	q.Settling = usually
	return q
}

// ofSettlement applies the schedule to each order.
func ofSettlement(q *Query, o *statemachine.Order, state *statemachine.State) bool {
	if q.Schedule == nil {
		return true
	}
	s, _ := q.Schedule.Settlement(o.AssetClass(), state, q.Today)
	return (len(q.Settlement) == 0 || slices.Contains(q.Settlement, s.State)) &&
		(q.Due == statemachine.Days{} || s.Due >= q.Due.First && s.Due <= q.Due.Last && s.Due > 0)
}

// sortByDue sorts orders, which are sorted by the last notification, by due date and trade date. Orders without a due
// date come last: first those that traded before there was a cycle, by trade date, then the others.
func sortByDue(all []listed, q Query) {
	place := func(o listed) (never int, due, trade statemachine.Day) {
		s, _ := q.Schedule.Settlement(o.order.AssetClass(), &o.state, q.Today)
		cycles := q.Schedule.CyclesOf(o.order.AssetClass())
		switch {
		case s.Due > 0:
			return 0, s.Due, s.Trade
		case o.state.Traded > 0 && len(cycles) > 0:
			return 1, 0, o.state.Traded
		}
		return 2, 0, 0
	}
	direction := -1
	if q.Sort == EarliestDue {
		direction = 1
	}
	slices.SortStableFunc(all, func(a, b listed) int {
		aNever, aDue, aTrade := place(a)
		bNever, bDue, bTrade := place(b)
		return cmp.Or(cmp.Compare(aNever, bNever), direction*cmp.Compare(aDue, bDue), direction*cmp.Compare(aTrade, bTrade))
	})
}

func TestALineByDueDateIsSortedByDay(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	for i, at := range []string{"2026-03-06", "2026-03-02", "2026-03-07", "2026-03-05", "2026-03-08"} {
		day, err := time.Parse(time.DateOnly, at)
		require.NoError(t, err)
		w.notify(fmt.Sprint(at, " ", i), statemachine.Notification{Status: statemachine.Filled, AssetClass: statemachine.Traditional, At: day})
	}
	w.status("placed", statemachine.Placed)
	w.commit(t, s)
	schedule, err := statemachine.NewSchedule(nil, nil)
	require.NoError(t, err)
	q := Query{Sort: EarliestDue, Settling: Settling{Schedule: schedule, Today: statemachine.DayOf(2026, 3, 9)}, Limit: 2}
	want := []string{"2026-03-02 1", "2026-03-05 3", "2026-03-06 0", "2026-03-07 2", "2026-03-08 4", "placed"}
	require.Equal(t, want, walk(t, s, q))
	q.Sort = LatestDue
	require.Equal(t, []string{"2026-03-08 4", "2026-03-07 2", "2026-03-06 0", "2026-03-05 3", "2026-03-02 1", "placed"}, walk(t, s, q))
	q.Settlement = []statemachine.SettlementState{statemachine.SettlesToday}
	require.Equal(t, []string{"2026-03-05 3"}, walk(t, s, q))
	q.Today++
	require.Equal(t, []string{"2026-03-08 4", "2026-03-07 2", "2026-03-06 0"}, walk(t, s, q), "the next day, of the same views")
}

func TestACursorOfALineByDueDateBelongsToItsSchedule(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	crowd(t, s, 100)
	q := settling(Query{Sort: EarliestDue, Limit: 5})
	page, err := s.Orders(ctx, q)
	require.NoError(t, err)
	q.Cursor = page.Next
	q.Today++
	_, err = s.Orders(ctx, q)
	require.NoError(t, err, "a walk continues after midnight")
	other, err := statemachine.NewSchedule(nil, nil)
	require.NoError(t, err)
	q.Schedule = other
	_, err = s.Orders(ctx, q)
	require.ErrorIs(t, err, ErrCursor)
}

func TestForgedPlacesInALineByDueDateAreRefusedOrShowAnotherPart(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 100)
	q := settling(Query{Sort: EarliestDue, Limit: 5})
	lists := map[Sort]uint64{}
	for _, sort := range []Sort{EarliestDue, LatestDue} {
		q.Sort = sort
		page, err := s.Orders(context.Background(), q)
		require.NoError(t, err)
		lists[sort] = listOf(t, page.Next)
	}
	stands := positionOf(t, s)
	rapid.Check(t, func(t *rapid.T) {
		at := list.TimeKey(rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "place"))
		q.Sort = rapid.SampledFrom([]Sort{EarliestDue, LatestDue}).Draw(t, "sort")
		q.Cursor = list.EncodeCursor(stands, lists[q.Sort], at, 1000, 1000, rapid.Int64Min(0).Draw(t, "sequence"))
		_, err := s.Orders(context.Background(), q)
		if err != nil {
			require.ErrorIs(t, err, ErrCursor)
		}
	})
}
