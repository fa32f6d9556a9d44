//go:build cluster

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// cluster is a log with three replicas, two receivers and two machines that serve reads.
type cluster struct {
	t         testing.TB
	dir       string
	nodes     [3]*node
	receivers [2]atomic.Pointer[process]
	machines  [2]*machine
	net       *network // nil: every part is on the loopback of this machine
	sent      ledgerOfPosts
	gone      *node
}

// machine is a projector and an API over views of their own.
type machine struct {
	views          string
	projector, api *process
}

func startCluster(t testing.TB) *cluster { return startClusterIn(t, nil) }

func startClusterIn(t testing.TB, net *network) *cluster {
	t.Helper()
	c := startServers(t, net)
	c.startReceivers()
	for i := range c.machines {
		c.machines[i] = c.startMachine(machineNames[i], t.TempDir())
		c.machines[i].requireReady()
	}
	return c
}

// startServers starts the three servers of a cluster and nothing else.
func startServers(t testing.TB, net *network) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), net: net}
	var routes []string
	for i := range c.nodes {
		name := string(rune('A' + i))
		c.nodes[i] = &node{t: t, name: name, dir: filepath.Join(c.dir, name), host: net.host(name), port: freePort(t), route: freePort(t), monitor: freePort(t),
			command: func(path string, args ...string) *exec.Cmd { return net.command(name, path, args...) }}
		routes = append(routes, fmt.Sprintf("nats://%s:%d", c.nodes[i].host, c.nodes[i].route))
	}
	for _, n := range c.nodes {
		n.routes = strings.Join(routes, ", ")
		n.start()
	}
	eventually(t, "the cluster has a leader", func() bool {
		conn, err := nats.Connect(c.url())
		if err != nil {
			return false
		}
		defer conn.Close()
		js, err := jetstream.New(conn)
		if err != nil {
			return false
		}
		_, err = js.AccountInfo(t.Context())
		return err == nil
	})
	return c
}

func (c *cluster) startReceivers() {
	for i := range c.receivers {
		c.startReceiver(i)
	}
}

var receiverNames, machineNames = [2]string{"r1", "r2"}, [2]string{"m1", "m2"}

func (c *cluster) startReceiver(i int) {
	c.t.Helper()
	name := receiverNames[i]
	c.receivers[i].Store(startCommand(c.t, []string{"receiver"}, c.net.command(name, binaries.orderfold, "receiver", "--nats-url", c.url(), "--replicas", "3",
		"--receiver-addr", c.net.host(name)+":0", "--webhook-auth", "api-key=secret", "--append-timeout", "2s", "--data", c.t.TempDir())))
}

func (c *cluster) url() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, fmt.Sprintf("nats://%s:%d", n.host, n.port))
	}
	return strings.Join(urls, ",")
}

func (c *cluster) startMachine(name, views string) *machine {
	c.t.Helper()
	m := &machine{views: views}
	c.startProjector(m, name)
	c.startAPI(m, name)
	return m
}

func (c *cluster) startProjector(m *machine, name string) {
	c.t.Helper()
	m.projector = startCommand(c.t, []string{"metrics"}, c.net.command(name, binaries.orderfold, "projector", "--nats-url", c.url(), "--views", m.views,
		"--metrics-addr", "127.0.0.1:0", "--feed", "--feed-replicas", "3"))
}

func (c *cluster) startAPI(m *machine, name string) {
	c.t.Helper()
	m.api = startCommand(c.t, []string{"api"}, c.net.command(name, binaries.orderfold, "api", "--nats-url", c.url(), "--views", m.views,
		"--api-addr", c.net.host(name)+":0", "--api-key", "tests:operator:"+clusterKey, "--ready-lag", "5m"))
	m.api.key = clusterKey
}

const clusterKey = "0123456789abcdef0123456789abcdef"

func (m *machine) status() statusAnswer {
	return decoded[statusAnswer](m.api.t, m.api.get("/v1/status"))
}

// requireReady waits until the machine is ready. If it does not become ready, the failure contains the reason.
func (m *machine) requireReady() {
	t := m.api.t
	t.Helper()
	for began := time.Now(); ; <-time.After(20 * time.Millisecond) {
		code, _, body := m.api.ask("/readyz")
		if code == http.StatusOK {
			return
		}
		require.Less(t, time.Since(began), patience, "the machine is not ready: %s\nits projector: %s", body, m.projector.stderr)
	}
}

// logInfo is what the leader reports about the log.
type logInfo struct {
	Cluster struct{ Leader string }
	State   struct {
		LastSequence uint64 `json:"last_seq"`
	}
}

// logInfo returns the zero value if there is no leader.
func (c *cluster) logInfo() (info logInfo) {
	conn, err := nats.Connect(c.url(), nats.Timeout(time.Second))
	if err != nil {
		return logInfo{}
	}
	defer conn.Close()
	answer, err := conn.Request("$JS.API.STREAM.INFO.NOTIFICATIONS", nil, time.Second)
	if err != nil || json.Unmarshal(answer.Data, &info) != nil {
		return logInfo{}
	}
	return info
}

// leader returns the leader of the log, or nil if there is none.
func (c *cluster) leader() *node {
	name := c.logInfo().Cluster.Leader
	for _, n := range c.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// roles waits for a leader, and returns it and the followers.
func (c *cluster) roles() (leader *node, followers []*node) {
	c.t.Helper()
	eventually(c.t, "there is a leader", func() bool { leader = c.leader(); return leader != nil })
	for _, n := range c.nodes {
		if n != leader {
			followers = append(followers, n)
		}
	}
	return leader, followers
}

// watch reads orders from both machines until stop is called. stop returns the answers other than 200.
func (c *cluster) watch() (stop func() []string) {
	ending, ended := make(chan struct{}), make(chan struct{})
	var wrong []string
	go func() {
		defer close(ended)
		client := &http.Client{Timeout: patience}
		for {
			for i, m := range c.machines {
				for _, path := range []string{"/v1/orders?limit=5", "/v1/orders/order-1", "/readyz"} {
					code, _, text, err := m.api.question(client, path)
					if err != nil {
						wrong = append(wrong, err.Error())
					} else if code != http.StatusOK {
						wrong = append(wrong, fmt.Sprintf("machine %d: %s: %d %s", i, path, code, text))
					}
				}
			}
			select {
			case <-ending:
				return
			default:
			}
		}
	}()
	return func() []string {
		close(ending)
		<-ended
		return wrong
	}
}

// clusterSlack is the time by which an outage may be longer than its goal on a busy machine.
const clusterSlack = 20 * time.Second

func TestClusterContinuesWithoutOneServer(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, 2*time.Second)
	tests := []struct {
		name string
		most time.Duration // longest time without an answer 200
		gone func()
		back func()
	}{
		{"a follower stopped", 3 * time.Second, func() { c.follower().signal(syscall.SIGSTOP) }, func() { c.gone.signal(syscall.SIGCONT) }},
		{"a follower killed", 3 * time.Second, func() { c.follower().kill() }, func() { c.gone.start() }},
		{"the leader stopped", 8 * time.Second, func() { c.leads().signal(syscall.SIGSTOP) }, func() { c.gone.signal(syscall.SIGCONT) }},
		{"the leader killed", 8 * time.Second, func() { c.leads().kill() }, func() { c.gone.start() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c.t = t
			stop := c.watch()
			longest := c.gap(test.gone, 10*time.Second)
			wrong := stop()
			c.gap(test.back, 5*time.Second) // for the next test as well
			t.Logf("%v without a 200", longest)
			require.LessOrEqual(t, longest, test.most+clusterSlack)
			require.Empty(t, wrong, "reads never stop")
			c.requireWhole()
		})
	}
}

func TestClusterWithoutALeaderReportsAnUnavailableLogNotALoss(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, time.Second)
	_, followers := c.roles()
	last := followers[1]
	last.kill() // it misses the records that arrive now
	c.gap(func() {}, 3*time.Second)
	for _, n := range c.nodes {
		if n != last {
			n.kill()
		}
	}
	wiped := followers[0]
	require.NoError(t, os.RemoveAll(filepath.Join(wiped.dir, "js")))
	last.start()
	wiped.start()
	eventually(t, "the status reports that the log has no leader", func() bool {
		return strings.Contains(c.reason(), "no replica of it leads")
	})
	for range 50 {
		require.NotContains(t, c.reason(), "ends at")
		require.NotContains(t, c.reason(), "does not fit")
		require.NotContains(t, c.reason(), "accept-loss")
	}
	require.False(t, c.post(http.DefaultClient, 0))
	code, body := c.receiverReady(0)
	require.Equal(t, http.StatusServiceUnavailable, code, body)
	for _, n := range c.nodes {
		if n != last && n != wiped {
			n.start()
		}
	}
	c.gap(func() {}, 20*time.Second)
	c.requireWhole()
}

func TestClusterWithoutTwoServersStoresNothing(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, time.Second)
	_, followers := c.roles()
	for _, n := range followers {
		n.kill()
	}
	eventually(t, "the receivers are not ready", func() bool {
		first, _ := c.receiverReady(0)
		second, _ := c.receiverReady(1)
		return first == http.StatusServiceUnavailable && second == http.StatusServiceUnavailable
	})
	require.False(t, c.post(http.DefaultClient, 0))
	require.False(t, c.post(http.DefaultClient, 1))
	for _, m := range c.machines {
		code, _, _ := m.api.ask("/v1/orders")
		require.Equal(t, http.StatusOK, code, "existing values are read")
	}
	c.restartWithoutAQuorum()
	for _, n := range followers {
		n.start()
	}
	c.gap(func() {}, 15*time.Second)
	c.requireWhole()
}

// restartWithoutAQuorum restarts every part while the log has no leader.
func (c *cluster) restartWithoutAQuorum() {
	eventually(c.t, "the log has no leader", func() bool { return c.leader() == nil })
	for i, m := range c.machines {
		m.api.stop()
		m.projector.stop()
		c.receivers[i].Load().stop()
	}
	c.startReceivers()
	for i, m := range c.machines {
		c.machines[i] = c.startMachine(machineNames[i], m.views)
	}
	require.False(c.t, c.post(http.DefaultClient, 0))
	code, body := c.receiverReady(0)
	require.Equal(c.t, http.StatusServiceUnavailable, code)
	require.Contains(c.t, body, "unavailable")
	for _, m := range c.machines {
		code, _, body := m.api.ask("/readyz")
		require.Equal(c.t, http.StatusServiceUnavailable, code)
		require.Contains(c.t, string(body), "unavailable")
		require.Contains(c.t, string(m.api.get("/v1/orders?format=ndjson")), `"orderId":"`+c.sent.first()+`"`, "existing values are read")
		require.Positive(c.t, decoded[map[string]any](c.t, m.api.get("/v1/status"))["lagSeconds"])
	}
}

// leads returns the leader and stores it in gone.
func (c *cluster) leads() *node {
	c.gone, _ = c.roles()
	return c.gone
}

// follower returns a follower and stores it in gone.
func (c *cluster) follower() *node {
	_, followers := c.roles()
	c.gone = followers[c.sent.count()%2]
	return c.gone
}

func (c *cluster) receiverReady(i int) (code int, body string) {
	c.t.Helper()
	request, err := http.NewRequest(http.MethodGet, c.receivers[i].Load().addrs["receiver"]+"/readyz", nil)
	require.NoError(c.t, err)
	request.Header.Set("api-key", "secret")
	r, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(c.t, err)
	return r.StatusCode, string(text)
}

// reason returns the reason in the status of the first machine.
func (c *cluster) reason() string {
	_, _, body := c.machines[0].api.ask("/v1/status")
	return string(body)
}
