package views

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
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
		n.Details = crowdDetails(i)
		for step, status := range path {
			n.Status, n.At = status, start.Add(time.Duration(i*7919%500+step)*time.Second)
			// The steps of other orders come in between, and the last one of some very late.
			w.notify(fmt.Sprintf("o-%d", i), n)
			if i > 0 && random.IntN(4) == 0 {
				w.notify(fmt.Sprintf("o-%d", random.IntN(i)), statemachine.Notification{})
			}
		}
		if i%20 == 19 {
			w.skip(uint64(random.IntN(4_000)))
		}
		if i%1000 == 999 {
			w.commit(t, s)
		}
	}
	w.commit(t, s)
	return w
}

// crowdDetails are values of which some are rare and one is common.
func crowdDetails(i int) (d [statemachine.Fields]string) {
	if i%3 == 0 {
		d[statemachine.ExternalID] = fmt.Sprintf("ext-%d", i/6)
	}
	d[statemachine.Side] = []string{"BUY", "SELL", "BUY", "", "LEND"}[i%5]
	d[statemachine.ISIN] = "DE0000000001"
	if i%7 == 0 {
		d[statemachine.ISIN], d[statemachine.Symbol] = "", fmt.Sprintf("SYM%d", i%21)
	}
	d[statemachine.DepositoryProduct] = fmt.Sprintf("product-%d", i%40)
	d[statemachine.CashProduct] = fmt.Sprintf("product-%d", i%41)
	if i%11 == 0 {
		d[statemachine.WalletProduct] = "product-7"
	}
	return d
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
	"final":       {{Final: flag(true)}, {Final: flag(false)}},
	"side":        {{Side: "BUY"}, {Side: "SELL"}},
	"any break":   {{AnyBreak: flag(true)}, {AnyBreak: flag(false)}},
	"break": {
		{Breaks: []statemachine.Code{statemachine.UnknownStatus}},
		{Breaks: []statemachine.Code{statemachine.PossibleBust, statemachine.TimeInversion, statemachine.ConflictingClose}},
		{Breaks: []statemachine.Code{statemachine.Overfill}},
	},
	"external id": {{ExternalID: "ext-3"}, {ExternalID: "ext-49"}, {ExternalID: "nobody's"}},
	"isin":        {{ISIN: "DE0000000001"}, {ISIN: "DE0000000002"}},
	"symbol":      {{Symbol: "SYM0"}, {Symbol: "SYM14"}},
	"product":     {{ProductID: "product-7"}, {ProductID: "product-40"}, {ProductID: "product-99"}},
	"received": {
		{Received: Period{Since: receivedAt(20_000)}}, {Received: Period{Until: receivedAt(30_000)}},
		{Received: Period{receivedAt(15_000), receivedAt(40_000)}},
	},
	"modified": {
		{Modified: Period{Since: receivedAt(100)}}, {Modified: Period{Until: receivedAt(20)}},
		{Modified: Period{receivedAt(7), receivedAt(400)}},
	},
}

// within says in times what includes says in keys.
func (p Period) within(at time.Time) bool {
	return !p.given() || !at.IsZero() && (p.Since.IsZero() || !at.Before(p.Since)) && (p.Until.IsZero() || !at.After(p.Until))
}

func (q *Query) accepts(o *statemachine.Order, state statemachine.State) bool {
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, state.Status)) &&
		(q.AssetClass == 0 || q.AssetClass == o.AssetClass()) &&
		(q.Open == nil || *q.Open == state.Open) &&
		(q.AnyBreak == nil || *q.AnyBreak == (len(state.Breaks) > 0)) &&
		(len(q.Breaks) == 0 || hasBreak(state, q.Breaks...)) &&
		(q.Final == nil || *q.Final == state.Final) &&
		(q.Side == "" || q.Side == o.Detail(statemachine.Side)) &&
		q.holds(o) && q.Received.within(o.Last.Received) && q.Modified.within(state.ModifiedOn)
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
	if other.Final != nil {
		q.Final = other.Final
	}
	if other.Received.given() {
		q.Received = other.Received
	}
	if other.Modified.given() {
		q.Modified = other.Modified
	}
	q.Side, q.ExternalID = cmp.Or(other.Side, q.Side), cmp.Or(other.ExternalID, q.ExternalID)
	q.ISIN, q.Symbol, q.ProductID = cmp.Or(other.ISIN, q.ISIN), cmp.Or(other.Symbol, q.Symbol), cmp.Or(other.ProductID, q.ProductID)
	return q
}

func TestEveryFilterAloneAndCombined(t *testing.T) {
	s := open(t, t.TempDir())
	w := crowd(t, s, 160)
	w.requireViews(t, s)
	requireConsistent(t, s)

	requireLists(t, s, w)
	bounds = struct{ orders, entries, inEra int }{3, 10, 2}
	t.Cleanup(func() { bounds = usual })
	requireLists(t, s, w)
}

var usual = bounds

// requireLists compares lists of every sort with the world's.
func requireLists(t *testing.T, s *Store, w *world) {
	all := w.newestFirst()
	compare := func(q Query) (found int) {
		want := idsOf(all, q)
		require.Equal(t, want, walk(t, s, q), "%+v", q)
		for _, o := range all {
			require.Equal(t, slices.Contains(want, o.order.ID), q.Matches(o.order, &o.state), "in memory: %+v", q)
		}
		return len(want)
	}
	random := rand.New(rand.NewPCG(3, 4))
	names := slices.Sorted(maps.Keys(filters)) // the same combinations each time
	found := 0
	for _, sort := range []Sort{LatestReceived, EarliestReceived, LatestModified, EarliestModified} {
		for _, name := range names {
			for _, way := range filters[name] {
				way.Sort, way.Limit = sort, 40+random.IntN(300)
				compare(way)
			}
		}
		for range 60 {
			q := Query{Sort: sort, Limit: 20 + random.IntN(200)}
			for _, name := range names {
				if ways := filters[name]; random.IntN(4) == 0 {
					q = q.and(ways[random.IntN(len(ways))])
				}
			}
			if compare(q) > 0 {
				found++
			}
		}
	}
	require.Greater(t, found, 60, "combinations that select something")
}

func TestListsAreReadFromTheirIndexes(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 300)
	bounds = struct{ orders, entries, inEra int }{3, 10, 2}
	t.Cleanup(func() { bounds = usual })
	for _, sort := range []Sort{LatestReceived, EarliestReceived, LatestModified, EarliestModified} {
		for _, ways := range filters {
			for _, q := range ways {
				q.Sort, q.Limit = sort, 7
				for range 2 {
					page, err := s.Orders(context.Background(), q)
					require.NoError(t, err)
					q.Cursor = page.Next
				}
			}
		}
	}
	requirePlans(t, s, 20)
}

// requirePlans looks at every statement that a connection of s has prepared: none may sort or read a whole table of orders.
func requirePlans(t *testing.T, s *Store, least int) {
	ctx := context.Background()
	seen := 0
	err := s.read(ctx, func(_ *generation, c *connection) error {
		for _, text := range slices.Collect(maps.Keys(c.prepared)) { // explaining prepares more
			if !strings.Contains(text, "FROM orders") && !strings.Contains(text, "orders o") {
				continue
			}
			seen++
			args := make([]any, strings.Count(text, "?"))
			require.NoError(t, c.each(ctx, "EXPLAIN QUERY PLAN "+text, args, func(rows *sql.Rows) error {
				var step string
				err := rows.Scan(new(int), new(int), new(int), &step)
				require.NotContains(t, step, "TEMP B-TREE", text)
				require.NotContains(t, step, "MATERIALIZE", text)
				require.NotRegexp(t, "^SCAN (o$|orders|b$)", step, text)
				return err
			}))
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, seen, least)
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
		"a sequence beyond all":        encodeProgress(1, q.list(), progress{begun: -1}),
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
	expired.Cursor = encodeProgress(2, q.list(), progress{begun: 100})
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
