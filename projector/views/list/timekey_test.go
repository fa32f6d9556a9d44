package list

import (
	"math"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyInstant draws times of any year, often neighbours of each other, and often where 64 bits of nanoseconds end.
func anyInstant() *rapid.Generator[time.Time] {
	ends := []time.Time{{}, time.Date(0, 12, 31, 23, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(10000, 1, 1, 0, 59, 59, 0, time.UTC), time.Unix(0, math.MinInt64).UTC(), time.Unix(0, math.MaxInt64).UTC(),
		time.Unix(0, 0).UTC(), start}
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "near an end") {
			return rapid.SampledFrom(ends).Draw(t, "end").Add(time.Duration(rapid.Int64Range(-2, 2).Draw(t, "nanoseconds")))
		}
		return time.Date(rapid.IntRange(1, 9999).Draw(t, "year"), 1, 1, 0, 0, 0, rapid.IntRange(0, 999_999_999).Draw(t, "nanosecond"), time.UTC)
	})
}

func TestKeysCompareAsTheTimesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyInstant().Draw(t, "a"), anyInstant().Draw(t, "b")
		require.Equal(t, a.Before(b), TimeKeyOf(a) < TimeKeyOf(b))
		require.Equal(t, a.Equal(b), TimeKeyOf(a) == TimeKeyOf(b))
		require.Less(t, TimeKey(""), TimeKeyOf(a))
		require.Less(t, beforeAllTimes, TimeKeyOf(a))
		require.Less(t, TimeKeyOf(a), afterAllTimes)
		shown, err := statemachine.ParseTime(TimeKeyOf(a).String())
		if year := a.Add(23 * time.Hour).Year(); err == nil || 1 < year && year < 9999 {
			require.NoError(t, err)
			require.True(t, a.Equal(shown))
		}
	})
}
