package eventlog_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"github.com/orderfold/orderfold/eventlog"
)

// patience is how long a test waits for something that must happen. It is long, because the machine may
// be busy, and only a failing test waits that long.
const patience = 2 * time.Minute

var binaries string // the folder of the nats-server binary; removed after the tests

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "eventlog-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	return m.Run()
}

// buildServer builds the version of nats-server in go.mod, once for all tests.
var buildServer = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaries, "nats-server")
	out, err := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// place is the store of a log and its server, which is embedded or a separate process.
type place struct {
	options   eventlog.Options
	streamDir string
	start     func() // starts a separate server; does nothing for an embedded one
	stop      func() // stops a separate server; does nothing for an embedded one
	admin     func(t testing.TB, l *eventlog.Log) jetstream.JetStream
	process   *process // nil for an embedded server
}

// places runs a test with an embedded server, and with a separate nats-server process.
func places(t *testing.T, test func(t *testing.T, p *place)) {
	t.Run("embedded", func(t *testing.T) { test(t, embeddedPlace(t)) })
	t.Run("separate process", func(t *testing.T) { test(t, separatePlace(t, "")) })
}

func embeddedPlace(t testing.TB) *place {
	dir := t.TempDir()
	return &place{
		options:   eventlog.Options{Dir: dir, MayCreate: true},
		streamDir: filepath.Join(dir, "nats", "jetstream", "ORDERFOLD", "streams", "NOTIFICATIONS"),
		start:     func() {},
		stop:      func() {},
		admin:     func(_ testing.TB, l *eventlog.Log) jetstream.JetStream { return eventlog.JetStream(l) },
	}
}

// process is a nats-server process, which can be stopped and started again with the same store.
type process struct {
	t      testing.TB
	store  string
	extra  string // added to the configuration
	listen string
	sync   string // the sync_interval of JetStream in the configuration
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
}

func separatePlace(t testing.TB, extra string) *place {
	return syncingPlace(t, extra, "always")
}

func syncingPlace(t testing.TB, extra, interval string) *place {
	p := &process{t: t, store: t.TempDir(), extra: extra, sync: interval, listen: loopback() + ":-1"}
	p.start()
	t.Cleanup(p.stop)
	return &place{
		options:   eventlog.Options{URL: "nats://" + p.listen, MayCreate: true},
		streamDir: filepath.Join(p.store, "jetstream", "$G", "streams", "NOTIFICATIONS"),
		start:     p.start,
		stop:      p.stop,
		admin: func(t testing.TB, _ *eventlog.Log) jetstream.JetStream {
			conn, err := nats.Connect("nats://" + p.listen)
			require.NoError(t, err)
			t.Cleanup(conn.Close)
			js, err := jetstream.New(conn)
			require.NoError(t, err)
			return js
		},
		process: p,
	}
}

// loopback returns a loopback address that other tests do not use, if the system has more than one. A
// server that is started again needs its former port, which must not be in use by then.
func loopback() string {
	if runtime.GOOS == "linux" {
		return "127.0.0.2"
	}
	return "127.0.0.1"
}

func (p *process) start() {
	binary, err := buildServer()
	require.NoError(p.t, err)
	config := filepath.Join(p.store, "nats.conf")
	text := fmt.Sprintf("listen: %q\nmax_payload: 4MB\njetstream { store_dir: %q, sync_interval: %q }\n%s\n", p.listen, p.store, p.sync, p.extra)
	require.NoError(p.t, os.WriteFile(config, []byte(text), 0o600))
	p.cmd = exec.Command(binary, "-c", config)
	output, err := p.cmd.StderrPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.cmd.Start())
	ready := make(chan string, 1)
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if _, addr, ok := strings.Cut(lines.Text(), "Listening for client connections on "); ok {
				ready <- addr
			}
		}
		_, _ = io.Copy(io.Discard, output)
	}()
	select {
	case p.listen = <-ready:
	case <-p.ended:
		require.FailNow(p.t, "nats-server ended during the start")
	case <-time.After(patience):
		require.FailNow(p.t, "nats-server did not start in time")
	}
}

func (p *process) stop() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // a failed test may have left the process paused, and it would never end
	<-p.ended
	_ = p.cmd.Wait()
	p.cmd = nil
}

// pause suspends the process until resume. It waits until every thread is suspended, because the
// process may still send an answer after the signal was sent.
func (p *process) pause() {
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(p.t, err)
	require.True(p.t, status.Stopped(), "the server ended")
}

// resume continues a suspended process.
func (p *process) resume() { require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGCONT)) }

// kill ends the process with SIGKILL.
func (p *process) kill() {
	require.NoError(p.t, p.cmd.Process.Kill())
	<-p.ended
	_ = p.cmd.Wait()
	p.cmd = nil
}

// open opens a log, and closes it at the end of the test.
func open(t testing.TB, options eventlog.Options) *eventlog.Log {
	t.Helper()
	if b, ok := t.(*testing.B); !ok || b == nil {
		options.Logger = zaptest.NewLogger(t)
	}
	l, err := eventlog.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// tamper closes the log, changes its files while no server runs, and opens it again.
func (p *place) tamper(t testing.TB, l *eventlog.Log, change func()) *eventlog.Log {
	t.Helper()
	require.NoError(t, l.Close())
	p.stop()
	change()
	p.start()
	return open(t, p.options)
}

// loseTail truncates the only block and removes the index, so that the server loses the last records.
func (p *place) loseTail(t testing.TB) {
	t.Helper()
	messages := filepath.Join(p.streamDir, "msgs")
	blocks, err := filepath.Glob(filepath.Join(messages, "*.blk"))
	require.NoError(t, err)
	require.Len(t, blocks, 1, "the records must fit in one block")
	info, err := os.Stat(blocks[0])
	require.NoError(t, err)
	require.NoError(t, os.Truncate(blocks[0], info.Size()*2/3))
	require.NoError(t, os.RemoveAll(filepath.Join(messages, "index.db")))
}

func webhook(body string) eventlog.Record {
	return eventlog.Record{Object: "traditional-asset-order", ContentType: "application/json", Body: []byte(body)}
}

func appendAll(t testing.TB, l *eventlog.Log, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		_, err := l.Append(patient(t), webhook(body))
		require.NoError(t, err)
	}
}

// patient returns a context with a deadline after patience, which is longer than Append waits without a
// deadline.
func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until the condition holds.
func eventually(t testing.TB, condition func() bool, why ...any) {
	t.Helper()
	require.Eventually(t, condition, patience, time.Millisecond, why...)
}

// numbered returns bodies with the numbers from one to another.
func numbered(from, to int) []string {
	var bodies []string
	for n := from; n <= to; n++ {
		bodies = append(bodies, fmt.Sprintf(`{"orderId":"%d"}`, n))
	}
	return bodies
}

// readAll returns the records after a position, and the error that ended the iteration early.
func readAll(ctx context.Context, l *eventlog.Log, after eventlog.Position) (records []eventlog.Record, err error) {
	for r, err := range l.Read(ctx, after) {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

func bodies(records []eventlog.Record) []string {
	var texts []string
	for _, r := range records {
		texts = append(texts, string(r.Body))
	}
	return texts
}

// requireNoConsumers checks that readers have deleted their consumers.
func requireNoConsumers(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "NOTIFICATIONS")
	require.NoError(t, err)
	names := stream.ConsumerNames(t.Context())
	for name := range names.Name() {
		require.Fail(t, "a consumer was not deleted", name)
	}
	require.NoError(t, names.Err())
}
