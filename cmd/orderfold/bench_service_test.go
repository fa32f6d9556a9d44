package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/cmd/orderfold/bench"
)

// benching runs a benchmark of a service and requires that it leaves nothing behind.
func benching[F any](t *testing.T, args ...string) (figures []F, table string) {
	dir := t.TempDir()
	args = append([]string{"bench"}, append(args, "--binary", binaries.orderfold, "--dir", dir)...)
	code, stdout, stderr := execute(t, nil, append(args, "--json")...)
	require.Equal(t, exitOK, code, stderr)
	code, table, stderr = execute(t, nil, args...)
	require.Equal(t, exitOK, code, stderr)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	return decoded[[]F](t, []byte(stdout)), table
}

func TestBenchServeComparesTheServiceWithOneThatPublishesSingly(t *testing.T) {
	t.Parallel()
	figures, table := benching[bench.ServeFigure](t, "serve", "--connections", "1,20", "--duration", "200ms", "--rounds", "1")
	require.Len(t, figures, 4)
	for i, f := range figures {
		require.Equal(t, []string{bench.Service, bench.OnePublish}[i%2], f.Target)
		require.Equal(t, []int{1, 1, 20, 20}[i], f.Connections)
		require.Positive(t, f.PerSecond)
		require.GreaterOrEqual(t, f.P99, f.P50)
		if f.PerSecond > 2000 { // processor time is counted in hundredths of a second: it may be 0 for a few notifications
			require.Positive(t, f.CPU)
		}
		require.Positive(t, f.Peak)
		require.Positive(t, f.Ratio)
		require.Equal(t, f.Connections == 1, f.Syncs > 0)
	}
	require.Contains(t, table, "The disk alone syncs")
}

func TestBenchFreshnessMeasuresHowLongReadersWaitForAnOrder(t *testing.T) {
	t.Parallel()
	figures, table := benching[bench.FreshnessFigure](t, "freshness", "--rate", "200", "--duration", "1s", "--readers", "1,5")
	require.Len(t, figures, 2)
	for i, f := range figures {
		require.Equal(t, []int{1, 5}[i], f.Readers)
		require.Equal(t, 200, f.Answered)
		require.Positive(t, f.Samples)
		require.LessOrEqual(t, f.Samples, f.Answered)
		require.Positive(t, f.P50)
		require.GreaterOrEqual(t, f.Longest, f.P99)
		require.Positive(t, f.CPU)
	}
	require.Contains(t, table, "visible after ms")
}

func TestBenchStreamWaitsUntilEveryReaderHasEveryEvent(t *testing.T) {
	t.Parallel()
	figures, table := benching[bench.StreamFigure](t, "stream", "--rate", "200", "--duration", "1s", "--readers", "3", "--rounds", "1", "--interval", "50")
	require.Len(t, figures, 2)
	require.Equal(t, 0, figures[0].Readers)
	require.Equal(t, 3, figures[1].Readers)
	require.Equal(t, 200, figures[1].Events)
	require.GreaterOrEqual(t, figures[1].P99, figures[1].P50) // 0 if every event came before its order was visible
	require.Positive(t, figures[1].Slower)
	require.Positive(t, figures[1].SlowerP99)
	require.Equal(t, 50, figures[1].Interval)
	require.Contains(t, table, "delivered after ms")
}

func TestBenchHistoryReadsEveryNotification(t *testing.T) {
	t.Parallel()
	figures, table := benching[bench.HistoryFigure](t, "history", "--notifications", "10,600", "--rounds", "1")
	require.Len(t, figures, 2)
	require.Equal(t, 1, figures[0].Pages)
	require.Equal(t, 2, figures[1].Pages)
	require.Positive(t, figures[1].History)
	require.Positive(t, figures[1].Ratio)
	require.Contains(t, table, "history ms")
}

func TestBenchCommandsReportWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"serve", "--connections", "1,0"}, exitUsage, `--connections: "0" is not a whole number above 0`},
		{[]string{"stream", "--readers", "few"}, exitUsage, `--readers: "few"`},
		{[]string{"stream", "--rounds", "0"}, exitUsage, "--rounds must be above 0"},
		{[]string{"stream", "--interval", "-1"}, exitUsage, "--interval from 0 to 1000"},
		{[]string{"stream", "--interval", "1001"}, exitUsage, "--interval from 0 to 1000"},
		{[]string{"freshness", "--rate", "0"}, exitUsage, "--rate"},
		{[]string{"history", "--rounds", "0"}, exitUsage, "--rounds"},
		{[]string{"serve", "--binary", "/nowhere/orderfold"}, exitFailed, "/nowhere/orderfold"},
		{[]string{"history", "--binary", "/bin/false"}, exitFailed, "ended before it listened"},
		{[]string{"serve", "--dir", "/nowhere"}, exitFailed, "/nowhere"},
	} {
		code, _, stderr := execute(t, nil, append([]string{"bench"}, c.args...)...)
		require.Equal(t, c.code, code, c.args)
		require.Contains(t, stderr, c.said)
	}
}

func TestBenchFeedMeasuresTheCostAndTheDelayOfEvents(t *testing.T) {
	t.Parallel()
	figures, table := benching[bench.FeedFigures](t, "feed", "--rate", "200", "--duration", "500ms", "--rounds", "1", "--connections", "8")
	require.Len(t, figures, 1)
	f := figures[0]
	require.Equal(t, 100, f.Samples)
	require.Positive(t, f.Longest)
	require.GreaterOrEqual(t, f.Longest, f.P99)
	for _, rate := range []float64{f.Without, f.With, f.Visible, f.VisibleOn, f.CatchUp} {
		require.Positive(t, rate)
	}
	require.Contains(t, table, "events from the first one on")
	code, _, _ := execute(t, nil, "bench", "feed", "--rounds", "0")
	require.Equal(t, exitUsage, code)
}
