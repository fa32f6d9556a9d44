//go:build browser

package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// apart is a service whose parts, including the log server, are separate processes.
type apart struct {
	*service
	log, projector *exec.Cmd
}

func serveApart(t *testing.T) *apart {
	t.Helper()
	s := &apart{service: &service{t: t, data: t.TempDir()}}
	server := filepath.Join(filepath.Dir(binary), "nats-server")
	build := exec.Command("go", "build", "-o", server, "github.com/nats-io/nats-server/v2")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	config := filepath.Join(s.data, "nats.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "listen: \"127.0.0.1:-1\"\nmax_payload: 2MB\nports_file_dir: %q\n"+
		"jetstream { store_dir: %q, sync_interval: always }\n", s.data, filepath.Join(s.data, "js")), 0o600))
	s.log = exec.Command(server, "--config", config)
	require.NoError(t, s.log.Start())
	s.ends(s.log)
	var ports struct{ Nats []string }
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(s.data, fmt.Sprintf("nats-server_%d.ports", s.log.Process.Pid)))
		return err == nil && json.Unmarshal(text, &ports) == nil && len(ports.Nats) > 0
	}, patience, 20*time.Millisecond, "the log server listens")
	nats := strings.Replace(ports.Nats[0], "0.0.0.0", "127.0.0.1", 1)
	views := filepath.Join(s.data, "views")
	listens := func(name string, args ...string) *exec.Cmd {
		addresses := map[string]string{name: ""}
		command := s.run(addresses, append(args, "--nats-url", nats, "--log-level", "error", "--"+name+"-addr", "127.0.0.1:0")...)
		s.ends(command)
		switch name {
		case "api":
			s.api = addresses[name]
		case "receiver":
			s.receiver = addresses[name]
		}
		return command
	}
	listens("receiver", "receiver")
	s.projector = listens("metrics", "projector", "--views", views)
	listens("api", "api", "--views", views)
	return s
}

// ends kills a process, even a suspended one, when the test ends.
func (s *apart) ends(command *exec.Cmd) {
	s.t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
}

func (s *apart) signal(command *exec.Cmd, signal syscall.Signal) {
	s.t.Helper()
	require.NoError(s.t, command.Process.Signal(signal))
}

func TestABannerIsShownOnlyWhileTheListIsOlderThanTheLog(t *testing.T) {
	s := serveApart(t)
	tb := s.showThree()
	tb.sees("0 behind")
	s.signal(s.projector, syscall.SIGSTOP)
	s.store(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	tb.sees("1 behind")
	tb.sees("s behind the log.")
	tb.sees("The page shows the state at that time and will catch up.")
	tb.picture("stale-light")
	tb.rows(3)
	tb.sees("The service is not ready: the views are")
	tb.picture("notready-light")
	s.signal(s.projector, syscall.SIGCONT)
	tb.missing("The service is not ready")
	tb.until(`document.querySelector('#row-`+id(1)+`')?.innerText.includes("Filled")`, "the row caught up")
	tb.sees("0 behind")
}

func TestOrdersStayReadableUnderABannerWhileTheLogDoesNotAnswer(t *testing.T) {
	s := serveApart(t)
	tb := s.showThree()
	tb.forgive("503")
	s.signal(s.log, syscall.SIGSTOP)
	tb.sees("The service is not ready: the log is unavailable")
	tb.picture("log-unavailable-light")
	tb.keys("j" + enter)
	tb.sees("Details")
	tb.sees("The log cannot be reached.")
	tb.sees("Orders and lists still work. The history and the bytes of notifications need the log.")
	tb.picture("log-unavailable-order-light")
	tb.visit(s.api + "/operations")
	tb.sees("The service is not ready: the log is unavailable")
	s.signal(s.log, syscall.SIGCONT)
	tb.missing("The service is not ready")
	tb.visit(s.api + "/orders/" + id(3))
	tb.until(`document.querySelectorAll("table.history tbody tr").length === 1`, "its notifications are there again")
}

func TestABannerReportsAnInterruptedStreamAndReopensIt(t *testing.T) {
	s := serve(t)
	s.three()
	target, err := url.Parse(s.api)
	require.NoError(t, err)
	var cut atomic.Bool
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cut.Load() && r.URL.Path == "/v1/stream" {
			panic(http.ErrAbortHandler) // like a proxy that gives up
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { between.CloseClientConnections(); between.Close() })
	tb := launch(t).open(between.URL + "/")
	tb.rows(3)
	tb.forgive("ERR_")
	cut.Store(true)
	between.CloseClientConnections()
	tb.sees("The stream of changes is interrupted.")
	tb.picture("stream-cut-light")
	s.post(notification(1, "FILLED", "1250000.5", "2026-03-02T09:31:00.1Z"))
	tb.rows(3)
	require.Empty(t, tb.violations())
	cut.Store(false)
	tb.press("Reconnect now")
	tb.missing("The stream of changes is interrupted.")
	tb.until(`document.querySelector('#row-`+id(1)+`')?.innerText.includes("Filled")`, "the row caught up")
}
