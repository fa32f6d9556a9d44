package rebuild

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGarbageIsCollectedLessWhileAnyRebuildRuns(t *testing.T) {
	before := debug.SetGCPercent(standardPercent)
	defer debug.SetGCPercent(before)
	first, second := collectLess(), collectLess()
	require.EqualValues(t, 2*standardPercent, collectPercent())
	first()
	require.EqualValues(t, 2*standardPercent, collectPercent())
	second()
	require.EqualValues(t, standardPercent, collectPercent())

	debug.SetGCPercent(70)
	end := collectLess()
	require.EqualValues(t, 70, collectPercent(), "the settings of the operator")
	end()
	require.EqualValues(t, 70, collectPercent())
}
