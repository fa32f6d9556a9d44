package statemachine_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plainSet keeps facts by a literal implementation of the definition in docs/order-state.md: every fact
// is compared with every other one.
type plainSet struct {
	facts   []plainFact // in the order of arrival
	dropped uint64
}

// ranked are the known statuses. All others count as one status.
var ranked = statusTexts()

type plainFact struct {
	sequence uint64
	at       time.Time
	kind     statemachine.Kind
	status   statemachine.Status
	executed statemachine.Decimal
	group    int // index in ranked; -1: any other text
}

func newPlainFact(n *statemachine.Notification) plainFact {
	return plainFact{n.Sequence, n.At, n.Kind, n.Status, n.Executed, slices.Index(ranked, n.Status)}
}

func (f *plainFact) rank() int { return f.status.Rank() }

func (f *plainFact) restates() bool {
	return f.kind == statemachine.Fetched && f.rank() > 0 || f.status == statemachine.Corrected
}

func (f *plainFact) compareAge(g *plainFact) int {
	return cmp.Or(f.at.Compare(g.at), cmp.Compare(f.sequence, g.sequence))
}

func (s *plainSet) add(n *statemachine.Notification) {
	f := newPlainFact(n)
	for i := range s.facts {
		known := &s.facts[i]
		if known.at.Equal(f.at) && known.kind == f.kind && known.status == f.status && known.executed.Compare(f.executed) == 0 {
			known.executed = max(known.executed, f.executed)
			known.sequence = min(known.sequence, f.sequence)
			return
		}
	}
	if s.facts = append(s.facts, f); len(s.facts) > statemachine.MaxFacts {
		s.drop()
	}
}

func (s *plainSet) drop() {
	base := s.base()
	for _, spare := range []func(*plainFact) bool{
		func(f *plainFact) bool { return f.restates() || s.isEdge(f) },
		func(f *plainFact) bool { return f == base },
	} {
		var victim *plainFact
		for i := range s.facts {
			if f := &s.facts[i]; (victim == nil || f.compareAge(victim) < 0) && !spare(f) {
				victim = f
			}
		}
		if victim != nil {
			s.facts = slices.DeleteFunc(s.facts, func(f plainFact) bool { return f == *victim })
			s.dropped++
			return
		}
	}
}

func (s *plainSet) base() (base *plainFact) {
	closed := []statemachine.Status{statemachine.Rejected, statemachine.Expired, statemachine.Canceled}
	for i := range s.facts {
		f := &s.facts[i]
		if !f.restates() {
			continue
		}
		if base == nil || cmp.Or(f.at.Compare(base.at), cmp.Compare(f.kind, base.kind), cmp.Compare(f.rank(), base.rank()),
			cmp.Compare(slices.Index(closed, f.status), slices.Index(closed, base.status)), f.executed.Compare(base.executed)) > 0 {
			base = f
		}
	}
	return base
}

func (s *plainSet) isEdge(f *plainFact) bool {
	first, last, most := true, true, f.executed.Known()
	for i := range s.facts {
		g := &s.facts[i]
		if g == f {
			continue
		}
		most = most && g.executed.Compare(f.executed) <= 0
		if g.group == f.group {
			first = first && f.compareAge(g) < 0
			last = last && f.compareAge(g) > 0
		}
		if !first && !last && !most {
			return false
		}
	}
	return true
}

// kept returns the facts of an order as its explanation lists them.
func kept(o *statemachine.Order) (facts []plainFact) {
	for _, j := range o.Explain().Facts {
		facts = append(facts, newPlainFact(&statemachine.Notification{Sequence: j.Sequence, At: j.At, Kind: j.Kind, Status: j.Status, Executed: j.Executed}))
	}
	return facts
}

func TestTheDroppedFactsAreThoseOfTheDefinition(t *testing.T) {
	for name, arrival := range map[string]func(i, draw int) int{
		"ascending times":           func(i, _ int) int { return i },
		"descending times":          func(i, _ int) int { return -i },
		"times in any order":        func(_, draw int) int { return draw },
		"few times, shared by many": func(_, draw int) int { return draw >> 10 % 3 },
	} {
		t.Run(name, func(t *testing.T) {
			var drops uint64
			rapid.Check(t, func(t *rapid.T) {
				statuses := rapid.SliceOfN(rapid.SampledFrom(append(everyStatus, "ENIGMA")), 1, 4).Draw(t, "statuses")
				quantities := rapid.SampledFrom([]int{3, 1000, 1000}).Draw(t, "quantities")
				fetched := rapid.SampledFrom([]int{0, 1, 5, 10}).Draw(t, "of ten fetched")
				random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				o, plain := &statemachine.Order{ID: "example"}, &plainSet{}
				for i := range statemachine.MaxFacts + 40 {
					draw := random.IntN(1 << 20)
					n := statemachine.Notification{Sequence: uint64(i + 1), Received: t0, At: minute(arrival(i, draw)),
						Status: statuses[draw%len(statuses)], Executed: statemachine.Decimal(fmt.Sprint(draw / 50 % quantities))}
					if draw%7 == 0 {
						n.Executed = statemachine.Decimal([]string{"", "7", "7.0", "70e-1", "0.5"}[draw/7%5])
					}
					if draw/5%10 < fetched {
						n.Kind = statemachine.Fetched
					}
					o.Apply(&n)
					plain.add(&n)
					if i == statemachine.MaxFacts {
						o = stored(t, o) // the tally is not stored
					}
				}
				slices.SortFunc(plain.facts, func(f, g plainFact) int { return f.compareAge(&g) })
				require.Equal(t, plain.facts, kept(o))
				require.Equal(t, plain.dropped, o.Dropped)
				drops += o.Dropped
			})
			require.NotZero(t, drops)
		})
	}
}

// busy returns distinct facts of one order that is filled in many parts.
func busy(count int) []statemachine.Notification {
	facts := make([]statemachine.Notification, count)
	for i := range facts {
		facts[i] = statemachine.Notification{OrderID: "example", Sequence: uint64(i + 1), Received: t0.Add(time.Hour), AssetClass: statemachine.Traditional,
			At: t0.Add(time.Duration(i) * time.Millisecond), Status: statemachine.PartiallyFilled, Executed: statemachine.Decimal(fmt.Sprint(i))}
	}
	return facts
}

// quickest returns the shortest duration of several calls of f.
func quickest(f func()) time.Duration {
	least := time.Duration(1<<63 - 1)
	for range 7 {
		begin := time.Now()
		f()
		least = min(least, time.Since(begin))
	}
	return least
}

// If each fact past MaxFacts were compared with every pair of other facts, the ratio would be in the
// thousands.
func TestTheCostOfAFactDoesNotGrowWithTheNumberOfFacts(t *testing.T) {
	const count = 20_000
	ordinary := parseFacts(t, "PLACED · PARTIALLY_FILLED 3 · PARTIALLY_FILLED 7 · FILLED 10 · SETTLED 10")
	one := quickest(func() {
		var o statemachine.Order
		for i := range count {
			if i%len(ordinary) == 0 {
				o.Reset()
			}
			o.Apply(&ordinary[i%len(ordinary)])
		}
	})
	for name, change := range map[string]func(i int, n *statemachine.Notification){
		"with ascending times":       func(int, *statemachine.Notification) {},
		"with the same time":         func(_ int, n *statemachine.Notification) { n.At = t0 },
		"with descending times":      func(i int, n *statemachine.Notification) { n.At = t0.Add(-time.Duration(i) * time.Millisecond) },
		"with the greatest quantity": func(_ int, n *statemachine.Notification) { n.Executed = "10" },
		"fetched":                    func(_ int, n *statemachine.Notification) { n.Kind = statemachine.Fetched },
	} {
		t.Run(name, func(t *testing.T) {
			facts := busy(count)
			for i := range facts {
				change(i, &facts[i])
			}
			all := quickest(func() {
				var o statemachine.Order
				for i := range facts {
					o.Apply(&facts[i])
				}
			})
			t.Logf("%.1f times as much", float64(all)/float64(one))
			require.Less(t, all, 200*one, "no fact is compared with every pair of others")
		})
	}
}

func BenchmarkApplyToABusyOrder(b *testing.B) {
	facts := busy(10_000)
	b.ReportAllocs()
	var o statemachine.Order
	for i := 0; b.Loop(); i++ {
		if i%len(facts) == 0 {
			o = statemachine.Order{}
		}
		o.Apply(&facts[i%len(facts)])
	}
}

func BenchmarkObserveABusyOrder(b *testing.B) {
	facts := busy(10_000)
	b.ReportAllocs()
	var observer *statemachine.Observer
	for i := 0; b.Loop(); i++ {
		if i%len(facts) == 0 {
			observer = statemachine.NewObserver(&statemachine.Order{})
		}
		observer.Observe(&facts[i%len(facts)])
	}
}

func BenchmarkStateOfABusyOrder(b *testing.B) {
	o := fold(busy(10_000))
	b.ReportAllocs()
	for b.Loop() {
		_ = o.State()
	}
}
