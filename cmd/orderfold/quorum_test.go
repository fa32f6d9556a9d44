package main

import (
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// startAway starts a process whose log is at the URL and may be unavailable.
func startAway(t testing.TB, url string, wanted []string, args ...string) *process {
	t.Helper()
	return start(t, wanted, append(args, "--nats-url", url, "--append-timeout", "1s", "--receiver-addr", "127.0.0.1:0")...)
}

// askReceiver posts a notification, or requests the readiness of the receiver, and returns the answer.
func (p *process) askReceiver(path, body string) (code int, header http.Header, text string) {
	p.t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.addrs["receiver"]+path, strings.NewReader(body))
	require.NoError(p.t, err)
	r, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	defer r.Body.Close()
	all, err := io.ReadAll(r.Body)
	require.NoError(p.t, err)
	return r.StatusCode, r.Header, string(all)
}

const (
	orderPath = "/traditional-asset-order-notification"
	placedOne = `{"orderId":"order-1","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`
	placedTwo = `{"orderId":"order-2","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`
)

// addr returns the address of the server, for another server that takes its place.
func (n *natsServer) addr() string { return strings.TrimPrefix(n.url, "nats://") }

func (p *process) isReady() bool {
	code, _, _ := p.ask("/readyz")
	return code == http.StatusOK
}

func TestEveryPartStartsWhileNoServerOfTheLogCanBeReached(t *testing.T) {
	t.Parallel()
	dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "views")
	server := launchNATS(t, dir)
	receiver := start(t, []string{"receiver"}, "receiver", "--nats-url", server.url, "--data", t.TempDir(), "--receiver-addr", "127.0.0.1:0")
	projector := start(t, nil, "projector", "--nats-url", server.url, "--views", folder)
	code, _, text := receiver.askReceiver(orderPath, placedOne)
	require.Equal(t, http.StatusOK, code, text)
	api := start(t, []string{"api"}, "api", "--nats-url", server.url, "--views", folder, "--api-addr", "127.0.0.1:0")
	eventually(t, "the order is in the views", func() bool { code, _, _ := api.ask("/v1/orders/order-1"); return code == http.StatusOK })
	for _, p := range []*process{receiver, projector, api} {
		p.stop()
	}
	server.end(t, syscall.SIGKILL)

	receiver = startAway(t, server.url, []string{"receiver"}, "receiver", "--data", t.TempDir())
	start(t, nil, "projector", "--nats-url", server.url, "--views", folder)
	api = start(t, []string{"api"}, "api", "--nats-url", server.url, "--views", folder, "--api-addr", "127.0.0.1:0")
	serve := startAway(t, server.url, []string{"receiver", "api"}, "serve", "--data", filepath.Join(t.TempDir(), "data"), "--api-addr", "127.0.0.1:0")
	stopped := startAway(t, server.url, []string{"receiver"}, "receiver", "--data", t.TempDir())
	for _, p := range []*process{receiver, serve} {
		code, header, text := p.askReceiver(orderPath, placedTwo)
		require.Equal(t, http.StatusServiceUnavailable, code, text)
		require.NotEmpty(t, header.Get("Retry-After"))
		require.Contains(t, text, "it is not stored; send it again")
		code, _, text = p.askReceiver("/readyz", "")
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.Contains(t, text, "no NATS server answers at "+server.url)
	}
	api.get("/v1/orders/order-1")
	for _, p := range []*process{api, serve} {
		code, _, body := p.ask("/readyz")
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.Contains(t, string(body), "no NATS server answers at "+server.url)
	}
	for _, path := range []string{"/v1/subscribers", "/v1/notifications/1"} {
		code, _, body := api.ask(path)
		require.Equal(t, http.StatusServiceUnavailable, code, "%s: %s", path, body)
	}
	require.Contains(t, string(api.get("/metrics")), "orderfold_log_up 0")
	status := decoded[map[string]any](t, api.get("/v1/status"))
	require.Positive(t, status["lagSeconds"], "the age of the views")
	require.Equal(t, 1.0, status["appliedSequence"])
	stopped.stop()

	launchNATSAt(t, dir, server.addr(), "")
	for _, p := range []*process{receiver, serve} {
		eventually(t, "notifications are stored", func() bool {
			code, _, _ := p.askReceiver(orderPath, placedTwo)
			return code == http.StatusOK
		})
	}
	for _, p := range []*process{api, serve} {
		eventually(t, "it is ready", p.isReady)
		p.get("/v1/orders/order-2?minSequence=3")
		p.get("/v1/notifications/3")
	}
	require.NotEmpty(t, logged(t, receiver, "the log is open"))
}

func TestAProcessStopsAtOnceWhileTheServerOfItsLogHangs(t *testing.T) {
	t.Parallel()
	server := launchNATS(t, t.TempDir())
	server.signal(t, syscall.SIGSTOP)
	p := startAway(t, server.url, []string{"receiver"}, "receiver", "--data", t.TempDir())
	code, _, _ := p.askReceiver(orderPath, placedOne)
	require.Equal(t, http.StatusServiceUnavailable, code)
	p.stop()
	server.signal(t, syscall.SIGCONT)
}

// A fault that does not go away by itself ends the process with the reason, whether the server runs at the start or is
// started later.
func TestAWrongSettingOfTheLogEndsTheProcess(t *testing.T) {
	t.Parallel()
	const account = "authorization { user: someone, password: word }"
	foreign := func(t *testing.T, url string) {
		js := jetStreamAt(t, url)
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "NOTIFICATIONS", Subjects: []string{"other.>"}})
		require.NoError(t, err)
	}
	nothing := func(*testing.T, string) {}
	for name, c := range map[string]struct {
		config string
		set    func(t *testing.T, url string)
		user   string // credentials before the address
		folder string // of views
		says   string
	}{
		"wrong credentials":                  {account, nothing, "someone:other@", "", "refuses the credentials"},
		"a stream that is not a log":         {"", foreign, "", "", "has unsafe settings"},
		"views of a log that does not exist": {"", nothing, "", viewsOfALog(t), "were made from a log, and there is none"},
		"no credentials":                     {account, nothing, "", "", "refuses the credentials"},
	} {
		for _, late := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", later"}[late], func(t *testing.T) {
				dir := t.TempDir()
				server := launchNATSAt(t, dir, loopback()+":-1", c.config)
				if c.config == "" {
					c.set(t, server.url)
				}
				if late {
					server.end(t, syscall.SIGKILL)
				}
				folder := c.folder
				if folder == "" {
					folder = t.TempDir()
				}
				args := []string{"receiver", "--nats-url", "nats://" + c.user + server.addr(), "--receiver-addr", "127.0.0.1:0", "--views", folder,
					"--data", t.TempDir()}
				p, listens := launch(t, []string{"receiver"}, exec.Command(binaries.orderfold, args...))
				require.Equal(t, late, listens, "%s", p.stderr)
				if late {
					launchNATSAt(t, dir, server.addr(), c.config)
				}
				select {
				case err := <-p.exited:
					require.Error(t, err)
					p.exited <- nil
				case <-time.After(patience):
					require.Fail(t, "it does not end", "%s", p.stderr)
				}
				require.Equal(t, exitFailed, p.cmd.ProcessState.ExitCode())
				require.Contains(t, lastLine(p.stderr.String()), c.says)
			})
		}
	}
}

// viewsOfALog returns a folder with views that have a record of another log.
func viewsOfALog(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	code, _, text := p.askReceiver(orderPath, placedOne)
	require.Equal(t, http.StatusOK, code, text)
	p.get("/v1/orders/order-1?minSequence=1")
	p.stop()
	return filepath.Join(data, "views")
}

func jetStreamAt(t testing.TB, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return js
}
