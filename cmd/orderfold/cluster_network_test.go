//go:build cluster

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// network gives each part of a cluster a network namespace and an address. A bridge connects them. It is in a namespace
// of its own, where the firewall of this machine does not apply. A nil network is the loopback interface.
type network struct {
	t      testing.TB
	prefix string
	number map[string]int // addresses of the parts, by name
}

// here is the name of the test itself among the parts.
const here = "test"

// newNetwork needs root and iproute2.
func newNetwork(t testing.TB, parts ...string) *network {
	t.Helper()
	n := &network{t: t, prefix: fmt.Sprintf("of%d", os.Getpid()%100_000), number: map[string]int{}}
	bridge := n.space("br")
	n.ip("netns", "add", bridge)
	t.Cleanup(func() { n.ip("netns", "del", bridge) }) // with everything in it
	n.ip("-n", bridge, "link", "add", "bridge", "type", "bridge")
	n.ip("-n", bridge, "link", "set", "bridge", "up")
	for i, part := range append(parts, here) {
		n.number[part] = i + 1
		cable := []string{"link", "add", n.cable(part), "netns", bridge, "type", "veth", "peer", "name"}
		if part == here {
			n.ip(append(cable, n.prefix)...)
			n.ip("addr", "add", n.host(part)+"/24", "dev", n.prefix)
			n.ip("link", "set", n.prefix, "up")
		} else {
			space := n.space(part)
			n.ip("netns", "add", space)
			t.Cleanup(func() { n.ip("netns", "del", space) })
			n.ip(append(cable, "eth0", "netns", space)...)
			n.ip("-n", space, "addr", "add", n.host(part)+"/24", "dev", "eth0")
			n.ip("-n", space, "link", "set", "eth0", "up")
			n.ip("-n", space, "link", "set", "lo", "up")
		}
		n.ip("-n", bridge, "link", "set", n.cable(part), "master", "bridge", "up")
	}
	return n
}

func (n *network) ip(args ...string) {
	n.t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(n.t, err, "ip %v: %s", args, out)
}

func (n *network) space(part string) string { return n.prefix + part }
func (n *network) cable(part string) string { return "to" + part }
func (n *network) cut(part string)          { n.ip("-n", n.space("br"), "link", "set", n.cable(part), "down") }
func (n *network) join(part string)         { n.ip("-n", n.space("br"), "link", "set", n.cable(part), "up") }

// host returns the address of a part.
func (n *network) host(part string) string {
	if n == nil {
		return "127.0.0.1"
	}
	return fmt.Sprintf("10.213.77.%d", n.number[part])
}

// command returns a command that runs in the namespace of a part.
func (n *network) command(part, path string, args ...string) *exec.Cmd {
	if n == nil {
		return exec.Command(path, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", n.space(part), path}, args...)...)
}

func TestPartitionOfOnePartLosesNothing(t *testing.T) {
	c := startClusterIn(t, newNetwork(t, "A", "B", "C", "r1", "r2", "m1", "m2"))
	c.gap(func() {}, 2*time.Second)
	for _, test := range []struct {
		name string
		part func() string
	}{
		{"a server that does not lead", func() string { return c.follower().name }},
		{"the server that leads", func() string { return c.leads().name }},
		{"a receiver", func() string { return receiverNames[0] }},
		{"a machine that serves reads", func() string { return machineNames[1] }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.t = t
			part := test.part()
			c.net.cut(part)
			longest := c.gap(func() {}, 15*time.Second)
			t.Logf("%v without a 200", longest)
			require.LessOrEqual(t, longest, 8*time.Second+clusterSlack)
			code, _, _, err := c.machines[0].api.question(http.DefaultClient, "/v1/orders?limit=5")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, code, "the other machine serves reads")
			c.net.join(part)
			c.gap(func() {}, 5*time.Second)
			c.requireWhole()
		})
	}
}
