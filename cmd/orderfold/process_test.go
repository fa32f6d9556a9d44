package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binaries are built once for all tests of the package.
var binaries struct{ orderfold, natsServer string }

var scratch string // folder for files that tests share, removed at the end

func TestMain(m *testing.M) {
	if signal.Ignored(syscall.SIGHUP) { // as nohup does: processes that tests start would ignore it too
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	for _, variable := range os.Environ() { // of the person who runs the tests; the processes would take them for their flags
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "ORDERFOLD_") {
			_ = os.Unsetenv(name)
		}
	}
	dir, err := os.MkdirTemp("", "orderfold-test-")
	if err != nil {
		panic(err)
	}
	scratch = dir
	binaries.orderfold, binaries.natsServer = filepath.Join(dir, "orderfold"), filepath.Join(dir, "nats-server")
	for path, pkg := range map[string]string{binaries.orderfold: ".", binaries.natsServer: "github.com/nats-io/nats-server/v2"} {
		if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v: %s", err, out))
		}
	}
	if patientAppends {
		os.Setenv("ORDERFOLD_APPEND_TIMEOUT", patience.String())
	}
	code := m.Run()
	report(os.Stdout)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// report prints the counts of the fault tests, if there are any.
var report = func(io.Writer) {}

// patience is how long tests wait for something that must happen. It is long for busy machines; only a test that
// fails waits for all of it.
const patience = 5 * time.Minute

// patientAppends makes every service wait for a disk as long as the tests do. The tests of faults keep the default.
var patientAppends = true

// process is a running orderfold.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout *lockedBuffer
	stderr *lockedBuffer
	addrs  map[string]string // by the name that it printed: receiver, api, log
	exited chan error
	key    string // of the API, if it needs one
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var addressLine = regexp.MustCompile(`^  (receiver|api|log|metrics|platform) +(\S+?)(/metrics|,.*)?$`)

// start runs orderfold and returns when it has printed the wanted addresses.
func start(t testing.TB, wanted []string, args ...string) *process {
	t.Helper()
	return startCommand(t, wanted, exec.Command(binaries.orderfold, args...))
}

// startCommand is like start, for a command that executes orderfold.
func startCommand(t testing.TB, wanted []string, cmd *exec.Cmd) *process {
	t.Helper()
	p, listens := launch(t, wanted, cmd)
	require.True(t, listens, "%v ended: %s", cmd.Args, p.stderr)
	return p
}

// launch starts orderfold and waits until it listens or has ended.
func launch(t testing.TB, wanted []string, cmd *exec.Cmd) (p *process, listens bool) {
	t.Helper()
	p = &process{t: t, cmd: cmd, stdout: &lockedBuffer{}, stderr: &lockedBuffer{}, addrs: map[string]string{},
		exited: make(chan error, 1)}
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	found := make(chan [2]string, 8)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			fmt.Fprintln(p.stdout, lines.Text())
			if m := addressLine.FindStringSubmatch(lines.Text()); m != nil {
				found <- [2]string{m[1], m[2]}
			}
		}
		p.exited <- p.cmd.Wait()
		close(found)
	}()
	t.Cleanup(p.kill)
	deadline := time.After(patience)
	for len(p.addrs) < len(wanted) {
		select {
		case a, running := <-found:
			if !running {
				return p, false
			}
			p.addrs[a[0]] = a[1]
		case <-deadline:
			require.Fail(t, "orderfold does not listen", "%v: %s", cmd.Args, p.stderr)
		}
	}
	for _, name := range wanted {
		require.Contains(t, p.addrs, name)
	}
	return p, true
}

// stop signals the process to end and requires that it exits with 0.
func (p *process) stop() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-p.exited:
		require.NoError(p.t, err, p.stderr)
	case <-time.After(patience):
		require.Fail(p.t, "orderfold does not stop", p.stderr)
	}
	p.exited <- nil
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // the process may have ended
	<-p.exited
	p.exited <- nil
}

// get reads from the API and requires an answer 200; for a path with minSequence it waits for the views.
func (p *process) get(path string) []byte {
	p.t.Helper()
	code, _, body := p.ask(path)
	for began := time.Now(); bytes.Contains(body, []byte(`"view-behind"`)) && time.Since(began) < patience; {
		code, _, body = p.ask(path)
	}
	require.Equal(p.t, http.StatusOK, code, "%s: %s", path, body)
	return body
}

func (p *process) ask(path string) (int, http.Header, []byte) {
	p.t.Helper()
	return p.send(http.MethodGet, path, p.key)
}

// send sends a request to the API with a key, or without one if the key is "".
func (p *process) send(method, path, key string) (int, http.Header, []byte) {
	p.t.Helper()
	code, header, body, err := p.exchange(http.DefaultClient, method, path, key)
	require.NoError(p.t, err)
	return code, header, body
}

// question sends a request to the API, with the key of the process if it has one.
func (p *process) question(client *http.Client, path string) (int, http.Header, []byte, error) {
	return p.exchange(client, http.MethodGet, path, p.key)
}

// exchange sends a request, and waits for a minSequence as long as the API allows.
func (p *process) exchange(client *http.Client, method, path, key string) (int, http.Header, []byte, error) {
	request, err := http.NewRequest(method, p.addrs["api"]+path, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("Prefer", "wait=30")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	r, err := client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return r.StatusCode, r.Header, body, err
}

// eventually waits until the condition holds, and checks it repeatedly.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, 20*time.Millisecond, what)
}

func decoded[T any](t testing.TB, body []byte) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal(body, &v), "%s", body)
	return v
}

// execute runs the program in this process and returns its exit code and outputs.
func execute(t testing.TB, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, err lockedBuffer // log lines and progress are written to stderr concurrently
	code = run(ctx, args, environ, &out, &err)
	return code, out.String(), err.String()
}

// loopback returns a loopback address that few tests use, if the system has more than one. It is for processes that are
// restarted on the same port.
func loopback() string {
	if runtime.GOOS == "linux" {
		return "127.0.0.2"
	}
	return "127.0.0.1"
}

// startNATS runs a nats-server process that syncs always, and returns its URL.
func startNATS(t testing.TB, dir string) string {
	t.Helper()
	return launchNATS(t, dir).url
}

// natsServer is a running nats-server.
type natsServer struct {
	cmd *exec.Cmd
	url string
}

// launchNATS runs a nats-server process that syncs always and keeps its data in dir, which may contain the data of an
// earlier process. The lines of more are added to its configuration.
func launchNATS(t testing.TB, dir string, more ...string) *natsServer {
	t.Helper()
	return launchNATSAt(t, dir, loopback()+":-1", more...)
}

// launchNATSAt is launchNATS with an address, for example that of an earlier process.
func launchNATSAt(t testing.TB, dir, addr string, more ...string) *natsServer {
	t.Helper()
	config := filepath.Join(dir, "nats.conf")
	require.NoError(t, os.WriteFile(config, []byte(fmt.Sprintf("listen: %q\nmax_payload: 2MB\nports_file_dir: %q\n"+
		"jetstream { store_dir: %q, sync_interval: always }\n%s\n", addr, dir, filepath.Join(dir, "js"), strings.Join(more, "\n"))), 0o600))
	n := &natsServer{cmd: exec.Command(binaries.natsServer, "--config", config)}
	require.NoError(t, n.cmd.Start())
	t.Cleanup(func() { n.end(t, syscall.SIGKILL) })
	ports := struct{ Nats []string }{}
	eventually(t, "nats-server writes its ports", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("nats-server_%d.ports", n.cmd.Process.Pid)))
		return err == nil && json.Unmarshal(text, &ports) == nil && len(ports.Nats) > 0
	})
	n.url = strings.Replace(ports.Nats[0], "0.0.0.0", "127.0.0.1", 1)
	return n
}

func (n *natsServer) signal(t testing.TB, s os.Signal) {
	t.Helper()
	require.NoError(t, n.cmd.Process.Signal(s))
}

// end ends the server with a signal and waits for it. The server may have ended before.
func (n *natsServer) end(t testing.TB, s os.Signal) {
	t.Helper()
	if n.cmd.ProcessState != nil {
		return
	}
	n.signal(t, s)
	var exit *exec.ExitError
	if err := n.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
}
