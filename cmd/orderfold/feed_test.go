package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// serveFeed starts a service that publishes the feed.
func serveFeed(t testing.TB, data string) *process {
	t.Helper()
	return start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--feed", "--data", data}, freePorts...)...)
}

func TestASubscriberThatFollowsTheOneRuleHasTheSameOrdersAsTheAPI(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveFeed(t, data)
	c := newConsumer(t)
	play(t, p.addrs["receiver"], "--orders", "200", "--repeats", "0.2", "--overtaking", "0.3", "--seed", "3")
	requireFed(t, p)
	c.read(operatorURL(t, data), p.addrs["api"])
	c.requireSame(p)
	require.Zero(t, c.began)
	require.Equal(t, map[string]int{"orderfold.order.changed.v1": len(c.seen)}, c.types)

	// A subscriber that begins now takes the list of all orders, and continues from there.
	late := newConsumer(t)
	late.snapshot(p.addrs["api"])
	require.Equal(t, c.at, late.at)
	play(t, p.addrs["receiver"], "--orders", "100", "--seed", "4")
	p.kill()
	p = serveFeed(t, data)
	requireFed(t, p)
	for _, c := range []*consumer{c, late} {
		c.read(operatorURL(t, data), p.addrs["api"])
		c.requireSame(p)
	}
	require.Equal(t, 1, late.began)
	p.stop()

	// The feed is deleted while the service does not run: it is created again, and subscribers notice.
	require.NoError(t, os.RemoveAll(filepath.Join(data, "nats", "jetstream", "ORDERFOLD", "streams", "ORDERS")))
	p = serveFeed(t, data)
	play(t, p.addrs["receiver"], "--orders", "50", "--seed", "5")
	requireFed(t, p)
	c.read(operatorURL(t, data), p.addrs["api"])
	require.Equal(t, 1, c.began)
	c.requireSame(p)
	p.stop()

	p = start(t, []string{"receiver", "api"}, append([]string{"serve", "--data", data}, freePorts...)...)
	require.Contains(t, string(p.get("/v1/status")), `"feedLagRecords":null`)
}

func TestTailPrintsEventsOfTheFeed(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	code, _, stderr := execute(t, nil, "tail", "--feed", "--data", data)
	require.Equal(t, exitFailed, code, stderr)
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	code, _, stderr = execute(t, nil, "tail", "--feed", "--data", data)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "--feed creates it")
	p.stop()

	p = serveFeed(t, data)
	play(t, p.addrs["receiver"], "--orders", "40", "--seed", "3")
	requireFed(t, p)
	tail := func(args ...string) (lines []eventLine) {
		code, stdout, stderr := execute(t, nil, append([]string{"tail", "--feed", "--data", data}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		for line := range strings.Lines(stdout) {
			lines = append(lines, decoded[eventLine](t, []byte(line)))
		}
		return lines
	}
	all := tail()
	require.Greater(t, len(all), 100)
	require.Equal(t, all[len(all)-3:], tail("--last", "3"))
	require.Equal(t, all[10:], tail("--from", "11"))
	order := all[0].Order
	for _, line := range tail("--order", order) {
		require.Equal(t, order, line.Order)
	}
	require.Equal(t, all[0], tail("--order", order, "--last", "1000")[0])
	digital := tail("--asset-class", "digital")
	require.NotEmpty(t, digital)
	for _, line := range digital {
		require.Equal(t, "digital", line.AssetClass)
		require.Contains(t, string(line.Data), `"assetClass":"DIGITAL"`)
	}
	require.Empty(t, tail("--order", "nobody's"))
	p.stop()
	require.Equal(t, all, tail(), "also of a service that does not run")

	for name, args := range map[string][]string{
		"a class without --feed": {"tail", "--asset-class", "digital"},
		"an unknown class":       {"tail", "--feed", "--asset-class", "paper"},
		"an object":              {"tail", "--feed", "--object", "customer"},
	} {
		code, _, stderr := execute(t, nil, args...)
		require.Equal(t, exitUsage, code, "%s: %s", name, stderr)
	}
}

func TestARedrivePublishesTheOrdersThatItChanges(t *testing.T) {
	t.Parallel()
	data, args := misread(t)
	args = append(args, "--feed")
	wanted := []string{"receiver", "api", "log"}
	p := start(t, wanted, args...)
	requireFed(t, p)
	c := newConsumer(t)
	c.read(operatorURL(t, data), p.addrs["api"])
	c.requireSame(p)
	before := c.types["orderfold.order.corrected.v1"]
	require.Equal(t, len(c.orders), before, "a feed that is switched on over a log begins with every order")

	answer, err := http.Post(p.addrs["api"]+"/v1/redrives?class=not-an-object", "application/json", nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	eventually(t, "orders are published again", func() bool {
		c.read(operatorURL(t, data), p.addrs["api"])
		return c.types["orderfold.revision.v1"] == 4
	})
	requireFed(t, p)
	c.requireSame(p)
	require.Equal(t, before+2, c.types["orderfold.order.corrected.v1"])
	p.stop()
}
