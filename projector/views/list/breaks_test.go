package list

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// start is an arbitrary time.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestEveryBreakHasOneAge(t *testing.T) {
	for ago, want := range map[time.Duration]string{-time.Hour: "0-1", 0: "0-1", day - 1: "0-1", day: "1-2", 2*day + time.Hour: "1-2",
		3*day - 1: "1-2", 3 * day: "3-5", 5*day - 1: "3-5", 5 * day: "over-5", math.MaxInt64: "over-5"} {
		opened := start.Add(-ago)
		age := AgeOf(opened, start)
		require.Equal(t, want, age.String(), ago)
		parsed, ok := ParseAge(want)
		require.True(t, ok)
		require.Equal(t, age, parsed)
		for a := range Ages {
			from, to := a.bounds(start)
			require.Equal(t, a == age, TimeKeyOf(opened) > from && TimeKeyOf(opened) <= to, "%s %s", ago, a)
		}
	}
	_, ok := ParseAge("5+")
	require.False(t, ok)
}
