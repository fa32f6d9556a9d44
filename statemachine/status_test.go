package statemachine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRowAgreesWithTheRankTable(t *testing.T) {
	require.Len(t, statuses, numStatuses)
	for i, info := range statuses {
		require.Equal(t, i, info.Status.row(), info.Status)
		require.Equal(t, info.Rank, info.Status.Rank())
		require.Equal(t, info.Open, info.Status.Open())
	}
	require.Equal(t, numStatuses, Status("MYSTERY").row())
	require.Zero(t, Status("MYSTERY").Rank())
	require.Equal(t, numStatuses, Status("").row())
}

func TestTheRuleTableIsInTheOrderOfItsCodes(t *testing.T) {
	for i, r := range rules {
		require.Equal(t, Code(i), r.Code)
		require.NotEmpty(t, r.Condition)
		parsed, ok := ParseCode(r.Code.String())
		require.True(t, ok)
		require.Equal(t, r.Code, parsed)
	}
	_, ok := ParseCode("no_such_break")
	require.False(t, ok)
}
