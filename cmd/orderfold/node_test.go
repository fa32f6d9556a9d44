//go:build node

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

// This test runs the consumer for Node in docs/stream.md as it is printed there, with the packages and the
// credentials that it names, and kills it in between.
func TestTheDocumentedConsumerInNodeHasTheSameOrdersAsTheAPI(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	page, err := os.ReadFile("../../docs/stream.md")
	require.NoError(t, err)
	program := regexp.MustCompile("(?s)```js\n(.*?)```").FindSubmatch(page)
	install := regexp.MustCompile("npm install (@nats-io/transport-node\\S+) (@nats-io/jetstream[^`]+)`").FindSubmatch(page)
	require.NotNil(t, program)
	require.NotNil(t, install)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "consumer.mjs"), program[1], 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte("{}"), 0o600))
	npm := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", string(install[1]), string(install[2]))
	npm.Dir = dir
	out, err := npm.CombinedOutput()
	require.NoError(t, err, "%s", out)

	p := serveFeed(t, data)
	requireFed(t, p)
	p.subscribers("add", "billing")

	for _, seed := range []string{"1", "2", "3"} {
		var stderr lockedBuffer
		node := exec.Command("node", "consumer.mjs")
		node.Dir, node.Stderr = dir, &stderr
		node.Env = append(os.Environ(), "ORDERFOLD_API="+p.addrs["api"])
		require.NoError(t, node.Start())
		play(t, p.addrs["receiver"], "--orders", "30", "--repeats", "0.2", "--seed", seed)
		requireFed(t, p)
		feed := decoded[api.FeedPlace](t, p.get("/v1/feed"))
		var kept struct {
			Sequence uint64
			Orders   map[string]struct{ Order map[string]any }
		}
		eventually(t, "the consumer has every event", func() bool {
			text, err := os.ReadFile(filepath.Join(dir, "billing.json"))
			return err == nil && json.Unmarshal(text, &kept) == nil && kept.Sequence == feed.LastSequence
		})
		require.NoError(t, node.Process.Kill())
		_ = node.Wait() // it was killed
		require.Empty(t, stderr.String())
		c := newConsumer(t)
		for id, o := range kept.Orders {
			c.orders[id] = consumed{order: o.Order}
		}
		c.requireSame(p)
	}
}
