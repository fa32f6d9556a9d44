//go:build cluster

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// damageOrder changes a byte of an order in a file of a server, and returns a function that undoes the change. The
// server must not run.
func (n *node) damageOrder(order string) (undo func()) {
	n.t.Helper()
	blocks, err := filepath.Glob(filepath.Join(n.dir, "js", "jetstream", "$G", "streams", "NOTIFICATIONS", "msgs", "*.blk"))
	require.NoError(n.t, err)
	for _, block := range blocks {
		data, err := os.ReadFile(block)
		require.NoError(n.t, err)
		at := bytes.Index(data, []byte(`"`+order+`"`))
		if at < 0 {
			continue
		}
		harmed := bytes.Clone(data)
		harmed[at+1] ^= 0x10
		require.NoError(n.t, os.WriteFile(block, harmed, 0o600))
		return func() {
			now, err := os.ReadFile(block)
			require.NoError(n.t, err)
			now[at+1] = data[at+1]
			require.NoError(n.t, os.WriteFile(block, now, 0o600))
		}
	}
	require.Fail(n.t, "no block has it", order)
	return nil
}

// restarted stops a server, changes its files and starts it again. It returns when the server is in step. A server
// that was killed examines its files at the start, and copies damaged parts from the others.
func (c *cluster) restarted(n *node, change func()) {
	c.t.Helper()
	n.signal(syscall.SIGINT)
	<-n.exited
	change()
	n.start()
	c.inStep()
}

// lead makes other servers lead the log until the wanted one leads it.
func (c *cluster) lead(wanted *node) {
	c.t.Helper()
	conn, err := nats.Connect(c.url())
	require.NoError(c.t, err)
	defer conn.Close()
	eventually(c.t, wanted.name+" leads the log", func() bool {
		leader := c.leader()
		if leader == nil || leader == wanted {
			return leader == wanted
		}
		_, err := conn.Request("$JS.API.STREAM.LEADER.STEPDOWN.NOTIFICATIONS", fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, wanted.name), time.Second)
		return err != nil && c.leader() == wanted
	})
}

func TestClusterReportsARecordAsUnreadableOnlyIfTheLeaderCannotReadIt(t *testing.T) {
	c := startCluster(t)
	c.gap(func() {}, time.Second)
	c.requireWhole()
	log, err := eventlog.Open(t.Context(), eventlog.Options{URL: c.url()})
	require.NoError(t, err)
	defer log.Close()
	const sequence = 3
	record, err := log.Get(t.Context(), sequence)
	require.NoError(t, err)
	order := decoded[struct{ OrderID string }](t, record.Body).OrderID
	leader, followers := c.roles()
	damaged := followers[0]
	var mend func()
	c.restarted(damaged, func() { mend = damaged.damageOrder(order) })
	c.lead(leader)
	for range 50 { // any replica answers
		got, err := log.Get(t.Context(), sequence)
		require.NoError(t, err)
		require.Equal(t, record.Position(), got.Position())
		hashes, err := log.Hashes(t.Context(), []uint64{sequence})
		require.NoError(t, err)
		require.Equal(t, map[uint64]string{sequence: record.Position().Hash}, hashes)
		lost, err := log.HasLost(t.Context(), sequence)
		require.NoError(t, err)
		require.False(t, lost, "a follower cannot read it")
	}

	c.lead(damaged)
	lost, err := log.HasLost(t.Context(), sequence)
	require.NoError(t, err)
	require.True(t, lost)
	bounds, err := log.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, eventlog.Ranges{{First: sequence, Last: sequence}}, bounds.Missing)
	require.NotNil(t, bounds.Lost)
	eventually(t, "the machines report it", func() bool {
		code, _, body := c.machines[0].api.ask("/readyz")
		return code != 200 && bytes.Contains(body, []byte("record 3 is missing"))
	})

	c.lead(leader)
	bounds, err = log.Bounds(t.Context())
	require.NoError(t, err)
	require.Empty(t, bounds.Missing, "the new leader can read it")
	require.Nil(t, bounds.Lost)
	c.requireWhole()
	c.restarted(damaged, mend)
	c.lead(damaged)
	lost, err = log.HasLost(t.Context(), sequence)
	require.NoError(t, err)
	require.False(t, lost)
	c.requireWhole()
}
