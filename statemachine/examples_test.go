package statemachine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// t0 is the time base of the examples; @n is n minutes later.
var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return t0.Add(time.Duration(n) * time.Minute) }

// examples are the worked examples of docs/order-state.md: facts · status · since · executed · breaks.
var examples = []struct{ facts, status, since, executed, breaks string }{
	{"PLACED · FILLED 10 · SETTLED 10", "SETTLED", "3", "10", ""},
	{"PLACED · PARTIALLY_FILLED 3 · PARTIALLY_FILLED 7 · FILLED 10 · SETTLED 10", "SETTLED", "5", "10", ""},
	{"PLACED · PARTIALLY_FILLED 3 · CANCELED 3", "CANCELED", "3", "3", ""},
	{"PLACED · PARTIALLY_FILLED 3 · CANCELED 3 · SETTLED 3", "SETTLED", "4", "3", ""},
	{"PLACED · PARTIALLY_FILLED 3 · EXPIRED 3", "EXPIRED", "3", "3", ""},
	{"PLACED · REJECTED", "REJECTED", "2", "", ""},
	{"REJECTED", "REJECTED", "1", "", ""},
	{"INVALID", "INVALID", "1", "", ""},
	{"INVALID · PLACED", "PLACED", "2", "", "invalid_superseded"},
	{"PLACED · INVALID · FILLED 10", "FILLED", "3", "10", ""},
	{"PLACED · CANCELED · EXPIRED", "CANCELED", "2", "", "conflicting_close"},
	{"PLACED · EXPIRED @2 · CANCELED @2", "CANCELED", "2", "", "conflicting_close"},
	{"PLACED · CANCELED · FILLED 10", "FILLED", "3", "10", "fill_after_close"},
	{"PLACED · CANCELED · PARTIALLY_FILLED 4", "CANCELED", "2", "4", "fill_after_close"},
	{"PLACED · FILLED 10 · CANCELED", "FILLED", "2", "10", "close_after_fill"},
	{"PLACED · FILLED 10 · PARTIALLY_FILLED 7", "FILLED", "2", "10", "executed_decreased, possible_bust"},
	{"PLACED · SETTLED", "SETTLED", "2", "", "settled_without_fill"},
	{"PLACED · FILLED 10 · SETTLED 10 · CANCELED", "SETTLED", "3", "10", "after_settlement, close_after_fill"},
	{"PLACED · PARTIALLY_FILLED 3 · REJECTED 3", "REJECTED", "3", "3", "rejected_after_fill"},
	{"PLACED · PARTIALLY_FILLED 3 · PLACED · FILLED 10", "FILLED", "4", "10", ""},
	{"PLACED · CANCELED · PLACED", "CANCELED", "2", "", "reopened"},
	{"FILLED 10 · PLACED", "FILLED", "1", "10", "time_inversion"},
	{"PLACED · FILLED 10 · CORRECTED · CANCELED", "CANCELED", "4", "", ""},
	{"PLACED · FILLED 10 · CORRECTED", "CORRECTED", "3", "", ""},
	{"PLACED · FILLED 10 · CANCELED · GET:CANCELED 0 @3", "CANCELED", "3", "0", ""},
	{"PLACED · FILLED 10 · CANCELED · GET:FILLED 10 @4 · SETTLED 10", "SETTLED", "5", "10", ""},
	{"PLACED · PARTIALLY_FILLED 3 · GET:PARTIALLY_FILLED 5 @3 · FILLED 10", "FILLED", "4", "10", ""},
	{"PLACED · MYSTERY", "PLACED", "1", "", "unknown_status"},
	{"PLACED · CANCELLATION_REJECTED · FILLED 10", "FILLED", "3", "10", "unused_status"},
	{"PLACED · PARTIALLY_FILLED 7 · PARTIALLY_FILLED 3", "PARTIALLY_FILLED", "2", "7", "executed_decreased"},
	{"PLACED · CANCELLED", "CANCELED", "2", "", ""},
	{"RECEIVED · PENDING · FILLED 10 · SETTLED 10", "SETTLED", "4", "10", ""},
	{"PLACED · FILLED 12", "FILLED", "2", "12", "overfill"},
	{"PLACED · FILLED 7", "FILLED", "2", "7", "underfilled"},
	{"PLACED · PARTIALLY_FILLED 7 · FILLED", "FILLED", "3", "7", ""},
	{"PLACED · FILLED 7 · SETTLED 10", "SETTLED", "3", "10", ""},
	{"PLACED · FILLED 10 · GET:SETTLED @3", "SETTLED", "3", "10", ""},
	{"GET:SETTLED", "SETTLED", "1", "", ""},
	{"PLACED · GET:CANCELED @3 · GET:EXPIRED @3", "CANCELED", "3", "", ""},
}

// parseFacts parses the facts of an example.
func parseFacts(t testing.TB, text string) []statemachine.Notification {
	var facts []statemachine.Notification
	for i, part := range strings.Split(text, " · ") {
		n := statemachine.Notification{OrderID: "example", AssetClass: statemachine.Traditional, At: minute(i + 1)}
		n.Details[statemachine.Quantity] = "10"
		words := strings.Fields(part)
		if name, fetched := strings.CutPrefix(words[0], "GET:"); fetched {
			n.Kind, words[0] = statemachine.Fetched, name
		}
		n.Status = statemachine.ParseStatus(words[0])
		for _, word := range words[1:] {
			if at, found := strings.CutPrefix(word, "@"); found {
				m, err := strconv.Atoi(at)
				require.NoError(t, err)
				n.At = minute(m)
			} else {
				n.Executed = statemachine.Decimal(word)
			}
		}
		facts = append(facts, n)
	}
	return facts
}

// fold applies the notifications in the given order, as if they arrived an hour later.
func fold(notifications []statemachine.Notification) *statemachine.Order {
	o := &statemachine.Order{ID: "example"}
	for i, n := range notifications {
		n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
		o.Apply(&n)
	}
	return o
}

// permutations calls f with the elements of a in every order. f must not retain its argument.
func permutations[T any](a []T, f func([]T)) {
	var walk func(int)
	walk = func(k int) {
		if k == len(a) {
			f(a)
			return
		}
		for i := k; i < len(a); i++ {
			a[k], a[i] = a[i], a[k]
			walk(k + 1)
			a[k], a[i] = a[i], a[k]
		}
	}
	walk(0)
}

func codes(s statemachine.State) []string {
	names := []string{}
	for _, b := range s.Breaks {
		names = append(names, b.Code.String())
	}
	slices.Sort(names)
	return names
}

func TestEveryWorkedExampleHoldsInEveryArrivalOrder(t *testing.T) {
	for _, example := range examples {
		t.Run(example.facts, func(t *testing.T) {
			permutations(parseFacts(t, example.facts), func(facts []statemachine.Notification) {
				s := fold(facts).State()
				since, err := strconv.Atoi(example.since)
				require.NoError(t, err)
				require.Equal(t, example.status, string(s.Status))
				require.Equal(t, minute(since), s.StatusSince)
				require.Equal(t, example.executed, string(s.Executed))
				require.Equal(t, example.breaks, strings.Join(codes(s), ", "))
			})
		})
	}
}

func TestOpenAndFinalFollowFromStatusAndExecution(t *testing.T) {
	for _, c := range []struct {
		facts       string
		open, final bool
	}{
		{"RECEIVED", true, false}, {"PENDING", true, false}, {"PLACED", true, false},
		{"PLACED · PARTIALLY_FILLED 3", true, false},
		{"FILLED 10", false, false}, {"CORRECTED", false, false},
		{"SETTLED", false, true}, {"INVALID", false, true}, {"MYSTERY", false, false},
		{"CANCELED", false, true}, {"EXPIRED", false, true}, {"REJECTED", false, true},
		{"CANCELED 0.00", false, true},
		{"PLACED · PARTIALLY_FILLED 3 · CANCELED 3", false, false},
		{"PLACED · PARTIALLY_FILLED · CANCELED", false, false},
		{"PLACED · PARTIALLY_FILLED 3 · GET:CANCELED 0 @4", false, true},
	} {
		t.Run(c.facts, func(t *testing.T) {
			s := fold(parseFacts(t, c.facts)).State()
			require.Equal(t, c.open, s.Open, "open")
			require.Equal(t, c.final, s.Final, "final")
		})
	}
}

func TestTheExtentFollowsFromQuantitiesOrTheStatus(t *testing.T) {
	for facts, want := range map[string]map[string]statemachine.Extent{
		"PLACED":                        {"10": statemachine.NothingExecuted, "": statemachine.NothingExecuted},
		"PLACED 0":                      {"10": statemachine.NothingExecuted},
		"PARTIALLY_FILLED 3":            {"10": statemachine.SomeExecuted, "": statemachine.SomeExecuted, "3.0": statemachine.AllExecuted},
		"PARTIALLY_FILLED":              {"10": statemachine.SomeExecuted},
		"FILLED 10":                     {"10": statemachine.AllExecuted, "11": statemachine.SomeExecuted, "9": statemachine.AllExecuted, "": statemachine.AllExecuted},
		"FILLED":                        {"10": statemachine.AllExecuted},
		"FILLED · SETTLED":              {"10": statemachine.AllExecuted},
		"SETTLED":                       {"10": statemachine.NothingExecuted},
		"PARTIALLY_FILLED 3 · CANCELED": {"10": statemachine.SomeExecuted, "": statemachine.SomeExecuted},
		"CANCELED":                      {"10": statemachine.NothingExecuted},
	} {
		for quantity, extent := range want {
			notifications := parseFacts(t, facts)
			for i := range notifications {
				notifications[i].Details[statemachine.Quantity] = quantity
			}
			require.Equal(t, extent, fold(notifications).State().Extent, "%s of %q", facts, quantity)
		}
	}
}

func TestABreakIsOpenedByTheFactThatMadeItsConditionTrue(t *testing.T) {
	facts := parseFacts(t, "PLACED · CANCELED · PARTIALLY_FILLED 4 · FILLED 10")
	permutations(facts, func(facts []statemachine.Notification) {
		s := fold(facts).State()
		require.Len(t, s.Breaks, 1)
		b := s.Breaks[0]
		require.Equal(t, minute(3), b.OpenedAt, "the first fill after the cancellation")
		require.Len(t, b.Sequences, 2)
		require.Contains(t, b.Sequences, b.OpenedSequence)
		require.Equal(t, statemachine.PartiallyFilled, facts[b.OpenedSequence-1].Status)
		require.NotEmpty(t, b.Rule)
		require.Equal(t, statemachine.High, b.Severity)
	})
}

func TestAnIDOfTwoOrderObjectsIsASourceConflict(t *testing.T) {
	a := statemachine.Notification{AssetClass: statemachine.Traditional, Status: statemachine.Placed, At: minute(1)}
	b := statemachine.Notification{AssetClass: statemachine.Digital, Status: statemachine.Pending, At: minute(2)}
	permutations([]statemachine.Notification{a, b}, func(facts []statemachine.Notification) {
		o := fold(facts)
		s := o.State()
		require.Equal(t, []string{"source_conflict"}, codes(s))
		require.Equal(t, minute(2), s.Breaks[0].OpenedAt)
		require.Equal(t, []uint64{1, 2}, s.Breaks[0].Sequences)
		require.Equal(t, statemachine.Digital, o.AssetClass())
	})
}

func TestClockSkewIsMeasuredAgainstTheFirstArrival(t *testing.T) {
	o := &statemachine.Order{}
	n := statemachine.Notification{Sequence: 2, Status: statemachine.Placed, At: minute(6), Received: minute(2)}
	o.Apply(&n)
	require.Empty(t, codes(o.State()))
	n.Sequence, n.Received = 1, minute(1).Add(-time.Nanosecond)
	o.Apply(&n)
	require.Equal(t, []string{"clock_skew"}, codes(o.State()))
	n.Sequence, n.Received = 3, minute(9)
	o.Apply(&n)
	require.Equal(t, []string{"clock_skew"}, codes(o.State()))
}

func TestARefusedUpdateAddsItsRefusalAndDetailsOnly(t *testing.T) {
	o := fold(parseFacts(t, "PLACED · FILLED 10"))
	before := o.State()
	n := statemachine.Notification{Sequence: 3, Received: minute(90), Type: "VALIDATION_ERROR", Refused: true,
		Refusal: statemachine.Refusal{ErrorType: "LIMIT", Description: "too low"}}
	n.Details[statemachine.LimitPrice] = "9.5"
	require.True(t, o.Apply(&n))
	require.Equal(t, before, o.State())
	require.Equal(t, []statemachine.Refusal{{At: minute(90), ErrorType: "LIMIT", Description: "too low"}}, o.Refusals())
	require.Equal(t, "9.5", o.Detail(statemachine.LimitPrice))
}

func TestADetailComesFromTheGreatestNotificationWhateverArrivesFirst(t *testing.T) {
	with := func(status statemachine.Status, kind statemachine.Kind, at int, price string) statemachine.Notification {
		n := statemachine.Notification{Status: status, Kind: kind, At: minute(at)}
		n.Details[statemachine.LimitPrice] = price
		return n
	}
	for name, c := range map[string]struct {
		a, b statemachine.Notification
		want string
	}{
		"the newer value":                   {with("PLACED", 0, 1, "5"), with("PLACED", 0, 2, "4"), "4"},
		"then the higher rank":              {with("PLACED", 0, 1, "5"), with("FILLED", 0, 1, "4"), "4"},
		"then the fetched":                  {with("PLACED", 0, 1, "5"), with("PLACED", 1, 1, "4"), "4"},
		"then the greater value":            {with("PLACED", 0, 1, "9"), with("PLACED", 0, 1, "10"), "10"},
		"then the later digits":             {with("PLACED", 0, 1, "9"), with("PLACED", 0, 1, "9.0"), "9.0"},
		"a superseded notification is used": {with("PLACED", 0, 1, "7"), with("CORRECTED", 0, 2, ""), "7"},
		"an unknown status has rank 0":      {with("MYSTERY", 0, 1, "9"), with("PLACED", 0, 1, "4"), "4"},
	} {
		t.Run(name, func(t *testing.T) {
			permutations([]statemachine.Notification{c.a, c.b}, func(facts []statemachine.Notification) {
				require.Equal(t, c.want, fold(facts).Detail(statemachine.LimitPrice))
			})
		})
	}
}

func TestTenThousandRepeatsOnlyChangeCounts(t *testing.T) {
	facts := parseFacts(t, "PLACED · FILLED 10")
	o := fold(facts)
	once, err := o.AppendBinary(nil)
	require.NoError(t, err)
	for i := range 10_000 {
		n := facts[i%2]
		n.Sequence, n.Received = uint64(3+i), minute(60)
		require.False(t, o.Apply(&n))
	}
	many, err := o.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, uint64(10_002), o.Count)
	require.Equal(t, uint64(10_000), o.Duplicates)
	require.Equal(t, uint64(10_002), o.Last.Sequence)
	require.InDelta(t, len(once), len(many), 16)
}

func TestAnOrderKeepsABoundedNumberOfFactsAndReportsDrops(t *testing.T) {
	for name, status := range map[string]func(int) (statemachine.Status, statemachine.Kind){
		"with one status": func(int) (statemachine.Status, statemachine.Kind) { return statemachine.Placed, 0 },
		"with a new status each": func(i int) (statemachine.Status, statemachine.Kind) {
			return statemachine.Status(fmt.Sprint("S", i)), 0
		},
		"fetched": func(int) (statemachine.Status, statemachine.Kind) { return statemachine.Placed, statemachine.Fetched },
	} {
		t.Run(name, func(t *testing.T) {
			o := &statemachine.Order{}
			observer := statemachine.NewObserver(o)
			var entry statemachine.Entry
			for i := range 3 * statemachine.MaxFacts {
				n := statemachine.Notification{Sequence: uint64(i + 1), Received: minute(i), At: minute(i)}
				n.Status, n.Kind = status(i)
				entry = observer.Observe(&n)
			}
			require.Equal(t, uint64(2*statemachine.MaxFacts), o.Dropped)
			require.Contains(t, entry.Rule, "dropped")
			encoded, err := o.AppendBinary(nil)
			require.NoError(t, err)
			require.Less(t, len(encoded), 64*statemachine.MaxFacts)
			if s := o.State(); s.Status != "" {
				require.Equal(t, minute(3*statemachine.MaxFacts-1), s.ModifiedOn, "the last fact is kept")
			}
		})
	}
}

func TestRefusalsAreBoundedAndTheLatestAreKept(t *testing.T) {
	refusal := func(i int) statemachine.Notification {
		return statemachine.Notification{Sequence: uint64(i + 1), Received: minute(i), Refused: true}
	}
	up, down := &statemachine.Order{}, &statemachine.Order{}
	for i := range 100 {
		a, b := refusal(i), refusal(99-i)
		up.Apply(&a)
		down.Apply(&b)
	}
	require.Len(t, up.Refusals(), statemachine.MaxRefusals)
	require.Equal(t, up.Refusals(), down.Refusals())
	require.Equal(t, minute(99), up.Refusals()[statemachine.MaxRefusals-1].At)
}
