//go:build cluster

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// killEach returns for each part of a cluster a function that kills it and starts it again, the server that
// leads first.
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

func TestClusterOfWhichEachPartIsKilledInTurnLosesNothing(t *testing.T) {
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
	t.Logf("%d rounds: %d posted, %d acknowledged and found, %v without a 200 at most", *faultRounds, c.posted, len(c.stored), longest)
}

func TestClusterThatIsRestartedPartByPartTakesNotificationsAllTheTime(t *testing.T) {
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
}

func TestClusterOfWhichAServerLostItsDiskMakesItWholeAgain(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, 2*time.Second)
	for _, lost := range []func() *node{c.follower, c.leads} {
		n := lost()
		c.gap(func() {
			n.kill()
			require.NoError(t, os.RemoveAll(filepath.Join(n.dir, "js")))
			n.start()
			c.inStep()
		}, time.Second)
		c.requireWhole()
	}
	// What was copied to the two is all that is left of some records when the third is lost.
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

// inStep waits until every server has everything.
func (c *cluster) inStep() {
	c.t.Helper()
	eventually(c.t, "every server has the whole log", func() bool {
		conn, err := nats.Connect(c.url(), nats.Timeout(time.Second))
		if err != nil {
			return false
		}
		defer conn.Close()
		answer, err := conn.Request("$JS.API.STREAM.INFO.NOTIFICATIONS", nil, time.Second)
		var info struct {
			Cluster struct {
				Leader   string
				Replicas []struct {
					Current bool
					Lag     uint64
				}
			}
		}
		if err != nil || json.Unmarshal(answer.Data, &info) != nil || info.Cluster.Leader == "" {
			return false
		}
		current := 1
		for _, r := range info.Cluster.Replicas {
			if r.Current && r.Lag == 0 {
				current++
			}
		}
		return current == len(c.nodes)
	})
}
