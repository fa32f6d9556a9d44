package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

// play runs simulate and returns its report.
func play(t testing.TB, receiver string, args ...string) platformtest.Report {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	code, stdout, stderr := execute(t, nil, append([]string{"simulate", "--url", receiver, "--report", file}, args...)...)
	require.Equal(t, 0, code, "%s%s", stdout, stderr)
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	report, err := platformtest.ReadReport(f)
	require.NoError(t, err)
	return report
}

// requireExpected requires that every order of the report is in its expected state.
func requireExpected(t testing.TB, p *process, report platformtest.Report) {
	t.Helper()
	p.get("/v1/stats?minSequence=" + strconv.FormatUint(report.Totals.HighestLogSequence, 10))
	for _, o := range report.Orders {
		require.Empty(t, platformtest.Compare(o.Expected, p.get("/v1/orders/"+o.OrderID)), "%s, %s", o.OrderID, o.Scenario)
	}
}

type statusAnswer struct {
	Log             struct{ FirstSequence, LastSequence uint64 }
	AppliedSequence uint64
	LagRecords      uint64
	Generation      int
	FoldVersion     string
	SyncMode        string
	Replicas        int
	Ready           bool
	Reason          *string
}

var freePorts = []string{"--receiver-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0", "--nats-addr", "127.0.0.1:0"}

func TestEveryOrderIsInTheExpectedStateEvenAfterARestart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	report := play(t, p.addrs["receiver"], "--orders", "2000", "--repeats", "0.1", "--shuffle", "--seed", "7")
	require.Len(t, report.Orders, 2000)
	require.Equal(t, report.Totals.Notifications, report.Totals.Acknowledged)
	require.Greater(t, report.Totals.Repeats, report.Totals.Distinct/20)
	requireExpected(t, p, report)
	before := decoded[statusAnswer](t, p.get("/v1/status"))
	require.True(t, before.Ready)
	require.Equal(t, "always", before.SyncMode)
	require.Equal(t, 1, before.Replicas)
	require.Equal(t, uint64(report.Totals.Notifications), before.Log.LastSequence)
	require.Equal(t, before.Log.LastSequence, before.AppliedSequence)
	stats := counted(t, p.get("/v1/stats"))
	p.stop()

	p = start(t, []string{"receiver", "api", "log"}, args...)
	requireExpected(t, p, report)
	after := decoded[statusAnswer](t, p.get("/v1/status"))
	require.Equal(t, before.AppliedSequence, after.AppliedSequence)
	require.Equal(t, before.Generation, after.Generation)
	require.Equal(t, stats, counted(t, p.get("/v1/stats")))
	p.stop()
}

func TestThreeProcessesOnOneServerShowTheSameStates(t *testing.T) {
	t.Parallel()
	url := startNATS(t, t.TempDir())
	views := filepath.Join(t.TempDir(), "views")
	// The API starts first: views that do not exist yet are not an error.
	api := start(t, []string{"api"}, "api", "--nats-url", url, "--views", views, "--api-addr", "127.0.0.1:0")
	code, _, _ := api.ask("/readyz")
	require.Equal(t, 503, code, "nothing has been projected")
	projector := start(t, []string{"metrics"}, "projector", "--nats-url", url, "--views", views, "--metrics-addr", "127.0.0.1:0")
	receiver := start(t, []string{"receiver"}, "receiver", "--nats-url", url, "--receiver-addr", "127.0.0.1:0")
	report := play(t, receiver.addrs["receiver"], "--orders", "500", "--overtaking", "0.5", "--seed", "11")
	requireExpected(t, api, report)
	status := decoded[statusAnswer](t, api.get("/v1/status"))
	require.True(t, status.Ready)
	require.Equal(t, "unknown", status.SyncMode, "the server does not inform its users")
	require.Equal(t, 1, status.Replicas)
	require.Equal(t, status.Log.LastSequence, status.AppliedSequence)
	code, _, _ = api.ask("/readyz")
	require.Equal(t, 200, code)
	receiver.stop()
	projector.stop()
	api.stop()
}

// This test checks the property from HTTP to HTTP: the same notifications, delivered in order, out of order with
// repeats, and shuffled, give answers that are equal byte for byte, except for members that describe the arrival.
func TestOrdersAreShownAlikeWhateverTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	var shown []map[string]string
	for _, delivery := range [][]string{
		{"--overtaking", "0", "--repeats", "0", "--connections", "1"},
		{"--overtaking", "0.5", "--repeats", "0.3"},
		{"--shuffle", "--repeats", "0.1", "--connections", "8"},
	} {
		p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, freePorts...)...)
		args := append([]string{"--orders", "250", "--seed", "21", "--start", "2026-03-02T10:00:00Z"}, delivery...)
		report := play(t, p.addrs["receiver"], args...)
		requireExpected(t, p, report)
		orders := map[string]string{}
		for _, o := range report.Orders {
			orders[o.OrderID] = withoutArrival(t, p.get("/v1/orders/"+o.OrderID))
		}
		shown = append(shown, orders)
		p.stop()
	}
	require.Len(t, shown[0], 250)
	require.Equal(t, shown[0], shown[1])
	require.Equal(t, shown[0], shown[2])
}

// counted returns an answer of /v1/stats without the throughput, which depends on the time of the request.
func counted(t testing.TB, stats []byte) map[string]any {
	members := decoded[map[string]any](t, stats)
	require.Contains(t, members, "throughput")
	delete(members, "throughput")
	return members
}

// withoutArrival removes sequences, times received and counts from an order view. A refused update contains no time,
// so its time is that of its arrival, and each repeat has another time.
func withoutArrival(t testing.TB, view []byte) string {
	o := decoded[map[string]any](t, view)
	delete(o, "notifications")
	for _, b := range o["breaks"].([]any) {
		delete(b.(map[string]any), "sequences")
		delete(b.(map[string]any), "openedSequence")
	}
	refusals := map[string]bool{}
	for _, r := range o["refusals"].([]any) {
		r := r.(map[string]any)
		refusals[r["errorType"].(string)+": "+r["description"].(string)] = true
	}
	o["refusals"] = slices.Sorted(maps.Keys(refusals))
	text, err := json.Marshal(o)
	require.NoError(t, err)
	return string(text)
}
