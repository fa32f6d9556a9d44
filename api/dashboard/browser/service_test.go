//go:build browser

package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is the program, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		for _, variable := range os.Environ() { // of the person who runs the tests; the services would take them for their flags
			if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "ORDERFOLD_") {
				_ = os.Unsetenv(name)
			}
		}
		folder, err := os.MkdirTemp("", "orderfold-browser-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		binary = filepath.Join(folder, "orderfold")
		build := exec.Command("go", "build", "-o", binary, "github.com/orderfold/orderfold/cmd/orderfold")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s\n%s\n", err, out)
			return 1
		}
		return m.Run()
	}())
}

// service is a running orderfold serve.
type service struct {
	t        *testing.T
	flags    []string
	data     string
	api      string // URL
	receiver string
	key      string // for the test's own requests
	command  *exec.Cmd
	errors   bytes.Buffer
}

// serve starts the program with an empty log and waits until it has printed its addresses.
func serve(t *testing.T, flags ...string) *service {
	t.Helper()
	s := &service{t: t, flags: flags, data: t.TempDir()}
	s.start("127.0.0.1:0", "127.0.0.1:0")
	t.Cleanup(s.stop)
	return s
}

func (s *service) start(api, receiver string) {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.data, "--api-addr", api, "--receiver-addr", receiver, "--nats-addr", "", "--log-level", "error"}, s.flags...)
	addresses := map[string]string{"api": "", "receiver": ""}
	s.command = s.run(addresses, args...)
	s.api, s.receiver = addresses["api"], addresses["receiver"]
}

// run starts a command of the program and waits until it has printed the addresses, which it fills in.
func (s *service) run(addresses map[string]string, args ...string) *exec.Cmd {
	s.t.Helper()
	command := exec.Command(binary, args...)
	command.Stderr = &s.errors
	out, err := command.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, command.Start())
	lines := bufio.NewScanner(out)
	for missing := len(addresses); missing > 0 && lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 2 {
			if address, wanted := addresses[f[0]]; wanted && address == "" {
				addresses[f[0]] = f[1]
				missing--
			}
		}
	}
	for name, address := range addresses {
		require.NotEmpty(s.t, address, "%s printed no address of %s: %s", args[0], name, &s.errors)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return command
}

func (s *service) stop() {
	if s.command.Process == nil || s.command.ProcessState != nil {
		return
	}
	_ = s.command.Process.Signal(syscall.SIGTERM)
	_ = s.command.Wait()
}

// restart stops the service and starts it again at the same addresses.
func (s *service) restart(between func()) {
	s.t.Helper()
	api, receiver := strings.TrimPrefix(s.api, "http://"), strings.TrimPrefix(s.receiver, "http://")
	s.stop()
	between()
	s.start(api, receiver)
}

// simulate runs simulate with that many orders and waits until all of their notifications are visible.
func (s *service) simulate(orders int, flags ...string) {
	s.t.Helper()
	args := append([]string{"simulate", "--url", s.receiver, "--orders", fmt.Sprint(orders)}, flags...)
	out, err := exec.Command(binary, args...).CombinedOutput()
	require.NoError(s.t, err, "%s", out)
	var last uint64
	require.Eventually(s.t, func() bool {
		var status struct {
			LagRecords      *uint64
			AppliedSequence uint64
		}
		s.ask("/v1/status", &status)
		last = status.AppliedSequence
		return status.LagRecords != nil && *status.LagRecords == 0 && last > 0
	}, 30*time.Second, 20*time.Millisecond)
}

// post posts one notification of a traditional order, and waits until it is visible.
func (s *service) post(body string) {
	s.t.Helper()
	sequence := s.store(body)
	var stats struct{ Records uint64 }
	s.ask("/v1/stats?minSequence="+sequence, &stats)
}

// store posts a notification, and returns its sequence.
func (s *service) store(body string) (sequence string) {
	s.t.Helper()
	response, err := http.Post(s.receiver+"/traditional-asset-order-notification", "application/json", strings.NewReader(body))
	require.NoError(s.t, err)
	defer response.Body.Close()
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	return response.Header.Get("Log-Sequence")
}

// subscribe adds a subscriber of the log.
func (s *service) subscribe(name string) {
	s.t.Helper()
	response, err := http.Post(s.api+"/v1/subscribers?stream=notifications&name="+name, "", nil)
	require.NoError(s.t, err)
	defer response.Body.Close()
	require.Equal(s.t, http.StatusOK, response.StatusCode)
}

// ask requests a path of the API and decodes the answer.
func (s *service) ask(path string, into any) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodGet, s.api+path, nil)
	require.NoError(s.t, err)
	if s.key != "" {
		request.Header.Set("Authorization", "Bearer "+s.key)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	require.Equal(s.t, http.StatusOK, response.StatusCode, path)
	require.NoError(s.t, json.NewDecoder(response.Body).Decode(into))
}

// applied returns the sequence up to which records are applied to the views.
func (s *service) applied() uint64 {
	s.t.Helper()
	var status struct{ AppliedSequence uint64 }
	s.ask("/v1/status", &status)
	return status.AppliedSequence
}

// order contains the members of an order that the tests read.
type order struct {
	OrderID, Status, ExternalID string
	ISIN                        *string
	Breaks                      []struct{ Code string }
	Notifications               struct{ Count, LastSequence uint64 }
}

// orders returns the first orders that match.
func (s *service) orders(query string) []order {
	s.t.Helper()
	var list struct{ Data []order }
	s.ask("/v1/orders?"+query, &list)
	return list.Data
}

// notification returns the body of a notification of order n: a limit order for 1,250,000.5 units.
func notification(n int, status, executed, at string) string {
	execution := ""
	if executed != "" {
		execution = fmt.Sprintf(`,"execution":{"quantity":%s}`, executed)
	}
	return fmt.Sprintf(`{"notificationType":"UPDATED","orderId":"%08d-1111-4222-8333-444455556666","status":%q,"tradeSide":"BUY","isin":"DE0007164600",`+
		`"orderType":"LIMIT","quantity":1250000.5,"limitPrice":101.250,"exchangeCode":"XFRA","externalId":"ext-%d","modifiedOn":%q%s}`,
		n, status, n, at, execution)
}

// id returns the id of order n.
func id(n int) string { return fmt.Sprintf("%08d-1111-4222-8333-444455556666", n) }
