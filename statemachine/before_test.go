package statemachine_test

import (
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// stored returns the order after encoding and decoding, as the views do.
func stored(t require.TestingT, o *statemachine.Order) *statemachine.Order {
	encoded, err := o.AppendBinary(nil)
	require.NoError(t, err)
	back := &statemachine.Order{ID: o.ID}
	require.NoError(t, back.UnmarshalBinary(encoded))
	return back
}

func TestLastChangeOfAStoredOrderAgreesWithObserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(anyNotification(), 1, 30).Draw(t, "facts")
		o := &statemachine.Order{ID: "example"}
		observer := statemachine.NewObserver(o)
		for i, n := range facts {
			n.Sequence, n.Received = uint64(3*i+2), t0.Add(time.Hour)
			before := o.State().Status
			known := len(o.Explain().Facts)
			e := observer.Observe(&n)
			last := stored(t, o).LastChange()
			require.True(t, last.Known)
			require.Equal(t, before, last.Before)
			if len(o.Explain().Facts) > known {
				require.Equal(t, e.Effect, last.Effect, "the notification added a fact")
			} else {
				require.Empty(t, last.Effect)
				require.Equal(t, before, e.StatusAfter)
			}
		}
	})
}

func TestSinceReturnsTheEarlierStatesOfAStoredOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(anyNotification(), 1, 30).Draw(t, "facts")
		o := &statemachine.Order{ID: "example"}
		passed := []statemachine.State{}
		for i, n := range facts {
			n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
			n.Details[statemachine.Quantity] = "7" // an overfill depends on the current quantity
			o.Apply(&n)
			passed = append(passed, shown(o.State()))
		}
		o = stored(t, o)
		for since := range facts {
			states, known := o.Since(uint64(since))
			require.True(t, known)
			for i := range states {
				states[i] = shown(states[i])
			}
			want := slices.Clone(passed[max(0, since-1) : len(passed)-1])
			require.Equal(t, distinct(want), distinct(states), "since %d", since)
		}
	})
}

// distinct removes equal neighbours.
func distinct(states []statemachine.State) []statemachine.State {
	return slices.CompactFunc(append([]statemachine.State{}, states...), func(a, b statemachine.State) bool { return reflect.DeepEqual(a, b) })
}

// shown removes what may differ when a past state is derived later: the digits of equal numbers, the
// amount, and when a break was opened.
func shown(s statemachine.State) statemachine.State {
	if s.Executed.Known() {
		number, _ := strconv.ParseFloat(string(s.Executed), 64)
		s.Executed = statemachine.Decimal(strconv.FormatFloat(number, 'g', -1, 64))
	}
	s.Amount = "" // a repeat may add it later
	for i := range s.Breaks {
		s.Breaks[i] = statemachine.Break{Code: s.Breaks[i].Code}
	}
	if len(s.Breaks) == 0 {
		s.Breaks = nil
	}
	return s
}

func TestAnOrderThatDroppedFactsReportsNoEarlierStates(t *testing.T) {
	o := &statemachine.Order{ID: "example"}
	for i := range statemachine.MaxFacts + 1 {
		n := at(statemachine.Placed, statemachine.Reported, i, "")
		n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
		o.Apply(&n)
	}
	require.Equal(t, uint64(1), o.Dropped)
	require.Equal(t, statemachine.LastChange{}, o.LastChange())
	_, known := o.Since(5)
	require.False(t, known)
}
