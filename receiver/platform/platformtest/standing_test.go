package platformtest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fetch returns the fact in the answer to GET order after the first count events, and false if the order
// does not exist yet.
func fetch(t testing.TB, o *order, count int) (Fact, bool) {
	is := o.standing(count)
	if is == nil {
		return Fact{}, false
	}
	return readFetched(t, o.assetClass, o.answer(is)), true
}

func readFetched(t testing.TB, assetClass string, body []byte) Fact {
	var s sent
	require.NoError(t, json.Unmarshal(body, &s), "%s", body)
	require.Empty(t, s.NotificationType)
	at, err := time.Parse(time.RFC3339Nano, s.ModifiedOn)
	require.NoError(t, err)
	quantity := s.Quantity
	if assetClass != Traditional {
		quantity = s.MarketOrderData.Quantity
	}
	return Fact{Status: s.Status, At: at, Executed: s.executed(t), Quantity: number(t, quantity), Fetched: true}
}

func TestThePlatformNeverContradictsItself(t *testing.T) {
	traffic := Traffic{Seed: 1, Start: start, Orders: 2_000}
	for i := range traffic.Orders {
		o, made := traffic.order(i), traffic.Order(i)
		final := o.state(o.standing(len(o.notes)))
		for count := range len(made.Facts) + 1 {
			fetched, exists := fetch(t, o, count)
			require.Equal(t, count > 0, exists, "an order exists from its first event on")
			if !exists || o.happenedBy(o.notes[count-1].at.UnixNano()) != count {
				continue // events of the same time are never seen separately
			}
			state := o.state(o.standing(count))
			known := append(slices.Clone(made.Facts[:count]), fetched)
			for _, facts := range [][]Fact{{fetched}, known} {
				e := Truth(facts)
				require.Equal(t, state.Status, *e.Status, "%s %s", o.scenario, o.id)
				require.Equal(t, state.Executed, executedOf(e), "%s %s", o.scenario, o.id)
				require.True(t, state.ModifiedOn.Equal(fetched.At))
				for _, code := range e.Breaks {
					require.Equal(t, "overfill", code, "%s: the answer leaves a break", o.scenario)
				}
			}
			e := Truth(append(slices.Clone(made.Facts), fetched))
			require.True(t, len(e.Breaks) > 0 || *e.Status == final.Status,
				"%s %s: a reader that asked early and sees no break has the right status", o.scenario, o.id)
		}
	}
}

func TestTheStateOfAnOrderFollowsFromItsNotes(t *testing.T) {
	for _, c := range []struct{ name, facts, ifLastIsRight, otherwise string }{
		{"the usual lifecycle", "PLACED · PARTIALLY_FILLED 3 · FILLED 10", "FILLED 10", "FILLED 10"},
		{"a refused update", "PLACED · ", "PLACED 0", "PLACED 0"},
		{"a refused request", "PLACED · INVALID", "PLACED 0", "PLACED 0"},
		{"an invalid order", "INVALID", "INVALID 0", "INVALID 0"},
		{"an invalid order that is placed later", "INVALID · PLACED", "PLACED 0", "PLACED 0"},
		{"an unknown status", "PLACED · MYSTERY · FILLED 10", "FILLED 10", "FILLED 10"},
		{"an unknown status at the end", "PLACED · MYSTERY", "PLACED 0", "PLACED 0"},
		{"an amendment after a partial fill", "PLACED · PARTIALLY_FILLED 3 · PLACED 3", "PARTIALLY_FILLED 3", "PARTIALLY_FILLED 3"},
		{"a canceled order that is filled", "PLACED · CANCELED · FILLED 10", "FILLED 10", "FILLED 10"},
		{"a canceled order that is partly filled", "PLACED · CANCELED · PARTIALLY_FILLED 3", "CANCELED 3", "CANCELED 3"},
		{"a filled order that is canceled", "PLACED · FILLED 10 · CANCELED 10", "CANCELED 0", "FILLED 10"},
		{"a settled order that is canceled", "FILLED 10 · SETTLED 10 · CANCELED 10", "SETTLED 10", "SETTLED 10"},
		{"a bust", "PLACED · FILLED 10 · PARTIALLY_FILLED 7", "PARTIALLY_FILLED 7", "FILLED 10"},
		{"an order closed twice", "PLACED · EXPIRED · CANCELED", "CANCELED 0", "EXPIRED 0"},
		{"a closed order that is reopened", "PLACED · CANCELED · PLACED", "PLACED 0", "CANCELED 0"},
		{"a late PLACED", "FILLED 10 · PLACED 10", "FILLED 10", "FILLED 10"},
		{"a correction", "FILLED 10 · SETTLED 10 · CORRECTED 8", "CORRECTED 8", "CORRECTED 8"},
		{"a corrected order that is canceled", "FILLED 10 · CORRECTED · CANCELLED", "CANCELED 0", "CANCELED 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for last, want := range map[byte]string{1: c.ifLastIsRight, 0: c.otherwise} {
				o := &order{assetClass: Traditional}
				o.id[len(o.id)-1] = last
				for _, f := range parseFacts(t, c.facts) {
					n := note{status: f.Status, at: f.At, quantity: amount{10, 0}}
					if f.Executed != nil {
						n.fills = []fill{{quantity: amount{f.Executed.Num().Int64(), 0}}}
					}
					o.notes = append(o.notes, n)
				}
				s := o.state(o.standing(len(o.notes)))
				require.Equal(t, want, s.Status+" "+s.Executed)
			}
		})
	}
}

func TestLossesDoNotChangeOtherDeliveries(t *testing.T) {
	traffic := Traffic{Seed: 4, Start: start, Orders: 500, Repeats: 0.1, Overtaking: 0.2}
	all := slices.Collect(traffic.deliveries())
	traffic.Lost, traffic.Listed = 0.1, 0.5
	left := slices.Collect(traffic.deliveries())
	lost := map[ref]bool{}
	at := 0
	for _, d := range all {
		if at < len(left) && left[at] == d {
			at++
			continue
		}
		d.copy = 0
		lost[d.ref] = true
	}
	require.Len(t, left, at, "losses do not change the other deliveries")
	for _, d := range left {
		d.copy = 0
		require.False(t, lost[d.ref], "a lost notification is not repeated")
	}
	planned, err := newTally(t.Context(), traffic)
	require.NoError(t, err)
	require.Equal(t, len(lost), planned.totals.Lost)
	require.InDelta(t, 0.1, float64(len(lost))/float64(planned.first[traffic.Orders]), 0.02)
}

func TestEveryLossCanBeDetected(t *testing.T) {
	for _, share := range []struct{ lost, listed float64 }{{0.05, 0.5}, {0.5, 0}, {1, 0}} {
		traffic := Traffic{Seed: 5, Start: start, Orders: 1_000, Lost: share.lost, Listed: share.listed}
		unlisted := 0
		for i := range traffic.Orders {
			o := traffic.order(i)
			var heard []Fact
			for n, f := range traffic.fates(o)[:len(o.notes)] {
				if f == unheard {
					unlisted++
				} else {
					heard = append(heard, o.notes[n].fact())
				}
			}
			require.NotEmpty(t, heard, "at least one notification of each order is posted or listed")
			final := o.state(o.standing(len(o.notes)))
			e := Truth(heard)
			right := len(heard) == len(o.notes) || e.Final && *e.Status == final.Status && executedOf(e) == final.Executed
			require.True(t, right || !e.Final, "%s %s: %v", o.scenario, o.id, heard)
			for count := range len(o.notes) {
				fetched, exists := fetch(t, o, count+1)
				if !exists || o.happenedBy(o.notes[count].at.UnixNano()) != count+1 {
					continue
				}
				e := Truth(append(slices.Clone(heard), fetched))
				require.True(t, !e.Final || len(e.Breaks) > 0 || *e.Status == final.Status, "%s %s: a reader that asked early stops asking and has a wrong status",
					o.scenario, o.id)
			}
		}
		if share.lost < 1 {
			require.NotZero(t, unlisted)
		}
	}
}
