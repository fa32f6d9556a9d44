//go:build cluster

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// clusterRate is the number of notifications per second that the senders post, as long as they are answered in
	// time.
	clusterRate    = 1000
	clusterSenders = 32
)

// ledgerOfPosts records which orders were posted and acknowledged. Each order is posted until it is acknowledged.
type ledgerOfPosts struct {
	mu      sync.Mutex
	posted  int
	repeats int
	stored  []string        // in the order of the acknowledgements
	open    map[string]bool // posted and not acknowledged
	last    time.Time       // time of the last acknowledgement
	longest time.Duration   // longest time between two acknowledgements
}

func (l *ledgerOfPosts) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.longest = time.Now(), 0
}

// end returns the longest time without an acknowledgement since begin.
func (l *ledgerOfPosts) end() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.longest, time.Since(l.last))
}

func (l *ledgerOfPosts) storedSince(t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.After(t)
}

// next returns a new order.
func (l *ledgerOfPosts) next() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted++
	order := fmt.Sprintf("order-%d", l.posted)
	if l.open == nil {
		l.open = map[string]bool{}
	}
	l.open[order] = true
	return order
}

func (l *ledgerOfPosts) answered(order string, stored bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !stored {
		l.repeats++
		return
	}
	delete(l.open, order)
	l.stored = append(l.stored, order)
	now := time.Now()
	l.longest, l.last = max(l.longest, now.Sub(l.last)), now
}

func (l *ledgerOfPosts) first() string { return l.stored[0] }

func (l *ledgerOfPosts) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.posted
}

// String describes the ledger for people.
func (l *ledgerOfPosts) String() string {
	return fmt.Sprintf("%d posted, %d repeats, %d acknowledged and found", l.posted, l.repeats, len(l.stored))
}

// gap posts to both receivers while during runs, for the time after it, and until a notification is acknowledged again. It returns
// the longest time between two answers of 200.
func (c *cluster) gap(during func(), after time.Duration) time.Duration {
	c.t.Helper()
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clusterSenders}}
	defer client.CloseIdleConnections()
	c.sent.begin()
	var senders sync.WaitGroup
	for i := range clusterSenders {
		senders.Go(func() { c.sendOrders(ctx, client, i) })
	}
	during()
	ended := time.Now()
	<-time.After(after)
	eventually(c.t, "notifications are stored again", func() bool { return c.sent.storedSince(ended) })
	stop()
	longest := c.sent.end()
	senders.Wait()
	return longest
}

// sendOrders posts one order after the other, each to the receivers in turn until it is acknowledged.
func (c *cluster) sendOrders(ctx context.Context, client *http.Client, receiver int) {
	pause := time.NewTicker(clusterSenders * time.Second / clusterRate)
	defer pause.Stop()
	for {
		for order, stored := c.sent.next(), false; !stored; receiver++ {
			select {
			case <-pause.C:
			case <-ctx.Done():
				return
			}
			stored = c.postOrder(client, receiver, order)
			c.sent.answered(order, stored)
		}
	}
}

// post posts a new order once, and reports whether it was acknowledged.
func (c *cluster) post(client *http.Client, receiver int) bool {
	order := c.sent.next()
	stored := c.postOrder(client, receiver, order)
	c.sent.answered(order, stored)
	return stored
}

func (c *cluster) postOrder(client *http.Client, receiver int, order string) (stored bool) {
	body := fmt.Sprintf(`{"orderId":%q,"status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`, order)
	request, err := http.NewRequest(http.MethodPost, c.receivers[receiver%2].Load().addrs["receiver"]+"/traditional-asset-order-notification", strings.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("api-key", "secret")
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection can be reused
	return response.StatusCode == http.StatusOK
}

// listed returns the orders that a machine lists, and a hash of the list.
func (m *machine) listed() (orders map[string]bool, hash [sha256.Size]byte) {
	t := m.api.t
	t.Helper()
	list := m.api.get("/v1/orders?format=ndjson")
	orders = map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		orders[decoded[struct{ OrderID string }](t, lines.Bytes()).OrderID] = true
	}
	require.NoError(t, lines.Err())
	return orders, sha256.Sum256(list)
}

// requireWhole requires that both machines list every acknowledged order and no order that was not posted, and that
// their lists are equal.
func (c *cluster) requireWhole() {
	c.t.Helper()
	for _, m := range c.machines {
		m.requireReady()
	}
	require.NotEmpty(c.t, c.sent.stored)
	eventually(c.t, "both machines have folded the whole log", func() bool {
		first, second := c.machines[0].status(), c.machines[1].status()
		return first.AppliedSequence == first.Log.LastSequence && second.AppliedSequence == second.Log.LastSequence &&
			first.AppliedSequence == second.AppliedSequence && first.AppliedSequence >= uint64(len(c.sent.stored))
	})
	var hashes [2][sha256.Size]byte
	for i, m := range c.machines {
		var orders map[string]bool
		orders, hashes[i] = m.listed()
		for _, order := range c.sent.stored {
			require.True(c.t, orders[order], "machine %d lost %s, which was acknowledged", i, order)
			delete(orders, order)
		}
		for order := range orders {
			if !strings.HasPrefix(order, "order-") {
				continue // of a bench
			}
			require.True(c.t, c.sent.open[order], "machine %d invented %s", i, order)
		}
	}
	require.Equal(c.t, hashes[0], hashes[1], "the machines list the same")
}

// requirePublishedOnce requires that the feed has each event once, and that a subscriber has the same orders as both
// machines.
func (c *cluster) requirePublishedOnce() {
	c.t.Helper()
	eventually(c.t, "everything is published", func() bool {
		for _, m := range c.machines {
			lag := decoded[struct{ FeedLagRecords *uint64 }](c.t, m.api.get("/v1/status")).FeedLagRecords
			if lag != nil && *lag == 0 {
				return true
			}
		}
		return false
	})
	subscriber := newConsumer(c.t)
	subscriber.read(c.url(), c.machines[0].api.addrs["api"])
	for _, m := range c.machines {
		subscriber.requireSame(m.api)
	}
}
