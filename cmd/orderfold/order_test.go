package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// notify posts a notification of a traditional order and returns when it is applied to the views.
func (p *process) notify(body string) {
	p.t.Helper()
	r, err := http.Post(p.addrs["receiver"]+"/traditional-asset-order-notification", "application/json", strings.NewReader(body))
	require.NoError(p.t, err)
	require.NoError(p.t, r.Body.Close())
	require.Equal(p.t, http.StatusOK, r.StatusCode)
	p.get("/v1/stats?minSequence=" + r.Header.Get("Log-Sequence"))
}

func serving(t testing.TB) *process {
	return start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, freePorts...)...)
}

func TestOrderPrintsStateExplanationAndHistory(t *testing.T) {
	t.Parallel()
	p := serving(t)
	for _, body := range []string{
		`{"orderId":"a","status":"FILLED","modifiedOn":"2026-03-02T09:01:00.123Z","quantity":10,"execution":{"quantity":10},"side":7}`,
		`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`,
		`{"orderId":"a","status":"PARTIALLY_FILLED","modifiedOn":"2026-03-02T09:02:00.456Z","execution":{"quantity":4}}`,
		`{"orderId":"a","status":"\u001b[2JODD\n","modifiedOn":"2026-03-02T09:03:00Z"}`,
	} {
		p.notify(body)
	}
	code, stdout, stderr := execute(t, nil, "order", "a", "--api-url", p.addrs["api"])
	require.Equal(t, exitOK, code, stderr)
	for line := range strings.Lines(stdout) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 120, line)
	}
	require.NotContains(t, stdout, "\x1b", "foreign text does not reach the terminal unchanged")
	for _, part := range []string{
		"status         FILLED\n",
		"break          possible_bust (warn) since 2026-03-02 09:02:00.456Z, see notifications [1 3]\n",
		"\nThe order is FILLED since 2026-03-02T09:01:00.123Z, because notification 1 reported it.\n",
		"\nTo be looked at: possible_bust (warn). PARTIALLY_FILLED after the first FILLED: a trade may have been undone.\n",
		"\n    FILLED (rank 8) outranks PLACED (rank 4).\n",
		"expected text, found a number",
		"Opens the break possible_bust.",
	} {
		require.Contains(t, stdout, part)
	}
	require.Regexp(t, `(?m)^1 +reported +2026-03-02 09:01:00.123Z +FILLED +10 +decides$`, stdout)
	require.Regexp(t, `(?m)^3 +20\d\d-\S+ \S+Z +2026-03-02 09:02:00.456Z +PARTIALLY_FILLED +4 +late +FILLED$`, stdout)

	_, stdout, _ = execute(t, nil, "order", "a", "--json", "--api-url", p.addrs["api"])
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &all))
	require.Len(t, all, 3)
	require.Contains(t, all, "explanation")
	p.stop()
}

func TestOrderPrintsTheStateAsOfAnEarlierTime(t *testing.T) {
	t.Parallel()
	p := serving(t)
	p.notify(`{"orderId":"other","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	p.notify(`{"orderId":"a","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`)
	p.notify(`{"orderId":"a","status":"FILLED","modifiedOn":"2026-03-02T09:01:00Z"}`)
	first := decoded[orderView](t, p.get("/v1/orders/a")).Notifications.FirstReceivedAt
	shown := func(args ...string) string {
		code, stdout, stderr := execute(t, nil, append([]string{"order", "a", "--api-url", p.addrs["api"]}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		return stdout
	}
	require.Contains(t, shown(), "status         FILLED\n")
	then := shown("--as-of", first.Format(time.RFC3339Nano))
	require.Contains(t, then, "status         PLACED\n")
	require.Contains(t, then, "The order is PLACED since")
	require.NotContains(t, then, "FILLED", "neither the explanation nor the history contains what came later")
	require.Equal(t, then, shown("--as-of-sequence", "2"))
	require.Equal(t, shown(), shown("--as-of", time.Now().UTC().Format(time.RFC3339Nano)))
	require.Equal(t, shown(), shown("--as-of", "9999-12-31T23:59:60-01:00"))
	require.Equal(t, shown(), shown("--as-of", time.Now().AddDate(0, 0, 1).Format(time.DateOnly)), "a day, at its end")
	require.Equal(t, shown(), shown("--as-of", "0s"), "so long ago")

	for _, before := range [][]string{{"--as-of-sequence", "1"}, {"--as-of", "0001-01-01T00:00:00Z"}, {"--as-of", "0001-01-01T00:00:00+01:00"},
		{"--as-of", "2016-12-31T23:59:60Z"}, {"--as-of", "2026-01-31"}, {"--as-of", "1000d"}} {
		code, _, stderr := execute(t, nil, append([]string{"order", "a", "--api-url", p.addrs["api"]}, before...)...)
		require.Equal(t, exitFailed, code, before)
		require.Contains(t, stderr, fmt.Sprintf("became known at %s, by notification 2", first.Format(time.RFC3339Nano)), before)
	}
	code, _, stderr := execute(t, nil, "order", "a", "--as-of", "Tuesday")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "--as-of")
	p.stop()
}

type orderView struct {
	Notifications struct{ FirstReceivedAt time.Time }
}

// BenchmarkAsOf requests an order of twenty notifications from a running service, as it was known when ten of them
// had been received.
func BenchmarkAsOf(b *testing.B) {
	p := serving(b)
	const middle = "10"
	for i := range 20 {
		p.notify(fmt.Sprintf(`{"orderId":"a","status":"PARTIALLY_FILLED","modifiedOn":"2026-03-02T09:%02d:00Z","quantity":100,"execution":{"quantity":%d}}`, i, i+1))
	}
	for _, path := range []string{"/v1/orders/a", "/v1/orders/a?asOfSequence=" + middle, "/v1/orders/a?asOfSequence=20",
		"/v1/orders/a/history?asOfSequence=20", "/v1/orders/a/explain?asOfSequence=20"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				p.get(path)
			}
		})
	}
}
