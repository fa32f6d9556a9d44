package statemachine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

func TestLastNewsAndLastAnswerIgnoreRepeats(t *testing.T) {
	begin := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	o := statemachine.Order{ID: "a"}
	hear := func(sequence uint64, kind statemachine.Kind, status statemachine.Status) {
		o.Apply(&statemachine.Notification{OrderID: "a", Sequence: sequence, Received: begin.Add(time.Duration(sequence) * time.Minute), Kind: kind,
			Status: status, At: begin})
	}
	require.Zero(t, o.LastNews())
	hear(1, statemachine.Reported, "")
	require.Equal(t, uint64(1), o.LastNews().Sequence)
	_, answered := o.LastAnswer()
	require.False(t, answered)
	hear(2, statemachine.Reported, statemachine.Placed)
	hear(3, statemachine.Reported, statemachine.Placed)
	require.Equal(t, uint64(2), o.LastNews().Sequence, "a repeat is not news")
	hear(4, statemachine.Fetched, statemachine.Placed)
	hear(5, statemachine.Fetched, statemachine.Placed)
	require.Equal(t, uint64(4), o.LastNews().Sequence)
	last, answered := o.LastAnswer()
	require.True(t, answered)
	require.Equal(t, statemachine.Arrival{Sequence: 4, Received: begin.Add(4 * time.Minute)}, last)
}
