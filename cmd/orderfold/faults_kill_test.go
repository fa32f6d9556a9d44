//go:build faults || cluster

package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// atRandom waits until a random moment: shortly after a request was sent, or after one was acknowledged.
func atRandom(o *load, most int) {
	o.ledger.t.Helper()
	c := &o.sent
	if o.ledger.number(0, 1) == 1 {
		c = &o.acknowledged
	}
	await(o.ledger.t, "the load continues", c.more(o.ledger.number(1, most)))
}

func TestFaultTheServiceIsKilled(t *testing.T) {
	l := newLedger(t, "serve killed")
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--data", data}, freePorts...)
	p := start(t, []string{"receiver", "api", "log"}, args...)
	for round := range *faultRounds {
		o := l.post([]int{2, 32, 128}[round%3], p.addrs["receiver"])
		atRandom(o, 1000)
		p.kill()
		o.stop()
		if round%4 == 1 {
			killWhileStarting(t, l, data, args)
		}
		p = start(t, []string{"receiver", "api", "log"}, args...)
		l.requireRound(operatorURL(t, data), p)
		l.tally.rounds++
	}
	l.requireAll(operatorURL(t, data), p)
	p.stop()
}

// killWhileStarting starts the service and kills it at some stage of its start.
func killWhileStarting(t testing.TB, l *ledger, data string, args []string) {
	t.Helper()
	stages := []string{"nats-kept.new", "nats-kept", "operator.url", "views/live"}
	stage := filepath.Join(data, stages[l.number(0, len(stages)-1)])
	cmd := exec.Command(binaries.orderfold, args...)
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// The first stages are short and may be missed; then the service is killed a moment later.
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for range l.number(1, 300) {
		if _, err := os.Stat(stage); err == nil {
			break
		}
		<-look.C
	}
	require.NoError(t, cmd.Process.Kill())
	<-ended
}

// split is a receiver, a projector and an API in separate processes, with a log server behind a proxy.
type split struct {
	t                        testing.TB
	dir, views               string
	nats                     *natsServer
	proxy                    *proxy
	receiver, projector, api *process
}

func startSplit(t testing.TB, appendTimeout string) *split {
	t.Helper()
	s := &split{t: t, dir: t.TempDir(), views: filepath.Join(t.TempDir(), "views")}
	s.nats = launchNATS(t, s.dir)
	s.proxy = newProxy(t, s.nats.url)
	s.startReceiver(appendTimeout)
	s.startProjector()
	s.api = start(t, []string{"api"}, "api", "--nats-url", s.proxy.url(), "--views", s.views, "--api-addr", "127.0.0.1:0")
	eventually(t, "the views exist", func() bool {
		code, _, _ := s.api.ask("/readyz")
		return code == http.StatusOK
	})
	return s
}

func (s *split) startReceiver(appendTimeout string) {
	s.t.Helper()
	s.receiver = start(s.t, []string{"receiver"}, "receiver", "--nats-url", s.proxy.url(), "--receiver-addr", "127.0.0.1:0",
		"--append-timeout", appendTimeout, "--data", s.dir)
}

func (s *split) startProjector() {
	s.t.Helper()
	s.projector = start(s.t, []string{"metrics"}, "projector", "--nats-url", s.proxy.url(), "--views", s.views,
		"--metrics-addr", "127.0.0.1:0")
}

// restartNATS ends the log server with a signal and starts it again.
func (s *split) restartNATS(signal os.Signal) {
	s.t.Helper()
	s.nats.end(s.t, signal)
	s.nats = launchNATS(s.t, s.dir)
	s.proxy.lead(s.nats.url)
}

// watch reads orders continuously, and requires an answer to each request. The returned function ends it.
func (s *split) watch() (stop func()) {
	ending, ended := make(chan struct{}), make(chan struct{})
	var wrong []string
	var asked counter
	go func() {
		defer close(ended)
		client := &http.Client{Timeout: 10 * time.Second}
		for {
			for _, path := range []string{"/v1/orders?limit=5", "/healthz", "/v1/status"} {
				r, err := client.Get(s.api.addrs["api"] + path)
				if err != nil {
					wrong = append(wrong, err.Error())
					continue
				}
				text, _ := io.ReadAll(r.Body)
				r.Body.Close()
				if r.StatusCode != http.StatusOK && len(wrong) < 10 {
					wrong = append(wrong, path+": "+r.Status+": "+string(text))
				}
			}
			asked.add()
			select {
			case <-ending:
				return
			default:
			}
		}
	}()
	end := func() {
		select {
		case <-ending:
		default:
			close(ending)
		}
		<-ended
	}
	s.t.Cleanup(end)
	return func() {
		s.t.Helper()
		end()
		require.Empty(s.t, wrong, "the API answers all the time")
		require.Positive(s.t, asked.count())
	}
}

func TestFaultAPartIsKilled(t *testing.T) {
	tests := []struct {
		victim string
		kill   func(*split, *load)
	}{
		{"receiver", func(s *split, o *load) {
			s.receiver.kill()
			s.startReceiver("5s")
			o.redirect(s.receiver.addrs["receiver"])
		}},
		{"projector", func(s *split, o *load) {
			s.projector.kill()
			o.requireGoesOn(50)
			s.startProjector()
		}},
		{"nats-server", func(s *split, _ *load) { s.restartNATS(syscall.SIGKILL) }},
	}
	for _, test := range tests {
		t.Run(test.victim, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, test.victim+" killed")
			s := startSplit(t, "5s")
			unwatch := s.watch()
			for range *faultRounds {
				o := l.post(32, s.receiver.addrs["receiver"])
				atRandom(o, 1000)
				test.kill(s, o)
				o.requireGoesOn(100)
				o.stop()
				l.requireRound(s.nats.url, s.api)
				l.tally.rounds++
			}
			l.requireAll(s.nats.url, s.api)
			unwatch()
		})
	}
}

// fewer is the number of rounds of a fault that is expensive.
func fewer(times int) int { return max(1, *faultRounds/times) }
