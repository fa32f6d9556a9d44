//go:build cluster

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// logReplicas is what /v1/status reports about the replicas of the log.
type logReplicas struct {
	Replicas []struct {
		Server   string
		Leader   bool
		Online   bool
		Lag      uint64
		SyncMode string
	}
	ReplicasWanted int
	ReplicasReason string
}

func (c *cluster) logReplicas() logReplicas {
	c.t.Helper()
	return decoded[struct{ Log logReplicas }](c.t, c.machines[0].api.get("/v1/status")).Log
}

// doctorOf runs doctor on the log, and returns its findings by check.
func (c *cluster) doctorOf() map[string]finding {
	c.t.Helper()
	_, stdout, stderr := execute(c.t, nil, "doctor", "--json", "--nats-url", c.url(), "--data", c.t.TempDir(), "--views", c.machines[0].views)
	var findings []finding
	require.NoError(c.t, json.Unmarshal([]byte(stdout), &findings), "%s", stderr)
	found := map[string]finding{}
	for _, f := range findings {
		found[f.Check] = f
	}
	return found
}

func (c *cluster) metric(text string) bool {
	return slices.Contains(strings.Split(string(c.machines[0].api.get("/metrics")), "\n"), text)
}

func TestClusterReportsItsReplicas(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, 0)
	c.inStep()
	leader, followers := c.roles()
	healthy := c.logReplicas()
	require.Len(t, healthy.Replicas, 3)
	require.Equal(t, leader.name, healthy.Replicas[0].Server)
	for i, r := range healthy.Replicas {
		require.Equal(t, i == 0, r.Leader)
		require.True(t, r.Online, r.Server)
		require.Equal(t, "unknown", r.SyncMode, "a plain account may not ask")
	}
	require.Equal(t, 3, healthy.ReplicasWanted)
	require.Empty(t, healthy.ReplicasReason)
	found := c.doctorOf()
	require.Equal(t, finding{"replicas", "ok", "3 servers have the log"}, found["replicas"])
	require.Equal(t, finding{"replica " + leader.name, "ok", "leads, 0 entries behind, sync unknown"}, found["replica "+leader.name])
	require.Equal(t, finding{"replica " + followers[0].name, "ok", "follows, 0 entries behind, sync unknown"}, found["replica "+followers[0].name])
	require.True(t, c.metric("orderfold_log_replicas_in_step 3"))

	for name, s := range map[string]struct {
		away, back func(n *node)
	}{
		"killed": {(*node).kill, (*node).start},
		"killed, and then a server leads that has never heard from it": {func(n *node) {
			_, followers := c.roles()
			n.kill()
			for _, f := range followers {
				if f != n {
					c.lead(f)
				}
			}
		}, (*node).start},
		"stopped": {func(n *node) { n.signal(syscall.SIGSTOP) }, func(n *node) { n.signal(syscall.SIGCONT) }},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			gone := c.follower()
			s.away(gone)
			says := "server " + gone.name + " does not answer: start it again"
			eventually(t, "the status reports that a server is away", func() bool { return c.logReplicas().ReplicasReason == says })
			eventually(t, "the metric counts two", func() bool { return c.metric("orderfold_log_replicas_in_step 2") })
			require.True(t, c.metric("orderfold_log_replicas_wanted 3"))
			found := c.doctorOf()
			require.Equal(t, finding{"replicas", "warn", says}, found["replicas"])
			require.Equal(t, "warn", found["replica "+gone.name].Result)
			c.machines[0].requireReady()
			s.back(gone)
			eventually(t, "it is in step again", func() bool { return c.metric("orderfold_log_replicas_in_step 3") })
			require.Empty(t, c.logReplicas().ReplicasReason)
		})
	}
}

func TestClusterWarnsAboutALogWithOneReplica(t *testing.T) {
	c := startServers(t, nil)
	const warning, says = "the log may not survive the loss of a server", "restart a receiver with --replicas 3"
	start := func(args ...string) *process {
		return startAway(t, c.url(), []string{"receiver", "api"}, append([]string{"serve", "--data", t.TempDir(), "--api-addr", "127.0.0.1:0"}, args...)...)
	}
	one := start()
	require.Contains(t, logged(t, one, warning)[0]["why"], says)
	status := decoded[struct{ Log logReplicas }](t, one.get("/v1/status")).Log
	require.Len(t, status.Replicas, 1)
	require.True(t, status.Replicas[0].Leader)
	require.Equal(t, 3, status.ReplicasWanted)
	require.Contains(t, status.ReplicasReason, says)
	require.Contains(t, string(one.get("/metrics")), "orderfold_log_replicas_in_step 1\n")
	require.Contains(t, string(one.get("/metrics")), "orderfold_log_replicas_wanted 3\n")
	c.machines[0] = &machine{views: t.TempDir(), api: one}
	require.Contains(t, c.doctorOf()["replicas"].Detail, says)
	one.stop()

	three := start("--replicas", "3")
	require.Empty(t, logged(t, three, warning))
	c.machines[0].api = three
	eventually(t, "the log has three replicas", func() bool { return c.metric("orderfold_log_replicas_in_step 3") })
	require.Empty(t, c.logReplicas().ReplicasReason)
}
