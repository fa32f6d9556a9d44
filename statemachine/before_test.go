package statemachine_test

import (
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// stored is the order as the views give it back.
func stored(t require.TestingT, o *statemachine.Order) *statemachine.Order {
	encoded, err := o.AppendBinary(nil)
	require.NoError(t, err)
	back := &statemachine.Order{ID: o.ID}
	require.NoError(t, back.UnmarshalBinary(encoded))
	return back
}

func TestAStoredOrderTellsWhatItsLastNotificationDid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(anyNotification(), 1, 30).Draw(t, "facts")
		o := &statemachine.Order{ID: "example"}
		for i, n := range facts {
			n.Sequence, n.Received = uint64(3*i+2), t0.Add(time.Hour)
			before := o.State().Status
			known := len(o.Explain().Facts)
			e := o.Observe(&n)
			last := stored(t, o).LastChange()
			require.True(t, last.Known)
			require.Equal(t, before, last.Before)
			if len(o.Explain().Facts) > known {
				require.Equal(t, e.Effect, last.Effect, "it brought a fact")
			} else {
				require.Empty(t, last.Effect)
				require.Equal(t, before, e.StatusAfter)
			}
		}
	})
}

func TestAStoredOrderTellsWhatItsStateWasBeforeAnySequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(anyNotification(), 1, 30).Draw(t, "facts")
		for i := range facts {
			facts[i].Details[statemachine.Quantity] = "7" // an overfill goes by what is known now
		}
		o := &statemachine.Order{ID: "example"}
		states := []statemachine.State{o.State()}
		for i, n := range facts {
			n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
			o.Apply(&n)
			states = append(states, o.State())
		}
		o = stored(t, o)
		for i, want := range states {
			got, known := o.Before(uint64(i + 1))
			require.True(t, known)
			require.Zero(t, got.Executed.Compare(want.Executed))
			got.Executed, want.Executed = "", "" // of equal numbers the digits shown may come later
			require.Equal(t, shown(want), shown(got), "before %d", i+1)
		}
	})
}

// shown leaves of the breaks what tells them from each other: objects keep their earliest time, not each.
func shown(s statemachine.State) statemachine.State {
	for i := range s.Breaks {
		s.Breaks[i] = statemachine.Break{Code: s.Breaks[i].Code}
	}
	if len(s.Breaks) == 0 {
		s.Breaks = nil
	}
	return s
}

func TestAnOrderThatLetFactsGoDoesNotGuess(t *testing.T) {
	o := &statemachine.Order{ID: "example"}
	for i := range statemachine.MaxFacts + 1 {
		n := at(statemachine.Placed, statemachine.Reported, i, "")
		n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
		o.Apply(&n)
	}
	require.Equal(t, uint64(1), o.Dropped)
	require.Equal(t, statemachine.LastChange{}, o.LastChange())
	_, known := o.Before(5)
	require.False(t, known)
}
