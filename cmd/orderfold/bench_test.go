package main

import (
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

func TestBenchIngestComparesEveryTargetInOneRun(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := execute(t, nil, "bench", "ingest", "--dir", t.TempDir(), "--connections", "1,20", "--duration", "1ms",
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
	_, stdout, _ = execute(t, nil, "bench", "ingest", "--dir", t.TempDir(), "--connections", "2", "--duration", "1ms", "--rounds", "1")
	require.Contains(t, stdout, onePublish)
	for _, args := range [][]string{{"bench", "nothing"}, {"bench", "ingest", "--connections", "many"}, {"bench", "ingest", "--rounds", "0"}} {
		code, _, _ := execute(t, nil, args...)
		require.Equal(t, exitUsage, code, args)
	}
}

func TestBenchExportReadsEveryOrder(t *testing.T) {
	t.Parallel()
	args := []string{"bench", "export", "--dir", t.TempDir(), "--orders", "1200", "--rounds", "1"}
	code, stdout, stderr := execute(t, nil, append(args, "--json")...)
	require.Equal(t, exitOK, code, stderr)
	figures := decoded[[]exportFigure](t, []byte(stdout))
	require.Len(t, figures, 2)
	for _, f := range figures {
		require.Equal(t, 1200, f.Orders)
		require.Positive(t, f.PerSecond)
		require.Positive(t, f.MiB)
	}
	code, stdout, stderr = execute(t, nil, args...)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "orders per second")
	code, _, _ = execute(t, nil, "bench", "export", "--orders", "0")
	require.Equal(t, exitUsage, code)
}

func TestBenchReadMeasuresEveryFilter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"bench", "read", "--dir", dir, "--orders", "1500", "--connections", "2", "--duration", "1ms", "--rounds", "1"}
	code, stdout, stderr := execute(t, nil, append(args, "--json")...)
	require.Equal(t, exitOK, code, stderr)
	f := decoded[readFigures](t, []byte(stdout))
	require.Equal(t, 1500, f.Orders)
	require.Positive(t, f.Ratio)
	require.Greater(t, len(f.Answers), 20)
	for _, a := range f.Answers {
		require.Positive(t, a.P50, a.Question)
		require.GreaterOrEqual(t, a.P99, a.P50, a.Question)
		require.Positive(t, a.Goal, a.Question)
	}
	code, stdout, stderr = execute(t, nil, args...) // of the existing views
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "a page of 100 by")
	for _, wrong := range [][]string{{"bench", "read", "--rounds", "0"}, {"bench", "read", "--dir", dir, "--orders", "3"}} {
		code, _, _ := execute(t, nil, wrong...)
		require.Equal(t, exitUsage, code, wrong)
	}
}

func TestAStreamResumedOnFilledViewsSendsNoEarlierDays(t *testing.T) {
	log := filledLog{last: 10}
	record, err := log.Record(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, fillTime(10), record.Received)
	for _, none := range []uint64{0, 11} {
		_, err = log.Record(t.Context(), none)
		require.ErrorIs(t, err, api.ErrNoRecord)
	}
}
