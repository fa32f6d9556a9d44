package views

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// crowd returns a world of many orders in every state, including rare ones.
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
			n.Status, n.At, n.Executed = status, start.Add(time.Duration(i*7919%500+step)*time.Second), ""
			if i%2 == 0 { // traded on other days
				n.At = n.At.Add(time.Duration(i*i%23-11) * day)
			}
			if i%3 > 0 && (status == statemachine.PartiallyFilled || status == statemachine.Filled) {
				n.Executed = []statemachine.Decimal{"3", "7.5", "100"}[i%7%3]
			}
			// Notifications of other orders come in between, and the last notification of some orders comes very late.
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

// crowdDetails contains rare values and a common one.
func crowdDetails(i int) (d [statemachine.Fields]string) {
	if i%3 == 0 {
		d[statemachine.ExternalID] = fmt.Sprintf("ext-%d", i/6)
	}
	d[statemachine.Side] = []string{"BUY", "SELL", "BUY", "", "LEND"}[i%5]
	d[statemachine.ISIN] = []string{"DE0000000001", "DE0000000001", "de0000000001"}[i%3]
	if i%7 == 0 {
		d[statemachine.ISIN], d[statemachine.Symbol] = "", fmt.Sprintf("SYM%d", i%21)
	}
	d[statemachine.OrderType] = []string{"LIMIT", "Limit", "MARKET", ""}[i%4]
	d[statemachine.ExchangeCode] = []string{"XFRA", "XMUN", ""}[i/2%3]
	d[statemachine.Quantity] = []string{"", "7.5", "7.50", "100", "1e2", "0", "-3", "9007199254740992", "9007199254740993", "2.4999", "1000.000"}[i%11]
	if i%5 > 0 {
		d[statemachine.CreatedOn] = start.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
	}
	d[statemachine.DepositoryProduct] = fmt.Sprintf("product-%d", i%40)
	d[statemachine.CashProduct] = fmt.Sprintf("product-%d", i%41)
	if i%11 == 0 {
		d[statemachine.WalletProduct] = "product-7"
	}
	return d
}

func flag(b bool) *bool { return &b }

// filters contains the ways to set each field of a query.
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
	"external id": {{ExternalIDs: []string{"ext-3"}}, {ExternalIDs: []string{"ext-49", "ext-3", "ext-12", "nobody's", "ext-3"}}, {ExternalIDs: []string{"EXT-3"}}},
	"id prefix":   {{IDPrefix: "o-1"}, {IDPrefix: "o-15"}, {IDPrefix: "o-"}, {IDPrefix: "o-159"}, {IDPrefix: "O-1"}, {IDPrefix: "p"}},
	"isin":        {{ISINs: []string{"DE0000000001"}}, {ISINs: []string{"de0000000001", "DE0000000002"}}, {ISINs: []string{"DE0000000002"}}},
	"symbol":      {{Symbols: []string{"SYM0"}}, {Symbols: []string{"sym14", "Sym7"}}},
	"product":     {{ProductIDs: []string{"product-7"}}, {ProductIDs: []string{"product-40", "product-7", "product-3"}}, {ProductIDs: []string{"product-99"}}},
	"order type":  {{OrderTypes: []string{"limit"}}, {OrderTypes: []string{"STOP", "MARKET"}}, {OrderTypes: []string{"none"}}},
	"exchange":    {{ExchangeCodes: []string{"XFRA"}}, {ExchangeCodes: []string{"xmun", "XFRA"}}},
	"quantity": {
		{QuantityMin: "70"}, {QuantityMax: "2.5"}, {QuantityMin: "7.50", QuantityMax: "7.5"}, {QuantityMin: "-3", QuantityMax: "0"},
		{QuantityMin: "9007199254740993", QuantityMax: "9007199254740993"}, {QuantityMin: "1e3"},
	},
	"executed": {{Executed: new(statemachine.NothingExecuted)}, {Executed: new(statemachine.SomeExecuted)}, {Executed: new(statemachine.AllExecuted)}},
	"created":  {{Created: Period{Since: after(30)}}, {Created: Period{Until: after(100)}}, {Created: Period{Since: after(50), Until: after(55)}}},
	"status changed": {
		{StatusChanged: Period{Since: after(450)}}, {StatusChanged: Period{Until: after(20)}},
		{StatusChanged: Period{Since: after(100), Until: after(200)}},
	},
	"received": {
		{Received: Period{Since: after(20_000)}}, {Received: Period{Until: after(30_000)}},
		{Received: Period{Since: after(15_000), Until: after(40_000)}},
	},
	"settlement": {
		settling(Query{Settlement: []statemachine.SettlementState{statemachine.Overdue}}),
		settling(Query{Settlement: []statemachine.SettlementState{statemachine.SettlesToday}}),
		settling(Query{Settlement: []statemachine.SettlementState{statemachine.SettlesLater, statemachine.Overdue}}),
		settling(Query{Settlement: []statemachine.SettlementState{statemachine.HasSettled}}),
		settling(Query{Settlement: []statemachine.SettlementState{statemachine.NothingToSettle, statemachine.SettlesToday}}),
		settling(Query{Settlement: statemachine.SettlementStates}),
	},
	"due": {
		settling(Query{Due: statemachine.Days{First: statemachine.DayOf(2026, 3, 1), Last: statemachine.DayOf(2026, 3, 4)}}),
		settling(Query{Due: statemachine.Days{First: statemachine.DayOf(2026, 3, 4), Last: statemachine.AllDays.Last}}),
		settling(Query{Due: statemachine.Days{First: 1, Last: statemachine.DayOf(2026, 2, 27)}}),
	},
	"modified": {
		{Modified: Period{Since: after(100)}}, {Modified: Period{Until: after(20)}},
		{Modified: Period{Since: after(7), Until: after(400)}},
	},
}

// day is the length of most days.
const day = 24 * time.Hour

// earliest is before all times received.
var earliest = time.Unix(0, 0)

func given(p Period) bool { return p.Since != nil || p.Until != nil }

// within reports whether a time is in a period, by comparing times, where a list compares keys.
func within(p Period, at time.Time, known bool) bool {
	return !given(p) || known && (p.Since == nil || !at.Before(*p.Since)) && (p.Until == nil || !at.After(*p.Until))
}

// after returns receivedAt as a bound of a period.
func after(sequence uint64) *time.Time {
	at := receivedAt(sequence)
	return &at
}

func accepts(q *Query, o *statemachine.Order, state statemachine.State) bool {
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, state.Status)) &&
		(q.AssetClass == 0 || q.AssetClass == o.AssetClass()) &&
		(q.Open == nil || *q.Open == state.Open) &&
		(q.AnyBreak == nil || *q.AnyBreak == (len(state.Breaks) > 0)) &&
		(len(q.Breaks) == 0 || hasBreak(state, q.Breaks...)) &&
		(q.Final == nil || *q.Final == state.Final) &&
		(q.Side == "" || q.Side == o.Detail(statemachine.Side)) &&
		strings.HasPrefix(o.ID, q.IDPrefix) && hasDetail(o, q.ExternalIDs, false, statemachine.ExternalID) &&
		hasDetail(o, q.ISINs, true, statemachine.ISIN) && hasDetail(o, q.Symbols, true, statemachine.Symbol) &&
		hasDetail(o, q.ProductIDs, false, statemachine.DepositoryProduct, statemachine.WalletProduct, statemachine.CashProduct) &&
		hasDetail(o, q.OrderTypes, true, statemachine.OrderType) && hasDetail(o, q.ExchangeCodes, true, statemachine.ExchangeCode) &&
		ofQuantity(q, o) && (q.Executed == nil || *q.Executed == extentOf(o, &state)) &&
		createdWithin(q, o) && within(q.StatusChanged, state.StatusSince, state.Status != "") &&
		ofSettlement(q, o, &state) && within(q.Received, o.Last.Received, true) && within(q.Modified, state.ModifiedOn, state.Dated)
}

// ofQuantity compares quantities as exact numbers.
func ofQuantity(q *Query, o *statemachine.Order) bool {
	number := func(d statemachine.Decimal) *big.Rat {
		r, _ := new(big.Rat).SetString(string(d))
		return r
	}
	quantity := number(statemachine.Decimal(o.Detail(statemachine.Quantity)))
	if q.QuantityMin+q.QuantityMax != "" && quantity == nil {
		return false
	}
	return (q.QuantityMin == "" || quantity.Cmp(number(q.QuantityMin)) >= 0) && (q.QuantityMax == "" || quantity.Cmp(number(q.QuantityMax)) <= 0)
}

// extentOf returns how much of an order of a crowd is executed, assuming that every execution was notified.
func extentOf(o *statemachine.Order, state *statemachine.State) statemachine.Extent {
	executed, ordered := state.Executed, statemachine.Decimal(o.Detail(statemachine.Quantity))
	filled := state.Status == statemachine.Filled || state.Status == statemachine.Settled
	switch {
	case executed != "" && ordered != "" && executed.Compare("0") > 0 && executed.Compare(ordered) >= 0:
		return statemachine.AllExecuted
	case executed != "" && ordered != "" && executed.Compare("0") > 0:
		return statemachine.SomeExecuted
	}
	e := o.Explain()
	for _, f := range e.Facts {
		if f.Verdict != statemachine.NoLongerTrue && (f.Status == statemachine.Filled || f.Status == statemachine.PartiallyFilled) {
			if filled {
				return statemachine.AllExecuted
			}
			return statemachine.SomeExecuted
		}
	}
	return statemachine.NothingExecuted
}

func createdWithin(q *Query, o *statemachine.Order) bool {
	at, err := time.Parse(time.RFC3339, o.Detail(statemachine.CreatedOn))
	return within(q.Created, at, err == nil)
}

// hasDetail reports whether one of the fields has one of the values, or no value is required.
func hasDetail(o *statemachine.Order, values []string, anyCase bool, fields ...statemachine.Field) bool {
	for _, value := range values {
		for _, f := range fields {
			if o.Detail(f) == value || anyCase && strings.EqualFold(o.Detail(f), value) {
				return true
			}
		}
	}
	return len(values) == 0
}

// join returns a query with the fields that are set in either of two queries.
func join(q, other Query) Query {
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
	if given(other.Received) {
		q.Received = other.Received
	}
	if other.Schedule != nil {
		q.Settling = other.Settling
	}
	if other.Settlement != nil {
		q.Settlement = other.Settlement
	}
	if (other.Due != statemachine.Days{}) {
		q.Due = other.Due
	}
	if given(other.Modified) {
		q.Modified = other.Modified
	}
	q.IDPrefix = cmp.Or(other.IDPrefix, q.IDPrefix)
	q.Side = cmp.Or(other.Side, q.Side)
	q.QuantityMin, q.QuantityMax = cmp.Or(other.QuantityMin, q.QuantityMin), cmp.Or(other.QuantityMax, q.QuantityMax)
	if other.Executed != nil {
		q.Executed = other.Executed
	}
	if given(other.Created) {
		q.Created = other.Created
	}
	if given(other.StatusChanged) {
		q.StatusChanged = other.StatusChanged
	}
	for _, values := range []struct{ to, from *[]string }{{&q.ExternalIDs, &other.ExternalIDs}, {&q.ISINs, &other.ISINs},
		{&q.Symbols, &other.Symbols}, {&q.ProductIDs, &other.ProductIDs}, {&q.OrderTypes, &other.OrderTypes},
		{&q.ExchangeCodes, &other.ExchangeCodes}} {
		if *values.from != nil {
			*values.to = *values.from
		}
	}
	return q
}

func TestEveryFilterSelectsTheSameOrdersAsASearchAloneAndCombined(t *testing.T) {
	s := open(t, t.TempDir())
	w := crowd(t, s, 160)
	w.requireViews(t, s)
	requireConsistent(t, s)

	requireLists(t, s, w)
	bounds = small
	t.Cleanup(func() { bounds = usual })
	requireLists(t, s, w)
}

var (
	usual = bounds
	small = usual
)

func init() {
	small.Orders, small.Entries, small.InEra, small.Looked, small.LookedRows, small.SummedRows = 3, 10, 2, 25, 20, 160
}

// requireLists compares the lists in every sort with those of the world.
func requireLists(t *testing.T, s *Store, w *world) {
	all := w.newestFirst()
	compare := func(q Query) (found int) {
		want := idsOf(all, q)
		requireTotals(t, s, all, q)
		require.Equal(t, want, walk(t, s, q), "%+v", q)
		listed := map[string]bool{}
		for _, id := range want {
			listed[id] = true
		}
		for _, o := range all {
			if listed[o.order.ID] != q.Matches(o.order, &o.state) {
				require.Fail(t, "in memory it is another answer", "%s: %+v", o.order.ID, q)
			}
		}
		return len(want)
	}
	random := rand.New(rand.NewPCG(3, 4))
	names := slices.Sorted(maps.Keys(filters)) // the same combinations in each run
	found := 0
	sorts := []Sort{LatestReceived, EarliestReceived, LatestModified, EarliestModified, LatestDue, EarliestDue}
	for turn, sort := range sorts {
		tried := 0
		for _, name := range names {
			for _, way := range filters[name] {
				if tried++; !everySort && tried%len(sorts) != turn {
					continue
				}
				way.Settling = usually
				way.Sort, way.Limit = sort, 40+random.IntN(300)
				compare(way)
			}
		}
		for range combinations {
			q := Query{Sort: sort, Settling: usually, Limit: 20 + random.IntN(200)}
			for _, name := range names {
				if ways := filters[name]; random.IntN(6) == 0 {
					q = join(q, ways[random.IntN(len(ways))])
				}
			}
			if compare(q) > 0 {
				found++
			}
		}
	}
	require.Greater(t, found, len(sorts)*combinations/4, "combinations that select something")
}

func TestListsAreReadFromTheirIndexes(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 300)
	bounds = small
	t.Cleanup(func() { bounds = usual })
	seen := map[string]bool{}
	for _, sort := range []Sort{LatestReceived, EarliestReceived, LatestModified, EarliestModified, LatestDue, EarliestDue} {
		for _, ways := range filters {
			for _, q := range ways {
				q.Settling, q.Sort, q.Limit = usually, sort, 7
				for range 2 {
					page, err := s.Orders(context.Background(), q)
					require.NoError(t, err)
					q.Cursor = page.Next
				}
			}
			requirePlans(t, s, seen) // before the connection closes them
		}
	}
	require.Greater(t, len(seen), 100)
}

// listOf returns the part of a cursor that identifies its list.
// positionOf returns the position of the views.
func positionOf(t testing.TB, s *Store) list.Position {
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	return list.Position{Lineage: status.Lineage, Applied: int64(status.Checkpoint.Sequence)}
}

func listOf(t testing.TB, cursor string) uint64 {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	require.NoError(t, err)
	_, n := binary.Uvarint(b)
	return binary.BigEndian.Uint64(b[n:])
}

// requirePlans examines every statement that a connection of s has prepared since the last call: none may sort or
// read a whole table of orders.
func requirePlans(t *testing.T, s *Store, seen map[string]bool) {
	ctx := context.Background()
	err := s.read(ctx, func(_ *generation, c *connection) error {
		for _, text := range slices.Collect(maps.Keys(c.prepared)) { // explaining a statement prepares another one
			if seen[text] || strings.HasPrefix(text, "EXPLAIN") || !strings.Contains(text, "FROM orders") && !strings.Contains(text, "orders o") {
				continue
			}
			seen[text] = true
			require.NotRegexp(t, `(facet|code|executed) = \?`, text, "is planned again for other values")
			args := make([]any, strings.Count(text, "?"))
			require.NoError(t, c.Each(ctx, "EXPLAIN QUERY PLAN "+text, args, func(rows *sql.Rows) error {
				var step string
				err := rows.Scan(new(int), new(int), new(int), &step)
				require.NotContains(t, step, "TEMP B-TREE", text)
				require.NotContains(t, step, "MATERIALIZE", text)
				require.NotRegexp(t, "^SCAN (o$|orders|order_breaks|b$)", step, text)
				return err
			}))
		}
		return nil
	})
	require.NoError(t, err)
}

func TestThePageSizeIsBounded(t *testing.T) {
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

func TestACursorBelongsToItsList(t *testing.T) {
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
	require.NoError(t, err, "another limit or spelling is the same list")

	for name, cursor := range map[string]string{
		"a cursor that is cut":         page.Next[:len(page.Next)-2],
		"a cursor with more behind it": page.Next + "AAAA",
		"no base64":                    "!" + page.Next,
		"a sequence beyond all":        list.EncodeCursor(positionOf(t, s), listOf(t, page.Next), "", -1, 0, 0),
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
	expired.Cursor = list.EncodeCursor(list.Position{Lineage: 2}, listOf(t, page.Next), "", 100, 0, 0)
	_, err = s.Orders(ctx, expired)
	require.ErrorIs(t, err, ErrCursorExpired, "the cursor of another lineage")
	for name, ways := range filters {
		t.Run("the cursor of a list without "+name, func(t *testing.T) {
			other := join(q, ways[0])
			other.Cursor = page.Next
			_, err := s.Orders(ctx, other)
			require.ErrorIs(t, err, ErrCursor)
		})
	}
	require.ErrorIs(t, func() error { _, err := s.Orders(ctx, Query{Cursor: page.Next}); return err }(), ErrCursor)
}
