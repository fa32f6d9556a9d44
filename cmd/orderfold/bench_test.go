package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchIngestComparesEveryTargetInOneRun(t *testing.T) {
	code, stdout, stderr := execute(t, nil, "bench", "ingest", "--dir", t.TempDir(), "--connections", "1,20", "--duration", "100ms",
		"--rounds", "1", "--json")
	require.Equal(t, exitOK, code, stderr)
	figures := decoded[[]ingestFigure](t, []byte(stdout))
	require.Len(t, figures, 6)
	for _, f := range figures {
		require.Positive(t, f.PerSecond)
		require.Positive(t, f.P99)
		require.GreaterOrEqual(t, f.P99, f.P50)
		require.Positive(t, f.Ratio)
	}
	_, stdout, _ = execute(t, nil, "bench", "ingest", "--dir", t.TempDir(), "--connections", "2", "--duration", "50ms", "--rounds", "1")
	require.Contains(t, stdout, onePublish)
	for _, args := range [][]string{{"bench", "nothing"}, {"bench", "ingest", "--connections", "many"}, {"bench", "ingest", "--rounds", "0"}} {
		code, _, _ := execute(t, nil, args...)
		require.Equal(t, exitUsage, code, args)
	}
}
