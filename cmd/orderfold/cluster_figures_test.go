//go:build cluster

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/orderfold/orderfold/cmd/orderfold/bench"
)

// measured is the time for which each figure is measured.
const measured = 3 * time.Second

// TestClusterFigures logs the figures of docs/cluster.md: the cost of replicas and the gain of several machines.
func TestClusterFigures(t *testing.T) {
	c := startCluster(t)
	urls := map[string]string{"1": startNATS(t, t.TempDir()), "3": c.url()}
	for _, connections := range []int{1, 16, 64, 256} {
		rates := map[string]float64{}
		for replicas, url := range urls {
			p := start(t, []string{"receiver"}, "receiver", "--nats-url", url, "--replicas", replicas, "--receiver-addr", "127.0.0.1:0", "--data", t.TempDir())
			latencies, took, err := bench.Post(t.Context(), bare(p.addrs["receiver"]), connections, measured)
			require.NoError(t, err)
			rates[replicas] = float64(len(latencies)) / took.Seconds()
			p.stop()
		}
		t.Logf("%d connections: %.0f/s with three replicas, %.0f/s with one: %.2f×", connections, rates["3"], rates["1"], rates["3"]/rates["1"])
	}
	c.gap(func() {}, time.Second)
	c.requireWhole()
	var apis []string
	for _, m := range c.machines {
		apis = append(apis, bare(start(t, []string{"api"}, "api", "--nats-url", c.url(), "--views", m.views, "--api-addr", "127.0.0.1:0").addrs["api"]))
	}
	one, two := readRate(t, apis[:1]), readRate(t, apis)
	t.Logf("orders read: %.0f/s by two machines, %.0f/s by one: %.2f×", two, one, two/one)
}

func bare(url string) string { return strings.TrimPrefix(url, "http://") }

// readRate returns the number of orders per second that the APIs serve together, each to 16 connections.
func readRate(t *testing.T, apis []string) (rate float64) {
	t.Helper()
	rates := make([]float64, len(apis))
	var group errgroup.Group
	for i, api := range apis {
		group.Go(func() (err error) {
			rates[i], err = bench.Read(t.Context(), api, 16, measured, func() string { return "/v1/orders/order-1" })
			return err
		})
	}
	require.NoError(t, group.Wait())
	for _, r := range rates {
		rate += r
	}
	return rate
}
