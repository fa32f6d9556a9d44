package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// logged returns the lines that p has logged with that message, or all lines for "".
func logged(t testing.TB, p *process, message string) (lines []map[string]any) {
	t.Helper()
	for text := range strings.Lines(p.stderr.String()) {
		if !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "\n") {
			continue
		}
		line := decoded[map[string]any](t, []byte(text))
		if message == "" || line["msg"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestAProcessLogsItsStartItsReadinessAndItsStop(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	url := startNATS(t, t.TempDir())
	for _, c := range []struct {
		name   string
		listen []string
		signal os.Signal
		args   []string
		want   map[string]any // fields of the line of the start
	}{
		{"serve on an empty folder", []string{"receiver", "api"}, syscall.SIGTERM, append([]string{"serve", "--data", data}, freePorts...),
			map[string]any{"lastSequence": 0.0}},
		{"serve on an existing folder", []string{"receiver", "api"}, os.Interrupt, append([]string{"serve", "--data", data}, freePorts...),
			map[string]any{"lastSequence": 1.0, "firstSequence": 1.0, "data": data}},
		{"a receiver", []string{"receiver"}, syscall.SIGHUP, []string{"receiver", "--nats-url", url, "--receiver-addr", "127.0.0.1:0"}, nil},
		{"a projector", nil, syscall.SIGTERM, []string{"projector", "--nats-url", url, "--views", filepath.Join(data, "other")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, c.listen, c.args...)
			eventually(t, "it is ready", func() bool { return len(logged(t, p, "ready")) > 0 })
			if p.addrs["receiver"] != "" {
				post(t, p.addrs["receiver"], "customer", `{"customerId":"c"}`)
			}
			require.NoError(t, p.cmd.Process.Signal(c.signal))
			require.NoError(t, <-p.exited, p.stderr)
			p.exited <- nil
			for _, message := range []string{"started", "ready", "stopped"} {
				require.Len(t, logged(t, p, message), 1, p.stderr)
			}
			began := logged(t, p, "started")[0]
			require.Equal(t, versionText(), began["version"])
			for _, name := range c.listen {
				require.Equal(t, p.addrs[name], "http://"+began[name].(string))
			}
			for name, value := range c.want {
				require.Equal(t, value, began[name], name)
			}
			require.Contains(t, logged(t, p, "stopped")[0]["cause"], c.signal.String())
		})
	}
}

// Requests that machines repeat all the time do not fill the log, and our own commands cause no warning in a running
// service.
func TestReadingFromAServiceCausesNoWarnings(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	play(t, p.addrs["receiver"], "--orders", "5")
	for _, path := range []string{"/readyz", "/healthz", "/metrics"} {
		p.get(path)
		_, err := http.Get(p.addrs["receiver"] + path)
		require.NoError(t, err)
	}
	p.get("/v1/stats")
	before := len(logged(t, p, ""))
	for _, command := range []string{"doctor", "verify", "tail"} {
		code, _, stderr := execute(t, nil, command, "--data", data)
		require.Equal(t, exitOK, code, stderr)
	}
	p.get("/v1/states")
	eventually(t, "the last request is logged", func() bool { return strings.Contains(p.stderr.String(), "/v1/states") })
	routes := map[string]int{}
	for _, line := range logged(t, p, "request") {
		routes[line["route"].(string)]++
	}
	require.Equal(t, map[string]int{"/v1/stats": 1, "/v1/states": 1}, routes)
	for _, line := range logged(t, p, "")[before:] {
		require.Equal(t, "info", line["level"], line)
	}
}

func TestAServiceLogsThatItsLogIsUnavailableAndThatItIsBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := launchNATS(t, dir)
	p := start(t, []string{"receiver"}, "receiver", "--nats-url", server.url, "--data", filepath.Join(dir, "data"), "--receiver-addr", "127.0.0.1:0")
	eventually(t, "it is ready", func() bool { return len(logged(t, p, "ready")) > 0 })
	before := len(logged(t, p, "not ready")) // a start that takes long is reported as well
	server.signal(t, syscall.SIGSTOP)
	eventually(t, "it reports that it is not ready", func() bool { return len(logged(t, p, "not ready")) > before })
	require.Contains(t, logged(t, p, "not ready")[before]["reason"], "unavailable")
	ready := len(logged(t, p, "ready"))
	server.signal(t, syscall.SIGCONT)
	eventually(t, "it is ready again", func() bool { return len(logged(t, p, "ready")) > ready })
	p.stop()
}

func TestNohupKeepsAServiceRunning(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"-c", `trap '' HUP; exec "$0" "$@"`, binaries.orderfold, "serve", "--data", data}, freePorts...)
	p := startCommand(t, []string{"receiver", "api"}, exec.Command("sh", args...))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	p.get("/v1/stats")
	p.stop()
	require.Contains(t, logged(t, p, "stopped")[0]["cause"], syscall.SIGTERM.String())
}

// A command reports that the service that it needs does not run, and does not wait for it.
func TestACommandReportsAtOnceThatNothingListens(t *testing.T) {
	t.Parallel()
	views := filepath.Join(t.TempDir(), "views")
	for _, args := range [][]string{
		{"simulate", "--url", "http://127.0.0.1:1"},
		{"simulate", "--url", "https://127.0.0.1:1/hooks", "--platform-addr", "127.0.0.1:0"},
		{"order", "x", "--api-url", "http://127.0.0.1:1"},
		{"rebuild", "--api-url", "http://127.0.0.1:1"},
		{"redrive", "--api-url", "http://127.0.0.1:1"},
		{"verify", "--nats-url", "nats://127.0.0.1:1", "--views", views},
		{"tail", "--nats-url", "nats://127.0.0.1:1", "--follow"},
		{"log", "limit", "1GiB", "--nats-url", "nats://127.0.0.1:1"},
		{"webhooks", "list", "--platform-url", "http://127.0.0.1:1", "--platform-client-id", "a", "--platform-client-secret", "b"},
		{"webhooks", "diff", "--platform-url", "http://127.0.0.1:1", "--platform-client-id", "a", "--platform-client-secret", "b",
			"--url", "https://orders.example.com", "--webhook-auth", "api-key=c"},
	} {
		t.Run(strings.Join(args[:2], " "), func(t *testing.T) {
			code, stdout, stderr := execute(t, nil, args...)
			require.NotEqual(t, exitOK, code)
			require.Empty(t, stdout)
			require.Len(t, regexp.MustCompile(`connection refused|no NATS server answers`).FindAllString(lastLine(stderr), -1), 1, stderr)
			require.Regexp(t, `start orderfold serve|check that orderfold serve is running|start it or correct the URL|correct --platform-url`, lastLine(stderr))
		})
	}
}

func TestDoctorGivesAdviceOnceAndNotAfterItWasFollowed(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	play(t, p.addrs["receiver"], "--orders", "5")
	p.stop()
	seen := filepath.Join(data, "last-seen.json")
	text, err := os.ReadFile(seen)
	require.NoError(t, err)
	note := decoded[map[string]any](t, text)
	note["sequence"] = note["sequence"].(float64) + 10
	text, err = json.Marshal(note)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(seen, text, 0o600))

	advised := func(flags ...string) int {
		_, stdout, _ := execute(t, nil, append([]string{"doctor", "--data", data}, flags...)...)
		return strings.Count(stdout, eventlog.LossAdvice)
	}
	require.Equal(t, 1, advised(), "of a stopped service")
	p = start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "nothing is folded", func() bool {
		return strings.Contains(fmt.Sprint(decoded[map[string]any](t, p.get("/v1/status"))["reason"]), "lost records")
	})
	require.Equal(t, 1, advised(), "of a running service")
	p.stop()
	require.Zero(t, advised("--accept-loss"), "it was followed")
	require.Zero(t, advised("--accept-loss"), "nothing is left to accept")
	require.Zero(t, advised())
}
