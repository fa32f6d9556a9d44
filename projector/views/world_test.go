package views

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

const testVersion = "fold-1"

func open(t testing.TB, dir string) *Store {
	return openAs(t, Options{Dir: dir, FoldVersion: testVersion})
}

func openReadOnly(t testing.TB, dir string) *Store {
	return openAs(t, Options{Dir: dir, FoldVersion: testVersion, ReadOnly: true})
}

func openAs(t testing.TB, options Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// start is the time when the record with sequence 0 would have been received; each record comes a second after the
// previous one.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func receivedAt(sequence uint64) time.Time { return start.Add(time.Duration(sequence) * time.Second) }

// world is the expected content of the views: a naive copy in memory. Its methods assign one sequence to each record.
type world struct {
	at          uint64
	skipped     uint64 // records that are not read
	orders      map[string]*statemachine.Order
	sequences   map[string][]uint64
	objects     map[[2]string]Object
	counts      map[string]uint64
	quarantined []Quarantined
	changed     map[string][]uint64
	held        map[string]Held // nil: the row of every order is looked up
	next        Batch
}

func newWorld() *world {
	return &world{
		orders:    map[string]*statemachine.Order{},
		sequences: map[string][]uint64{},
		objects:   map[[2]string]Object{},
		counts:    map[string]uint64{},
		changed:   map[string][]uint64{},
	}
}

// notify adds a record about an order. Its time is the time received unless n has one.
func (w *world) notify(id string, n statemachine.Notification) {
	w.at++
	n.OrderID, n.Sequence, n.Received = id, w.at, receivedAt(w.at)
	o := w.orders[id]
	if o == nil {
		o = &statemachine.Order{ID: id}
		w.orders[id] = o
	}
	o.Apply(&n)
	w.sequences[id] = append(w.sequences[id], w.at)
	w.changed[id] = append(w.changed[id], w.at)
}

// skip skips sequences, to get to other eras and zones quickly.
func (w *world) skip(records uint64) { w.at, w.skipped = w.at+records, w.skipped+records }

func (w *world) status(id string, status statemachine.Status) {
	w.notify(id, statemachine.Notification{Status: status, AssetClass: statemachine.Traditional})
}

// see adds a record about an object that is not an order.
func (w *world) see(object, id string) {
	w.at++
	w.counts[object]++
	o := Object{object, id, w.at, receivedAt(w.at), 1}
	w.next.Objects = append(w.next.Objects, o)
	if id != "" {
		o.Count += w.objects[[2]string{object, id}].Count
		w.objects[[2]string{object, id}] = o
	}
}

func (w *world) quarantine(reason string) {
	w.at++
	q := Quarantined{w.at, receivedAt(w.at), "customer", "not-json", reason}
	w.next.Quarantined = append(w.next.Quarantined, q)
	w.quarantined = append(w.quarantined, q)
}

// batch returns the records since the last batch.
func (w *world) batch() Batch {
	b := w.next
	for id, sequences := range w.changed {
		b.Orders = append(b.Orders, Change{Order: w.orders[id], Sequences: sequences})
	}
	b.Checkpoint = Checkpoint{"log-1", w.at, fmt.Sprintf("hash-%d", w.at), receivedAt(w.at)}
	w.next, w.changed = Batch{}, map[string][]uint64{}
	return b
}

func (w *world) commit(t require.TestingT, s *Store) {
	w.write(t, s, w.batch())
}

// write commits a batch with the known rows, and stores the rows that it returns.
func (w *world) write(t require.TestingT, s *Store, b Batch) {
	if w.held != nil {
		for i := range b.Orders {
			b.Orders[i].Held = w.held[b.Orders[i].Order.ID]
		}
	}
	held, err := s.Commit(context.Background(), b)
	require.NoError(t, err)
	require.Len(t, held, len(b.Orders))
	if w.held != nil {
		for i := range b.Orders {
			w.held[b.Orders[i].Order.ID] = held[i]
		}
	}
}

// failure returns the error of a commit whose rows do not matter.
func failure(_ []Held, err error) error { return err }

// newestFirst returns the orders with their states in the order of a list without filters.
func (w *world) newestFirst() []listed {
	var all []listed
	for _, o := range w.orders {
		all = append(all, listed{o, o.State()})
	}
	slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(b.order.Last.Sequence, a.order.Last.Sequence) })
	return all
}

type listed struct {
	order *statemachine.Order
	state statemachine.State
}

// idsOf returns the ids of the orders that q selects, in its sort; all contains the orders as newestFirst returns them.
func idsOf(all []listed, q Query) []string {
	all = slices.Clone(all)
	if q.Sort == LatestModified || q.Sort == EarliestModified {
		slices.SortStableFunc(all, func(a, b listed) int {
			if !a.state.Dated || !b.state.Dated { // an unknown time is before all times
				return cmp.Compare(dated(&b.state), dated(&a.state))
			}
			return b.state.ModifiedOn.Compare(a.state.ModifiedOn)
		})
	}
	if q.Sort == EarliestReceived || q.Sort == EarliestModified || q.Sort == EarliestDue {
		slices.Reverse(all)
	}
	if q.Sort == LatestDue || q.Sort == EarliestDue {
		sortByDue(all, q)
	}
	ids := []string{}
	for _, o := range all {
		if accepts(&q, o.order, o.state) {
			ids = append(ids, o.order.ID)
		}
	}
	return ids
}

func dated(s *statemachine.State) int {
	if s.Dated {
		return 1
	}
	return 0
}

// stats counts everything again.
func (w *world) stats() Stats {
	stats := Stats{
		ByStatus:     map[statemachine.Status]uint64{},
		ByAssetClass: map[statemachine.AssetClass]uint64{},
		ByBreak:      map[statemachine.Code]uint64{},
		Settled:      map[statemachine.AssetClass]uint64{},
		Awaiting:     map[Traded]uint64{},
		Objects:      maps.Clone(w.counts),
		Orders:       uint64(len(w.orders)),
		Quarantined:  uint64(len(w.quarantined)),
		ByClass:      map[string]uint64{},
		Records:      w.at - w.skipped,
		Applied:      w.at,
		Generation:   1,
	}
	for _, q := range w.quarantined {
		stats.ByClass[q.Class]++
	}
	for _, o := range w.orders {
		state := o.State()
		stats.ByStatus[state.Status]++
		stats.ByAssetClass[o.AssetClass()]++
		if state.Open {
			stats.Open++
		}
		if state.Final {
			stats.Final++
		}
		if state.Status == statemachine.Settled {
			stats.Settled[o.AssetClass()]++
		}
		if state.Status != "" && !state.Open && !state.Final {
			stats.Awaiting[Traded{o.AssetClass(), state.Traded}]++
		}
		for _, b := range state.Breaks {
			stats.ByBreak[b.Code]++
		}
	}
	return stats
}

// requireViews compares all answers of s with the world.
func (w *world) requireViews(t require.TestingT, s *Store) {
	ctx := context.Background()
	stats, err := s.Stats(ctx)
	require.NoError(t, err)
	stats.Generation, stats.Lineage = 1, 0
	require.Equal(t, w.stats(), stats)
	for id, want := range w.orders {
		got, at, err := s.Order(ctx, id)
		require.NoError(t, err)
		require.Equal(t, w.at, at.Applied)
		require.Equal(t, encoded(t, want), encoded(t, &got), id)
		require.Equal(t, id, got.ID)
		sequences, _, err := s.SequencesAfter(ctx, id, 0, math.MaxInt)
		require.NoError(t, err)
		require.Equal(t, w.sequences[id], sequences, id)
		for _, i := range []int{0, len(sequences) / 3, len(sequences) - 1} {
			for _, limit := range []int{1, 100, 1000} {
				some, at, err := s.SequencesAfter(ctx, id, sequences[i], limit)
				require.NoError(t, err)
				require.Equal(t, w.at, at.Applied)
				rest := sequences[i+1:]
				require.Equal(t, rest[:min(limit, len(rest))], append([]uint64{}, some...), "%s after %d", id, sequences[i])
			}
		}
	}
	for key, want := range w.objects {
		got, _, err := s.Object(ctx, key[0], key[1])
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, idsOf(w.newestFirst(), Query{}), walk(t, s, Query{Limit: 7 + len(w.orders)/20}))
	w.requireBreaks(t, s, BreakQuery{Now: receivedAt(w.at), Limit: 3 + len(w.orders)/20})
}

func encoded(t require.TestingT, o *statemachine.Order) []byte {
	b, err := o.AppendBinary(nil)
	require.NoError(t, err)
	return b
}

// walk returns the ids of all pages.
func walk(t require.TestingT, s *Store, q Query) []string {
	ids := []string{}
	for {
		page, err := s.Orders(context.Background(), q)
		require.NoError(t, err)
		for i := range page.Orders {
			ids = append(ids, page.Orders[i].ID)
		}
		if page.Next == "" {
			return ids
		}
		if bounds.Looked == usual.Looked {
			require.Len(t, page.Orders, q.Limit, "%+v", q)
		}
		require.NotEqual(t, q.Cursor, page.Next, "%+v", q)
		q.Cursor = page.Next
	}
}

// breakRow is a row of order_breaks.
type breakRow struct {
	n, code, last int64
	opened        list.TimeKey
}

// requireConsistent compares all counts that s stores with its rows.
func requireConsistent(t require.TestingT, s *Store) {
	ctx := context.Background()
	w := newWorld()
	breaks, wantBreaks := map[breakRow]bool{}, map[breakRow]bool{}
	notifications := uint64(0)
	err := s.snapshot(ctx, func(_ *generation, c *connection) error {
		require.NoError(t, c.Row(ctx, totalsText, nil, &w.at, &notifications, new(int)))
		require.NoError(t, c.Each(ctx, `SELECT n, id, state FROM orders`, nil, func(rows *sql.Rows) error {
			var n int64
			var o statemachine.Order
			var state []byte
			require.NoError(t, rows.Scan(&n, &o.ID, &state))
			require.NoError(t, o.UnmarshalBinary(state))
			w.orders[o.ID] = &o
			require.EqualValues(t, o.First.Sequence, n, "the number of a row is the same in every generation")
			for _, b := range o.State().Breaks {
				wantBreaks[breakRow{n, int64(b.Code), int64(o.Last.Sequence), list.TimeKeyOf(b.OpenedAt)}] = true
			}
			return nil
		}))
		require.NoError(t, c.Each(ctx, `SELECT class FROM quarantine`, nil, func(rows *sql.Rows) error {
			var q Quarantined
			err := rows.Scan(&q.Class)
			w.quarantined = append(w.quarantined, q)
			return err
		}))
		return c.Each(ctx, `SELECT n, code, last_sequence, opened FROM order_breaks`, nil, func(rows *sql.Rows) error {
			var key breakRow
			err := rows.Scan(&key.n, &key.code, &key.last, &key.opened)
			breaks[key] = true
			return err
		})
	})
	require.NoError(t, err)
	require.Equal(t, wantBreaks, breaks)
	for id, o := range w.orders {
		sequences, _, err := s.SequencesAfter(ctx, id, 0, math.MaxInt)
		require.NoError(t, err)
		require.EqualValues(t, o.Count, len(sequences))
		notifications -= o.Count
	}
	require.Zero(t, notifications, "the count of notifications is the sum over the orders")
	got, err := s.Stats(ctx)
	require.NoError(t, err)
	want := w.stats()
	want.Objects, want.Records, want.Generation, want.Lineage = got.Objects, got.Records, got.Generation, got.Lineage
	require.Equal(t, want, got)
	for _, open := range []bool{true, false} {
		requireTotals(t, s, w.newestFirst(), Query{Open: &open})
	}
}
