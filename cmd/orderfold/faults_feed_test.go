//go:build faults || cluster

package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// clone returns the consumer in its current state, which is what a process that is killed later has stored.
func (c *consumer) clone() *consumer {
	kept := *c
	kept.orders, kept.seen, kept.types = maps.Clone(c.orders), maps.Clone(c.seen), maps.Clone(c.types)
	return &kept
}

// rebuild rebuilds the views and waits for the result.
func (p *process) rebuild() {
	p.t.Helper()
	answer, err := http.Post(p.addrs["api"]+"/v1/rebuilds", "application/json", nil)
	require.NoError(p.t, err)
	require.NoError(p.t, answer.Body.Close())
	require.Equal(p.t, http.StatusAccepted, answer.StatusCode)
	eventually(p.t, "the rebuild has ended", func() bool {
		b := decoded[struct {
			EndedAt *string
			Error   *string
		}](p.t, p.get("/v1/rebuilds/current"))
		return b.EndedAt != nil
	})
}

// otherRules builds an orderfold with another decoder version, which also reads statuses in lower case.
func otherRules(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for file, change := range map[string][2]string{
		"version.go": {"const decoderVersion = ", "const decoderVersion = 9"},
		"decode.go":  {"value = strings.ToUpper(value)", "value = strings.ToLower(value)"},
	} {
		path, err := filepath.Abs(filepath.Join("../../projector/decode", file))
		require.NoError(t, err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), change[0]), "%s", path)
		other := filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(other, []byte(strings.Replace(string(text), change[0], change[1], 1)), 0o600))
		replace[path] = other
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	binary := filepath.Join(dir, "orderfold")
	out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// A subscriber that follows the one rule has the orders that the API shows, whatever happens to the service, the
// subscriber and the feed.
func TestFaultAServiceThatPublishesTheFeedIsKilled(t *testing.T) {
	l := newLedger(t, "feed, serve killed")
	l.large = 1 << 30 // notifications about customers cause no events
	data := filepath.Join(t.TempDir(), "data")
	args := append([]string{"serve", "--feed", "--data", data, "--feed-max-bytes", "4MiB"}, freePorts...)
	wanted := []string{"receiver", "api", "log"}
	p := start(t, wanted, args...)
	c := newConsumer(t)
	for round := range *faultRounds {
		o := l.post([]int{2, 32, 128}[round%3], p.addrs["receiver"])
		atRandom(o, 1000)
		if round%3 == 1 { // while orders are published again
			p.rebuild()
		}
		p.kill()
		o.stop()
		if round%8 == 5 {
			require.NoError(t, os.RemoveAll(filepath.Join(data, "nats", "jetstream", "ORDERFOLD", "streams", "ORDERS")))
		}
		p = start(t, wanted, args...)
		requireFed(t, p)
		if round%5 == 3 {
			continue // the subscriber does not read, perhaps for longer than the feed keeps events
		}
		kept := c.clone()
		c.read(operatorURL(t, data), p.addrs["api"])
		if round%2 == 1 { // it was killed before it stored what it had read
			c = kept
			c.read(operatorURL(t, data), p.addrs["api"])
		}
		c.requireSame(p)
		l.tally.rounds++
	}
	l.requireAll(operatorURL(t, data), p)
	requireFed(t, p)
	c.read(operatorURL(t, data), p.addrs["api"])
	c.requireSame(p)
	p.stop()

	other := otherRules(t)
	for _, binary := range []string{other, binaries.orderfold} {
		p = startCommand(t, wanted, exec.Command(binary, args...))
		requireFed(t, p)
		c.read(operatorURL(t, data), p.addrs["api"])
		c.requireSame(p)
		p.stop()
	}
	require.Contains(t, c.types, "orderfold.order.corrected.v1")
	require.NotContains(t, c.types, "orderfold.order.withdrawn.v1")
}

func TestFaultTwoProjectorsPublishAndTheLogServerIsKilled(t *testing.T) {
	l := newLedger(t, "feed, two projectors, nats-server killed")
	l.large = 1 << 30
	s := startSplit(t, "5s")
	projectors := make([]*process, 2)
	apis := make([]*process, 2)
	folders := []string{filepath.Join(t.TempDir(), "views"), filepath.Join(t.TempDir(), "views")}
	begin := func(i int) {
		projectors[i] = start(t, []string{"metrics"}, "projector", "--feed", "--nats-url", s.proxy.url(), "--views", folders[i], "--metrics-addr", "127.0.0.1:0")
	}
	for i := range projectors {
		begin(i)
		apis[i] = start(t, []string{"api"}, "api", "--nats-url", s.proxy.url(), "--views", folders[i], "--api-addr", "127.0.0.1:0")
	}
	c := newConsumer(t)
	for round := range fewer(5) {
		o := l.post(32, s.receiver.addrs["receiver"])
		atRandom(o, 500)
		switch round % 3 {
		case 0:
			s.restartNATS(syscall.SIGKILL)
		case 1:
			projectors[round%2].kill()
			o.requireGoesOn(50)
			begin(round % 2)
		}
		o.requireGoesOn(100)
		o.stop()
		l.requireRound(s.nats.url, s.api)
		l.tally.rounds++
		eventually(t, "one of the two has published everything", func() bool { return fed(t, apis[0], l.held.last) || fed(t, apis[1], l.held.last) })
		c.read(s.nats.url, apis[0].addrs["api"])
		c.requireSame(apis[0])
		c.requireSame(apis[1])
	}
}

// fed reports whether a record is applied to the views, and their projector has published all events up to it.
func fed(t testing.TB, api *process, last uint64) bool {
	t.Helper()
	status := decoded[struct {
		AppliedSequence uint64
		FeedLagRecords  *uint64
		FeedReason      *string
	}](t, api.get("/v1/status"))
	return status.AppliedSequence == last && status.FeedLagRecords != nil && *status.FeedLagRecords == 0 && status.FeedReason == nil
}
