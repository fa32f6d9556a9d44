package views

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orderfold/orderfold/statemachine"
)

// moving is a world whose orders change between the pages of a walk.
type moving struct {
	*world
	s      *Store
	random *rand.Rand
}

// stir makes some changes: new orders, and notifications of existing ones, with times in any order.
func (m *moving) stir(t require.TestingT, changes int) {
	statuses := []statemachine.Status{"", statemachine.Placed, statemachine.PartiallyFilled, statemachine.Filled, statemachine.Canceled, "UNHEARD_OF"}
	for range changes {
		id := m.random.IntN(len(m.orders) + 2)
		n := statemachine.Notification{Status: statuses[m.random.IntN(len(statuses))], AssetClass: statemachine.Traditional,
			At: start.Add(time.Duration(m.random.IntN(50))*time.Minute).AddDate(0, 0, m.random.IntN(3)), Kind: statemachine.Kind(m.random.IntN(8) / 7)}
		n.Details[statemachine.Side] = "BUY"
		n.Details[statemachine.CreatedOn] = start.Add(time.Duration(id) * time.Second).Format(time.RFC3339)
		n.Details[statemachine.ISIN] = fmt.Sprintf("isin-%d", id%3)
		m.notify(fmt.Sprintf("o-%d", id), n)
		if m.random.IntN(10) == 0 {
			m.skip(uint64(m.random.IntN(9_000)))
		}
	}
	m.commit(t, m.s)
}

// matching returns the ids that q selects now.
func (m *moving) matching(q Query) map[string]bool {
	ids := map[string]bool{}
	for _, id := range idsOf(m.newestFirst(), q) {
		ids[id] = true
	}
	return ids
}

func keepOnly(ids, matching map[string]bool) {
	for id := range ids {
		if !matching[id] {
			delete(ids, id)
		}
	}
}

// Every order that matched the whole time is returned exactly once, and no other order twice.
func TestAWalkReturnsEveryOrderOnceWhateverChanges(t *testing.T) {
	bounds = small
	t.Cleanup(func() { bounds = usual })
	s := open(t, t.TempDir())
	seed := uint64(0)
	m := &moving{newWorld(), s, rand.New(rand.NewPCG(1, 1))}
	m.stir(t, 140)
	rapid.Check(t, func(r *rapid.T) {
		seed++
		m.random = rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), seed))
		q := Query{Settling: usually, Sort: rapid.SampledFrom([]Sort{LatestReceived, EarliestReceived, LatestModified, EarliestModified, LatestDue, EarliestDue}).Draw(r, "sort"), Limit: rapid.IntRange(1, 40).Draw(r, "limit")}
		for _, way := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"status", "open", "isin", "break", "modified", "received", "created", "executed", "settlement", "due"}), 0, 2, rapid.ID).Draw(r, "filters") {
			q = join(q, movingFilters(way, m.at))
		}
		perPage := rapid.IntRange(0, 12).Draw(r, "changes per page")
		throughout, told := m.matching(q), map[string]bool{}
		for pages := 0; ; pages++ {
			page, err := s.Orders(context.Background(), q)
			require.NoError(r, err)
			require.LessOrEqual(r, len(page.Orders), q.Limit)
			for i := range page.Orders {
				o := &page.Orders[i]
				require.False(r, told[o.ID], "%s is told twice", o.ID)
				require.True(r, accepts(&q, o, o.State()))
				told[o.ID] = true
			}
			if page.Next == "" {
				break
			}
			q.Cursor = page.Next
			if pages < 60 { // for a while, orders may move faster than the walk, but not for ever
				m.stir(r, perPage)
			}
			keepOnly(throughout, m.matching(q))
		}
		for id := range throughout {
			require.True(r, told[id], "%s matched the whole time and is not told", id)
		}
	})
}

func movingFilters(way string, at uint64) Query {
	switch way {
	case "status":
		return Query{Statuses: []statemachine.Status{statemachine.Filled, statemachine.Canceled}}
	case "open":
		return Query{Open: flag(true)}
	case "isin":
		return Query{ISINs: []string{"isin-1"}}
	case "break":
		return Query{Breaks: []statemachine.Code{statemachine.UnknownStatus, statemachine.FillAfterClose}}
	case "created":
		return Query{Created: Period{Since: after(60), Until: after(90)}}
	case "executed":
		return Query{Executed: new(statemachine.SomeExecuted)}
	case "settlement":
		return settling(Query{Settlement: []statemachine.SettlementState{statemachine.Overdue, statemachine.SettlesToday}})
	case "due":
		return settling(Query{Due: statemachine.Days{First: statemachine.DayOf(2026, 3, 4), Last: statemachine.DayOf(2026, 3, 5)}})
	case "modified":
		return Query{Modified: Period{Since: after(600), Until: after(2700)}}
	}
	return Query{Received: Period{Since: after(at / 3)}}
}

func TestAWalkReturnsOrdersWithManyNotificationsOnce(t *testing.T) {
	for _, sort := range []Sort{LatestReceived, EarliestReceived, LatestModified, EarliestModified, LatestDue, EarliestDue} {
		s := open(t, t.TempDir())
		w := newWorld()
		for i := range 40 {
			w.status(fmt.Sprint(i), statemachine.Placed)
		}
		w.commit(t, s)
		q := Query{Settling: usually, Sort: sort, Limit: 10}
		var ids []string
		for pages := 0; ; pages++ {
			page, err := s.Orders(context.Background(), q)
			require.NoError(t, err)
			for i := range page.Orders {
				ids = append(ids, page.Orders[i].ID)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
			for range sequencesInRow + 10 { // the state of each order at the beginning of the walk is no longer in its row
				for id := 39; id >= 0 && pages < 3; id -= 13 {
					w.status(fmt.Sprint(id), statemachine.Filled)
				}
			}
			w.commit(t, s)
		}
		slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
		require.Len(t, ids, 40)
		require.Len(t, slices.Compact(ids), 40)
	}
}
