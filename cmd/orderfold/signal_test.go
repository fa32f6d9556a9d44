package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
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

// halfPosted starts a service, posts a notification without its last byte, and sends that signal. It returns when no
// new connection is accepted.
func halfPosted(t *testing.T, first os.Signal) (p *process, conn net.Conn, rest string) {
	p = start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data")}, freePorts...)...)
	addr := strings.TrimPrefix(p.addrs["receiver"], "http://")
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	body := `{"customerId":"c"}`
	// The server requests the body once it has accepted the request.
	_, err = fmt.Fprintf(conn, "POST /customer-notification HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	line, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue")
	_, err = conn.Write([]byte(body[:len(body)-1]))
	require.NoError(t, err)
	require.NoError(t, p.cmd.Process.Signal(first))
	eventually(t, "the listener is closed", func() bool {
		another, err := net.Dial("tcp", addr)
		if err == nil {
			_ = another.Close()
		}
		return err != nil
	})
	return p, conn, body[len(body)-1:]
}

func TestTheFirstSignalLetsAcceptedRequestsFinish(t *testing.T) {
	t.Parallel()
	for _, first := range []os.Signal{syscall.SIGTERM, os.Interrupt, syscall.SIGHUP} {
		t.Run(first.String(), func(t *testing.T) {
			p, conn, rest := halfPosted(t, first)
			requireFinished(t, p, conn, rest)
		})
	}
}

// The kernel and the shell both send a SIGHUP when a terminal is closed.
func TestASecondHangupChangesNothing(t *testing.T) {
	t.Parallel()
	p, conn, rest := halfPosted(t, syscall.SIGHUP)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	requireFinished(t, p, conn, rest)
}

// requireFinished sends the rest of the notification, and requires that it is stored and that p exits with 0.
func requireFinished(t *testing.T, p *process, conn net.Conn, rest string) {
	t.Helper()
	_, err := conn.Write([]byte(rest))
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	if first, err := reader.Peek(2); err == nil && string(first) == "\r\n" { // the empty line after 100 Continue
		_, err = reader.Discard(2)
		require.NoError(t, err)
	}
	answer, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "1", answer.Header.Get("Log-Sequence"))
	require.NoError(t, <-p.exited, p.stderr)
	p.exited <- nil
}

func TestTheSecondSignalKillsTheProcess(t *testing.T) {
	t.Parallel()
	p, _, _ := halfPosted(t, syscall.SIGTERM)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	require.True(t, errors.As(<-p.exited, &exit))
	require.Equal(t, syscall.SIGTERM, exit.Sys().(syscall.WaitStatus).Signal())
	p.exited <- nil
}
