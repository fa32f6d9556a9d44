package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/orderfold/orderfold/receiver/platform/platformtest"
	"github.com/stretchr/testify/require"
)

// sharing contains machines with one log, each of which may publish the feed and ask the platform.
type sharing struct {
	t        testing.TB
	nats     string
	machines []*process

	mu     sync.Mutex
	asked  []asking
	taken  []taking
	posted int
}

// asking is a request that the platform received, and the machine that sent it.
type asking struct {
	at      time.Time
	machine int
}

// taking is a change of the holder of a duty, as the server stored it.
type taking struct {
	duty    string
	at      time.Time
	machine int // -1: no machine has the duty
}

// share starts machines, each with a command of its own.
func share(t testing.TB, command func(machine int, args ...string) *exec.Cmd) *sharing {
	t.Helper()
	platform := runPlatform(t, platformtest.ServerOptions{Traffic: badTraffic(3, 1)})
	id, secret := platform.Credentials()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret), 0o600))
	s := &sharing{t: t, nats: startNATS(t, t.TempDir())}
	for i := range 3 {
		args := append([]string{"serve", "--feed", "--nats-url", s.nats, "--data", filepath.Join(t.TempDir(), "data"), "--receiver-addr", "127.0.0.1:0",
			"--api-addr", "127.0.0.1:0", "--platform-url", s.before(platform.URL, i), "--platform-client-id", id, "--platform-client-secret-file", file}, hurried()...)
		s.machines = append(s.machines, startCommand(t, []string{"receiver", "api"}, command(i, args...)))
	}
	s.watch()
	return s
}

// before returns a URL of the platform for one machine; the requests to that URL are recorded.
func (s *sharing) before(platform string, machine int) string {
	target, err := url.Parse(platform)
	require.NoError(s.t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // a process that stops cancels its requests
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, asking{time.Now(), machine})
		s.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	s.t.Cleanup(front.Close)
	return front.URL
}

// watch records which machine holds each duty, from the beginning.
func (s *sharing) watch() {
	var bucket jetstream.KeyValue
	js := jetStreamAt(s.t, s.nats)
	eventually(s.t, "the notes of the duties are kept", func() (there bool) {
		var err error
		bucket, err = js.KeyValue(s.t.Context(), "orderfold-duties")
		return err == nil
	})
	watcher, err := bucket.WatchAll(s.t.Context())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = watcher.Stop() }) // the server may have stopped
	go func() {
		for entry := range watcher.Updates() {
			if entry == nil { // all earlier values were received
				continue
			}
			s.mu.Lock()
			s.taken = append(s.taken, taking{entry.Key(), entry.Created(), s.machineOf(entry.Value())})
			s.mu.Unlock()
		}
	}()
}

var processNumber = regexp.MustCompile(`pid (\d+)$`)

// machineOf returns the machine that a value names as the holder.
func (s *sharing) machineOf(note []byte) int {
	var n struct{ ID, Holder string }
	if json.Unmarshal(note, &n) != nil || n.ID == "" {
		return -1
	}
	found := processNumber.FindStringSubmatch(n.Holder)
	return slices.IndexFunc(s.machines, func(p *process) bool { return strconv.Itoa(p.cmd.Process.Pid) == found[1] })
}

// post posts a new order to a machine. The holders of the duties then ask the platform about the order and publish it.
func (s *sharing) post(machine int) {
	s.posted++
	body := fmt.Sprintf(`{"orderId":"order-%d","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`, s.posted)
	r, err := http.Post(s.machines[machine].addrs["receiver"]+orderPath, "application/json", strings.NewReader(body))
	require.NoError(s.t, err)
	r.Body.Close()
}

// lastAsked returns the machine that asked the platform last, and the number of requests of all machines.
func (s *sharing) lastAsked() (machine, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		return -1, 0
	}
	return s.asked[len(s.asked)-1].machine, len(s.asked)
}

// work posts to one machine until a machine that satisfies the condition has asked about some orders, and returns that
// machine.
func (s *sharing) work(post int, is func(machine int) bool) (asks int) {
	s.t.Helper()
	_, before := s.lastAsked()
	eventually(s.t, "one of the machines asks the platform", func() bool {
		s.post(post)
		machine, times := s.lastAsked()
		asks = machine
		return times >= before+20 && is(machine)
	})
	return asks
}

// took reports whether a machine took a duty since then.
func (s *sharing) took(duty string, machine int, since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.taken, func(k taking) bool { return k.duty == duty && k.machine == machine && k.at.After(since) })
}

// has reports whether a machine has a duty.
func (s *sharing) has(machine int, duty string) bool {
	return strings.Contains(string(s.machines[machine].get("/metrics")), fmt.Sprintf("orderfold_duty_held{duty=%q} 1", duty))
}

var publishedEvents = regexp.MustCompile(`(?m)^orderfold_feed_events_total\{.*\} (\d+)$`)

// published returns the number of events that a machine has published.
func (s *sharing) published(machine int) (count int) {
	for _, found := range publishedEvents.FindAllStringSubmatch(string(s.machines[machine].get("/metrics")), -1) {
		n, err := strconv.Atoi(found[1])
		require.NoError(s.t, err)
		count += n
	}
	return count
}

// requireOne requires that each request to the platform was sent by the machine that held the duty. A process that
// stops cancels its last request and then gives up the duty: the request may be recorded after that, but not after
// another machine took the duty.
func (s *sharing) requireOne() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		whose := -1
		for _, taken := range s.taken {
			if taken.duty == "platform" && taken.machine >= 0 && !taken.at.After(a.at) {
				whose = taken.machine
			}
		}
		require.Equal(s.t, whose, a.machine, "at %v; %v", a.at, s.taken)
	}
}

// requirePublishedOnce requires that the feed has each event once, and that a reader of the feed has the orders that
// every machine shows.
func (s *sharing) requirePublishedOnce(machines ...int) {
	s.t.Helper()
	for _, i := range machines {
		s.machines[i].get(fmt.Sprintf("/v1/orders?limit=1&minSequence=%d", s.posted))
	}
	eventually(s.t, "everything is published", func() bool {
		return slices.ContainsFunc(machines, func(i int) bool {
			status := decoded[struct {
				Log             struct{ LastSequence uint64 }
				AppliedSequence uint64
				FeedLagRecords  *uint64
			}](s.t, s.machines[i].get("/v1/status"))
			return status.FeedLagRecords != nil && *status.FeedLagRecords == 0 && status.AppliedSequence == status.Log.LastSequence
		})
	})
	c := newConsumer(s.t)
	c.read(s.nats, s.machines[machines[0]].addrs["api"])
	for _, i := range machines {
		c.requireSame(s.machines[i])
	}
}

// other returns a machine that is not one of those.
func other(machines ...int) int {
	for i := range 3 {
		if !slices.Contains(machines, i) {
			return i
		}
	}
	return -1
}

func TestADutyPassesFromASuspendedProcessAndIsNeverHeldTwice(t *testing.T) {
	s := share(t, func(_ int, args ...string) *exec.Cmd { return exec.Command(binaries.orderfold, args...) })
	first := s.work(0, func(int) bool { return true })
	rest := other(first)
	feeds := -1
	eventually(t, "one of them publishes", func() bool {
		feeds = slices.IndexFunc([]int{0, 1, 2}, func(i int) bool { return s.has(i, "feed") })
		return feeds >= 0
	})
	status := decoded[struct {
		Duties []struct{ Duty, Holder string }
	}](t, s.machines[rest].get("/v1/status"))
	require.Len(t, status.Duties, 2)
	require.Contains(t, status.Duties[1].Holder, fmt.Sprintf("pid %d", s.machines[first].cmd.Process.Pid))
	_, out, _ := execute(t, nil, "doctor", "--nats-url", s.nats, "--data", filepath.Join(t.TempDir(), "none"))
	require.Contains(t, out, fmt.Sprintf("pid %d has had it since", s.machines[feeds].cmd.Process.Pid))

	still := []int{first, feeds} // which may be the same machine
	for _, i := range still {
		require.NoError(t, s.machines[i].cmd.Process.Signal(syscall.SIGSTOP))
	}
	runs := other(still...)
	_ = s.work(runs, func(machine int) bool { return !slices.Contains(still, machine) })
	next := -1
	eventually(t, "another one publishes", func() bool {
		next = slices.IndexFunc([]int{0, 1, 2}, func(i int) bool { return !slices.Contains(still, i) && s.has(i, "feed") })
		return next >= 0
	})
	anybody := func(int) bool { return true } // a slow machine may lose a duty at any time; requireOne checks that it sent no request afterwards
	goOn := time.Now()
	for _, i := range still {
		require.NoError(t, s.machines[i].cmd.Process.Signal(syscall.SIGCONT))
	}
	s.work(runs, anybody)
	published := s.published(feeds)
	second := s.work(runs, anybody)
	if now := s.published(feeds); !s.took("feed", feeds, goOn) {
		require.Equal(t, published, now, "a suspended process publishes nothing")
	}
	s.machines[second].stop() // which gives up the duty
	third := s.work(other(second), func(machine int) bool { return machine != second })
	_, requests := s.lastAsked()
	t.Logf("%d, then %d, then %d asked; %d, then %d published; %d requests", first, second, third, feeds, next, requests)
	s.requireOne()
	s.requirePublishedOnce(other(second), other(second, other(second)))
}
