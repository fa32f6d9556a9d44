package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/api/client"
	"github.com/stretchr/testify/require"
)

// follow resumes a stream after an event, and returns its events except heartbeats, up to and including the last page
// of a snapshot.
func (p *process) follow(after string) (events []client.Event) {
	p.t.Helper()
	c, err := client.New(client.Options{URL: p.addrs["api"]})
	require.NoError(p.t, err)
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for e, err := range c.Watch(ctx, client.WatchQuery{After: after}) {
		require.NoError(p.t, err)
		if e.Heartbeat == nil {
			events = append(events, e)
		}
		if e.Snapshot != nil && e.Snapshot.Last {
			break
		}
	}
	return events
}

// requireResync resumes a stream after an old event, and requires a resync and a snapshot.
func (p *process) requireResync(after, reason string) {
	p.t.Helper()
	events := p.follow(after)
	require.NotNil(p.t, events[0].Resync)
	require.Equal(p.t, reason, events[0].Resync.Reason)
	for _, e := range events[1:] {
		require.NotNil(p.t, e.Snapshot)
	}
}

// Clients of open streams and clients that reconnect get the changes of a redrive, and the result of the last
// verification is discarded.
func TestARedriveIsReportedToReadersAndDiscardsTheLastVerification(t *testing.T) {
	t.Parallel()
	data, args := misread(t)
	args = append(args, "--verify-every", "100ms", "--verify-share", "1")
	p := start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "the difference is found", func() bool { return !decoded[statusAnswer](t, p.get("/v1/status")).Ready })
	last := decoded[statusAnswer](t, p.get("/v1/status")).AppliedSequence

	c, err := client.New(client.Options{URL: p.addrs["api"]})
	require.NoError(t, err)
	done := false
	for e, err := range c.Watch(t.Context(), client.WatchQuery{}) {
		require.NoError(t, err)
		if e.Resync != nil {
			require.Equal(t, "redriven", e.Resync.Reason)
			done = true
		}
		if e.Snapshot == nil || !e.Snapshot.Last {
			continue
		}
		if done {
			break
		}
		code, stdout, stderr := execute(t, nil, "redrive", "--api-url", p.addrs["api"])
		require.Equal(t, exitOK, code, stdout+stderr)
	}
	eventually(t, "it is ready", func() bool { return decoded[statusAnswer](t, p.get("/v1/status")).Ready })
	p.requireResync(fmt.Sprint(last), "redriven")
	p.stop()

	p = start(t, []string{"receiver", "api", "log"}, args...)
	p.requireResync(fmt.Sprint(last-1), "redriven")
	url, err := os.ReadFile(filepath.Join(data, "subscriber.url"))
	require.NoError(t, err)
	other := start(t, []string{"api"}, "api", "--nats-url", strings.TrimSpace(string(url)), "--views", filepath.Join(data, "views"), "--api-addr", "127.0.0.1:0")
	other.requireResync(fmt.Sprint(last), "redriven")
	p.stop()
	change(t, data, `UPDATE position SET fold_version = 'older'`)
	p = start(t, []string{"receiver", "api", "log"}, args...)
	eventually(t, "the views are made", func() bool { return decoded[statusAnswer](t, p.get("/v1/status")).Ready })
	p.requireResync(fmt.Sprint(last), "rebuilt")
	p.stop()
}
