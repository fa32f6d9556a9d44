package views

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// crowd is a world of many orders in every state, some of them rare.
func crowd(t testing.TB, s *Store, orders int) *world {
	w := newWorld()
	random := rand.New(rand.NewPCG(1, 2))
	paths := [][]statemachine.Status{
		{statemachine.Placed},
		{statemachine.Placed, statemachine.Filled, statemachine.Settled},
		{statemachine.Placed, statemachine.PartiallyFilled},
		{statemachine.Placed, statemachine.PartiallyFilled, statemachine.Canceled},
		{statemachine.Placed, statemachine.Canceled},
		{statemachine.Placed, statemachine.Filled},
	}
	rare := [][]statemachine.Status{
		{""},
		{statemachine.Invalid},
		{statemachine.Placed, "UNHEARD_OF"},
		{statemachine.Canceled, statemachine.Expired, statemachine.Placed},
		{statemachine.Filled, statemachine.PartiallyFilled, statemachine.Placed},
		{statemachine.Settled},
	}
	for i := range orders {
		path := paths[random.IntN(len(paths))]
		if i%97 == 0 {
			path = rare[i/97%len(rare)]
		}
		n := statemachine.Notification{AssetClass: statemachine.AssetClass(1 + random.IntN(3))}
		if i%3 == 0 {
			n.Details[statemachine.ExternalID] = fmt.Sprintf("ext-%d", i/6)
		}
		for step, status := range path {
			n.Status, n.At = status, start.Add(time.Duration(step)*time.Second)
			// The steps of other orders come in between, and the last one of some very late.
			w.notify(fmt.Sprintf("o-%d", i), n)
			if i > 0 && random.IntN(4) == 0 {
				w.notify(fmt.Sprintf("o-%d", random.IntN(i)), statemachine.Notification{})
			}
		}
		if i%1000 == 999 {
			w.commit(t, s)
		}
	}
	w.commit(t, s)
	return w
}

func flag(b bool) *bool { return &b }

// filters are the ways to fill in each field of a query.
var filters = map[string][]Query{
	"status": {
		{Statuses: []statemachine.Status{statemachine.Placed}},
		{Statuses: []statemachine.Status{statemachine.Settled}},
		{Statuses: []statemachine.Status{""}},
		{Statuses: []statemachine.Status{statemachine.Invalid, statemachine.Canceled, statemachine.Canceled}},
		{Statuses: []statemachine.Status{"UNHEARD_OF"}},
	},
	"asset class": {{AssetClass: statemachine.Traditional}, {AssetClass: statemachine.Tokenized}, {AssetClass: 9}},
	"open":        {{Open: flag(true)}, {Open: flag(false)}},
	"any break":   {{AnyBreak: flag(true)}, {AnyBreak: flag(false)}},
	"break": {
		{Breaks: []statemachine.Code{statemachine.UnknownStatus}},
		{Breaks: []statemachine.Code{statemachine.PossibleBust, statemachine.TimeInversion, statemachine.ConflictingClose}},
		{Breaks: []statemachine.Code{statemachine.Overfill}},
	},
	"external id": {{ExternalID: "ext-3"}, {ExternalID: "ext-49"}, {ExternalID: "nobody's"}},
}

func (q *Query) accepts(o *statemachine.Order, state statemachine.State) bool {
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, state.Status)) &&
		(q.AssetClass == 0 || q.AssetClass == o.AssetClass()) &&
		(q.Open == nil || *q.Open == state.Open) &&
		(q.AnyBreak == nil || *q.AnyBreak == (len(state.Breaks) > 0)) &&
		(len(q.Breaks) == 0 || hasBreak(state, q.Breaks...)) &&
		(q.ExternalID == "" || q.ExternalID == o.Detail(statemachine.ExternalID))
}

// and joins the fields that two queries fill in.
func (q Query) and(other Query) Query {
	if other.Statuses != nil {
		q.Statuses = other.Statuses
	}
	if other.AssetClass != 0 {
		q.AssetClass = other.AssetClass
	}
	if other.Open != nil {
		q.Open = other.Open
	}
	if other.AnyBreak != nil {
		q.AnyBreak = other.AnyBreak
	}
	if other.Breaks != nil {
		q.Breaks = other.Breaks
	}
	if other.ExternalID != "" {
		q.ExternalID = other.ExternalID
	}
	return q
}

func TestEveryFilterAloneAndCombined(t *testing.T) {
	s := open(t, t.TempDir())
	w := crowd(t, s, 600)
	w.requireViews(t, s)
	requireConsistent(t, s)

	queries := []Query{{}}
	for _, ways := range filters {
		for _, known := range slices.Clone(queries) {
			for _, way := range ways {
				queries = append(queries, known.and(way))
			}
		}
	}
	require.Len(t, queries, 6*4*3*3*4*4)
	all := w.newestFirst()
	found := 0
	for i, q := range queries {
		want := idsOf(all, q)
		q.Limit = []int{20, 100, 500}[i%3]
		require.Equal(t, want, walk(t, s, q), "%+v", q)
		for _, o := range all {
			require.Equal(t, slices.Contains(want, o.order.ID), q.Matches(o.order, &o.state), "in memory: %+v", q)
		}
		if len(want) > 0 {
			found++
		}
	}
	require.Greater(t, found, 100, "combinations that select something")
}

func TestListsAreReadFromTheirIndexes(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 2_000)
	for name, ways := range filters {
		t.Run(name, func(t *testing.T) {
			for _, q := range ways {
				requireNoSort(t, s, q)
			}
		})
	}
}

func requireNoSort(t *testing.T, s *Store, q Query) {
	ctx := context.Background()
	err := s.snapshot(ctx, func(_ *generation, c *connection) error {
		text, args, err := q.statement(ctx, c, math.MaxInt64)
		require.NoError(t, err)
		if text == "" {
			return nil
		}
		return c.each(ctx, "EXPLAIN QUERY PLAN "+text, args, func(rows *sql.Rows) error {
			var step string
			err := rows.Scan(new(int), new(int), new(int), &step)
			require.NotContains(t, step, "TEMP B-TREE", "the rows are sorted already")
			require.NotContains(t, step, "MATERIALIZE", "the list is read no further than the page")
			require.NotRegexp(t, "^SCAN (o$|orders)", step)
			return err
		})
	})
	require.NoError(t, err)
}

func TestPageIsBounded(t *testing.T) {
	s := open(t, t.TempDir())
	w := newWorld()
	for i := range 600 {
		w.status(fmt.Sprint(i), statemachine.Placed)
	}
	w.commit(t, s)
	for limit, want := range map[int]int{0: 100, -1: 100, 1: 1, 500: 500, 501: 500} {
		page, err := s.Orders(context.Background(), Query{Limit: limit})
		require.NoError(t, err)
		require.Len(t, page.Orders, want)
		require.Equal(t, w.at, page.Applied)
		require.NotEmpty(t, page.Next)
	}
}

func TestQuarantineIsListedNewestFirst(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	w := newWorld()
	for i := range 25 {
		w.quarantine(fmt.Sprint("reason ", i))
		w.status("o-1", statemachine.Placed)
	}
	w.commit(t, s)
	var got []Quarantined
	cursor := ""
	for pages := 1; ; pages++ {
		rows, next, applied, err := s.Quarantine(ctx, QuarantineQuery{Cursor: cursor, Limit: 10})
		require.NoError(t, err)
		require.Equal(t, w.at, applied)
		got = append(got, rows...)
		if next == "" {
			require.Equal(t, 3, pages)
			break
		}
		cursor = next
	}
	slices.Reverse(got)
	require.Equal(t, w.quarantined, got)

	_, err := s.Orders(ctx, Query{Cursor: cursor})
	require.ErrorIs(t, err, ErrCursor)
	_, _, _, err = s.Quarantine(ctx, QuarantineQuery{Cursor: "abc"})
	require.ErrorIs(t, err, ErrCursor)
}

func TestCursorBelongsToItsList(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	crowd(t, s, 300)
	q := Query{Statuses: []statemachine.Status{statemachine.Settled, statemachine.Filled}, Limit: 5}
	page, err := s.Orders(ctx, q)
	require.NoError(t, err)

	same := q
	same.Cursor, same.Limit = page.Next, 3
	same.Statuses = []statemachine.Status{statemachine.Filled, statemachine.Settled, statemachine.Filled}
	_, err = s.Orders(ctx, same)
	require.NoError(t, err, "another limit and another way to write it is the same list")

	for name, cursor := range map[string]string{
		"a cursor that is cut":         page.Next[:len(page.Next)-2],
		"a cursor with more behind it": page.Next + "AAAA",
		"no base64":                    "!" + page.Next,
		"a sequence beyond all":        encodeCursor(1, q.list(), -1),
		"something else":               "AQ",
	} {
		t.Run(name, func(t *testing.T) {
			bad := q
			bad.Cursor = cursor
			_, err := s.Orders(ctx, bad)
			require.ErrorIs(t, err, ErrCursor)
			require.NotErrorIs(t, err, ErrCursorExpired)
		})
	}
	expired := q
	expired.Cursor = encodeCursor(2, q.list(), 100)
	_, err = s.Orders(ctx, expired)
	require.ErrorIs(t, err, ErrCursorExpired, "the cursor of another generation")
	for name, ways := range filters {
		t.Run("the cursor of a list without "+name, func(t *testing.T) {
			other := q.and(ways[0])
			other.Cursor = page.Next
			_, err := s.Orders(ctx, other)
			require.ErrorIs(t, err, ErrCursor)
		})
	}
	require.ErrorIs(t, func() error { _, err := s.Orders(ctx, Query{Cursor: page.Next}); return err }(), ErrCursor)
}

func FuzzCursor(f *testing.F) {
	f.Add(encodeCursor(1, 7, 42))
	f.Fuzz(func(t *testing.T, text string) {
		before, err := decodeCursor(text, 1, 7)
		if err != nil {
			require.ErrorIs(t, err, ErrCursor)
			return
		}
		require.GreaterOrEqual(t, before, int64(0))
	})
}
