package statemachine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// Facts are observed in the order in which they are written; @n is the time of a fact.
func TestEachNotificationHasItsEffect(t *testing.T) {
	for _, c := range []struct{ facts, effects, rule string }{
		{"PLACED", "applied", "PLACED is the first status known."},
		{"PLACED · FILLED 10", "applied applied", "FILLED (rank 8) outranks PLACED (rank 4)."},
		{"PLACED · PLACED @1", "applied duplicate", "Everything it says was known before."},
		{"PLACED · CANCELLED @2 · CANCELED @2", "applied applied duplicate", "known before"},
		{"FILLED 10 @2 · PLACED @1", "applied late", "FILLED (rank 8) of notification 1 outranks PLACED (rank 4)."},
		{"PARTIALLY_FILLED 3 @2 · PLACED @1", "applied late", "outranks PLACED"},
		{"PLACED · PARTIALLY_FILLED 3 · PLACED", "applied applied confirmed", "an amendment"},
		{"PLACED · PLACED", "applied confirmed", "agrees with the status"},
		{"PARTIALLY_FILLED 3 · PARTIALLY_FILLED 7", "applied confirmed", "rises from 3 to 7"},
		{"PARTIALLY_FILLED · PARTIALLY_FILLED 7", "applied confirmed", "the executed quantity is 7"},
		{"CANCELED · EXPIRED", "applied confirmed", "CANCELED stays"},
		{"EXPIRED @2 · CANCELED @1", "applied applied", "CANCELED at 2026-03-02T09:01:00Z is before EXPIRED at 2026-03-02T09:02:00Z."},
		{"EXPIRED @2 · CANCELED @2", "applied applied", "at the same time CANCELED comes before EXPIRED"},
		{"FILLED 10 · CANCELED", "applied late", "outranks CANCELED"},
		{"PLACED · MYSTERY", "applied annotated", "MYSTERY is not a status the rules know"},
		{"PLACED · CANCELLATION_REJECTED", "applied annotated", "says it does not use CANCELLATION_REJECTED"},
		{"FILLED 10 · CORRECTED", "applied restated", "A correction restates"},
		{"FILLED 10 · GET:CANCELED 0", "applied restated", "The platform was asked"},
		{"FILLED 10 · GET:CANCELED 0 @3 · CANCELED @2", "applied restated superseded",
			"Notification 2 restated the order as CANCELED at 2026-03-02T09:03:00Z, which is newer."},
		{"GET:CANCELED 0 @3 · GET:FILLED 10 @2", "restated superseded", "restated the order as CANCELED"},
		{"GET:CANCELED 0 @3 · GET:CANCELED 0 @3", "restated duplicate", "known before"},
	} {
		t.Run(c.facts, func(t *testing.T) {
			observer := statemachine.NewObserver(&statemachine.Order{})
			var effects []string
			var last statemachine.Entry
			for i, n := range parseFacts(t, c.facts) {
				n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
				last = observer.Observe(&n)
				effects = append(effects, string(last.Effect))
			}
			require.Equal(t, c.effects, strings.Join(effects, " "))
			require.Contains(t, last.Rule, c.rule)
		})
	}
}

func TestTheHistoryShowsWhenABreakOpensAndCloses(t *testing.T) {
	observer := statemachine.NewObserver(&statemachine.Order{})
	var opened, closed [][]statemachine.Code
	for i, n := range parseFacts(t, "PLACED · SETTLED · FILLED 10 @2") {
		n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
		e := observer.Observe(&n)
		opened, closed = append(opened, e.Opened), append(closed, e.Closed)
	}
	require.Equal(t, [][]statemachine.Code{nil, {statemachine.SettledWithoutFill}, nil}, opened)
	require.Equal(t, [][]statemachine.Code{nil, nil, {statemachine.SettledWithoutFill}}, closed)
}

func TestARepeatThatAddsADetailIsNotADuplicate(t *testing.T) {
	o := &statemachine.Order{}
	observer := statemachine.NewObserver(o)
	n := parseFacts(t, "PLACED")[0]
	n.Sequence, n.Received = 1, t0
	require.Equal(t, statemachine.Applied, observer.Observe(&n).Effect)
	n.Sequence, n.Details[statemachine.Side] = 2, "BUY"
	require.Equal(t, statemachine.Confirmed, observer.Observe(&n).Effect)
	n.Sequence = 3
	require.Equal(t, statemachine.Duplicate, observer.Observe(&n).Effect)
	require.Equal(t, uint64(1), o.Duplicates)
}

// BenchmarkApply folds a lifecycle of five facts into a reset order that reuses its memory, and
// reports the time per fact.
func BenchmarkApply(b *testing.B) {
	facts := parseFacts(b, "PLACED · PARTIALLY_FILLED 3 · PARTIALLY_FILLED 7 · FILLED 10 · SETTLED 10")
	for i := range facts {
		facts[i].Sequence, facts[i].Received = uint64(i+1), t0
	}
	o := &statemachine.Order{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(facts) == 0 {
			o.Reset()
		}
		o.Apply(&facts[i%len(facts)])
	}
}

func BenchmarkState(b *testing.B) {
	o := fold(parseFacts(b, "PLACED · PARTIALLY_FILLED 3 · PARTIALLY_FILLED 7 · FILLED 10 · SETTLED 10"))
	b.ReportAllocs()
	for b.Loop() {
		_ = o.State()
	}
}
