//go:build cluster

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// node is one NATS server of the cluster.
type node struct {
	t           testing.TB
	name, dir   string
	host        string
	port, route int
	monitor     int
	routes      string
	command     func(path string, args ...string) *exec.Cmd
	slowDisk    bool // each sync to disk takes 50 ms longer
	cmd         *exec.Cmd
	exited      chan struct{}
}

// slowSyncs returns a command whose syncs take longer. With -D the command itself is the started process, and strace
// is its child.
var slowSyncs = []string{"strace", "-D", "-f", "-qq", "-o", os.DevNull, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=50000"}

func (n *node) start() {
	n.t.Helper()
	require.NoError(n.t, os.MkdirAll(n.dir, 0o700))
	config := filepath.Join(n.dir, "nats.conf")
	require.NoError(n.t, os.WriteFile(config, fmt.Appendf(nil, "server_name: %s\nlisten: \"%s:%d\"\nhttp: \"%s:%d\"\nmax_payload: 2MB\n"+
		"jetstream { store_dir: %q, sync_interval: always }\ncluster { name: C, listen: \"%s:%d\", routes: [%s] }\n",
		n.name, n.host, n.port, n.host, n.monitor, filepath.Join(n.dir, "js"), n.host, n.route, n.routes), 0o600))
	path, args := binaries.natsServer, []string{"--config", config}
	if n.slowDisk {
		path, args = slowSyncs[0], slices.Concat(slowSyncs[1:], []string{path}, args)
	}
	n.cmd, n.exited = n.command(path, args...), make(chan struct{})
	log, err := os.OpenFile(filepath.Join(n.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(n.t, err)
	n.cmd.Stderr = log
	require.NoError(n.t, n.cmd.Start())
	exited, cmd := n.exited, n.cmd
	go func() {
		_ = cmd.Wait() // the process is killed
		log.Close()
		close(exited)
	}()
	n.t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
}

func (n *node) signal(s syscall.Signal) {
	n.t.Helper()
	require.NoError(n.t, n.cmd.Process.Signal(s))
}

func (n *node) kill() {
	n.t.Helper()
	n.signal(syscall.SIGKILL)
	<-n.exited
}

// monitoring sends requests to servers, which may be suspended.
var monitoring = &http.Client{Timeout: 5 * time.Second}

// unhealthy returns the server's own reason why it is not in step with the others in all streams, or "" if it is.
func (n *node) unhealthy() string {
	response, err := monitoring.Get(n.monitored("/healthz"))
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return ""
	}
	text, err := io.ReadAll(response.Body)
	return fmt.Sprint(response.Status, " ", string(text), err)
}

// lastSequence returns the last sequence of the server's own replica of the log, or 0 if it has none or does not
// answer.
func (n *node) lastSequence() uint64 {
	response, err := monitoring.Get(n.monitored("/jsz?accounts=true&streams=true"))
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	var report struct {
		Accounts []struct {
			Streams []struct {
				Name  string
				State struct {
					LastSequence uint64 `json:"last_seq"`
				}
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if json.NewDecoder(response.Body).Decode(&report) != nil {
		return 0
	}
	for _, account := range report.Accounts {
		for _, stream := range account.Streams {
			if stream.Name == "NOTIFICATIONS" {
				return stream.State.LastSequence
			}
		}
	}
	return 0
}

func (n *node) monitored(path string) string {
	return fmt.Sprintf("http://%s:%d%s", n.host, n.monitor, path)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
