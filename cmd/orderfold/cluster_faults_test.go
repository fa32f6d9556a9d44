//go:build cluster

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// killEach returns a function for each part of the cluster, the leader first. It kills the part and starts
// it again.
func (c *cluster) killEach() []func() {
	again := []func(){
		func() { c.leads().kill(); c.gone.start() },
		func() { c.follower().kill(); c.gone.start() },
	}
	for i := range c.receivers {
		again = append(again, func() { c.receivers[i].Load().kill(); c.startReceiver(i) })
	}
	for i, m := range c.machines {
		again = append(again,
			func() { m.projector.kill(); c.startProjector(m, machineNames[i]) },
			func() { m.api.kill(); c.startAPI(m, machineNames[i]) })
	}
	return again
}

func TestClusterLosesNothingWhenEachPartIsKilled(t *testing.T) {
	c := startCluster(t)
	parts, longest := c.killEach(), time.Duration(0)
	for round := range *faultRounds {
		longest = max(longest, c.gap(parts[round%len(parts)], time.Second))
		c.inStep()
		if (round+1)%len(parts) == 0 {
			c.requireWhole()
		}
	}
	c.requireWhole()
	c.requirePublishedOnce()
	t.Logf("%d rounds: %s, %v without a 200 at most", *faultRounds, &c.sent, longest)
}

func TestClusterStoresNotificationsDuringARollingRestart(t *testing.T) {
	c := startCluster(t)
	longest := c.gap(func() {
		for _, n := range c.nodes {
			n.signal(syscall.SIGTERM)
			<-n.exited
			n.start()
			c.inStep()
		}
		for i := range c.receivers {
			c.receivers[i].Load().stop()
			c.startReceiver(i)
		}
		for i, m := range c.machines {
			m.api.stop()
			m.projector.stop()
			c.startProjector(m, machineNames[i])
			c.startAPI(m, machineNames[i])
		}
	}, time.Second)
	t.Logf("%v without a 200", longest)
	require.LessOrEqual(t, longest, 5*time.Second+clusterSlack)
	c.requireWhole()
	c.requirePublishedOnce()
}

func TestClusterCopiesTheLogToAServerThatLostItsDisk(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, 2*time.Second)
	for _, lost := range []func() *node{c.follower, c.leads} {
		n := lost()
		c.gap(func() {
			n.kill()
			require.NoError(t, os.RemoveAll(filepath.Join(n.dir, "js")))
			eventually(t, "the other two have a leader", func() bool { leader := c.leader(); return leader != nil && leader != n })
			n.start()
			c.inStep()
		}, time.Second)
		c.requireWhole()
	}
	// Without the leader, some records exist only as the copies that were just made.
	c.gap(func() { c.leads().kill() }, 10*time.Second)
	c.requireWhole()
	c.gone.start()
}

func TestClusterWithASlowServerLosesNothing(t *testing.T) {
	c := startCluster(t)
	for _, slow := range []func() *node{c.follower, c.leads} {
		n := slow()
		longest := c.gap(func() {
			for range 20 {
				n.signal(syscall.SIGSTOP)
				<-time.After(200 * time.Millisecond)
				n.signal(syscall.SIGCONT)
				<-time.After(200 * time.Millisecond)
			}
		}, time.Second)
		t.Logf("%v without a 200", longest)
		c.requireWhole()
	}
}

func TestSlowDiskOfOneServerLosesNothing(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, 2*time.Second)
	usual := c.sent.count()
	for _, leads := range []bool{false, true} {
		slow := c.follower()
		slow.slowDisk = true
		c.restarted(slow, func() {})
		if leads {
			c.lead(slow)
		}
		before := c.sent.count()
		longest := c.gap(func() {}, 10*time.Second)
		t.Logf("the slow server leads: %v; %d posted in 10 s, %d in 2 s before; %v without a 200", leads, c.sent.count()-before, usual, longest)
		require.LessOrEqual(t, longest, 3*time.Second+clusterSlack)
		if leads {
			require.Less(t, c.sent.count()-before, 10/2*usual, "a leader with a slow disk stores less in a second than before")
		}
		c.requireWhole()
		slow.slowDisk = false
		c.restarted(slow, func() {})
	}
	c.requirePublishedOnce()
}

// inStep waits until every server has the whole log. It asks each server, because the leader reports a server that
// has just lost its disk as in step until it hears from that server again.
func (c *cluster) inStep() {
	c.t.Helper()
	for began := time.Now(); ; <-time.After(20 * time.Millisecond) {
		why := c.outOfStep()
		if why == "" {
			return
		}
		require.Less(c.t, time.Since(began), patience, "the servers are not in step: %s", why)
	}
}

// outOfStep returns the reason why not every server has the whole log, or "" if all have it.
func (c *cluster) outOfStep() string {
	info := c.logInfo()
	if info.Cluster.Leader == "" {
		return "nobody leads"
	}
	last := info.State.LastSequence
	for _, n := range c.nodes {
		if why := n.unhealthy(); why != "" {
			return n.name + ": " + why
		}
		if at := n.lastSequence(); at < last {
			return fmt.Sprintf("%s ends at record %d, the leader at %d", n.name, at, last)
		}
	}
	return ""
}
