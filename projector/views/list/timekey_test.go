package list

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A test of the views checks that keys compare as their times do. The earliest and the latest time are therefore
// enough here.
func TestTheFirstAndLastKeysAreBeforeAndAfterAllTimes(t *testing.T) {
	for _, at := range []time.Time{time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 12, 31, 23, 59, 59, 999_999_999, time.UTC)} {
		require.Less(t, TimeKey(""), beforeAllTimes)
		require.Less(t, beforeAllTimes, TimeKeyOf(at))
		require.Less(t, TimeKeyOf(at), afterAllTimes)
	}
}
