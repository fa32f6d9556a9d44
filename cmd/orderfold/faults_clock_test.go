//go:build faults || cluster

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buildMovable builds the program with a clock that an environment variable sets, and changes nothing else: the
// source of time.Now is replaced during compilation.
func buildMovable(t testing.TB) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(source)
	require.NoError(t, err)
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	require.Contains(t, string(text), now)
	moved := strings.Replace(string(text), now, now+"\tsec += moved\n", 1)
	moved = strings.Replace(moved, "import (\n", "import (\n\t\"syscall\"\n", 1) + `
var moved int64

func init() {
	if value, found := syscall.Getenv("` + movedClock + `"); found {
		by, err := ParseDuration(value)
		if err != nil {
			panic(err)
		}
		moved = int64(by / Second)
	}
}
`
	dir := t.TempDir()
	replacement, overlay, binary := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "orderfold")
	require.NoError(t, os.WriteFile(replacement, []byte(moved), 0o600))
	list, err := json.Marshal(map[string]map[string]string{"Replace": {source: replacement}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, list, 0o600))
	out, err := exec.Command("go", "build", "-overlay", overlay, "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

const movedClock = "ORDERFOLD_TEST_CLOCK"

// A subscriber that was added two hours ago, and has requested nothing since, is stuck until it requests something.
func TestFaultASubscriberRequestsNothingForTwoHours(t *testing.T) {
	binary := buildMovable(t)
	data := filepath.Join(t.TempDir(), "data")
	at := func(by string) *process {
		cmd := exec.Command(binary, append([]string{"serve", "--data", data}, freePorts...)...)
		cmd.Env = append(os.Environ(), movedClock+"="+by)
		return startCommand(t, []string{"receiver", "api", "log"}, cmd)
	}
	stuck := func(p *process, value string) {
		eventually(t, "the metric is "+value, func() bool {
			return strings.Contains(string(p.get("/metrics")), `orderfold_subscriber_stuck{stream="notifications",subscriber="tax"} `+value+"\n")
		})
	}
	p := at("-2h")
	p.subscribers("add", "tax", "--stream", "notifications")
	play(t, p.addrs["receiver"], "--orders", "5")
	require.Empty(t, p.subscriber("tax").StuckSince)
	stuck(p, "0")
	p.stop()
	p = at("0s")
	s := p.subscriber("tax")
	require.WithinDuration(t, time.Now().Add(-2*time.Hour), s.StuckSince.Time(), 30*time.Minute)
	require.Regexp(t, `(?m)^tax +notifications +\d+ +0 +0 +– +20\d\d-`, p.subscribers("list"))
	stuck(p, "1")
	c := connectSubscriber(t, data, "NOTIFICATIONS", "tax")
	for range s.Pending {
		require.NoError(t, c.next(t).DoubleAck(t.Context()))
	}
	stuck(p, "0")
	require.Empty(t, p.subscriber("tax").StuckSince)
	p.stop()
}

func TestFaultTheClockIsChanged(t *testing.T) {
	binary := buildMovable(t)
	l := newLedger(t, "clock moved")
	data := filepath.Join(t.TempDir(), "data")
	at := func(by string, args ...string) *exec.Cmd {
		cmd := exec.Command(binary, args...)
		cmd.Env = append(os.Environ(), movedClock+"="+by)
		return cmd
	}
	for round, by := range []string{"1h", "-2h", "0s", "8760h", "0s"} {
		p := startCommand(t, []string{"receiver", "api", "log"}, at(by, append([]string{"serve", "--data", data}, freePorts...)...))
		o := l.post(posters, p.addrs["receiver"])
		o.requireGoesOn(200)
		o.stop()
		l.requireRound(operatorURL(t, data), p)
		l.tally.rounds++
		if round%2 == 0 {
			p.kill()
		} else {
			p.stop()
		}
	}
	p := startCommand(t, []string{"receiver", "api", "log"}, at("0s", append([]string{"serve", "--data", data}, freePorts...)...))
	l.requireAll(operatorURL(t, data), p)
	p.stop()
	out, err := at("0s", "verify", "--data", data).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = at("-24h", "doctor", "--data", data).CombinedOutput()
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended, "%s", out)
	require.Equal(t, 1, ended.ExitCode(), "a warning: %s", out)
	require.Contains(t, string(out), "clock")
}
