//go:build faults || cluster

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counter counts, and signals when it has reached a number.
type counter struct {
	mu      sync.Mutex
	n       int
	waiting map[int]chan struct{}
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if reached := c.waiting[c.n]; reached != nil {
		close(reached)
		delete(c.waiting, c.n)
	}
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// more returns a channel that is closed when the count has risen by n.
func (c *counter) more(n int) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[int]chan struct{}{}
	}
	if c.waiting[c.n+n] == nil {
		c.waiting[c.n+n] = make(chan struct{})
	}
	return c.waiting[c.n+n]
}

func await(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		require.Fail(t, "the condition did not become true", what)
	}
}

// load is a group of posters, each of which posts one notification after the other over one connection.
type load struct {
	ledger                               *ledger
	sent, acknowledged, refused, severed counter
	posters                              sync.WaitGroup
	ending                               chan struct{}

	mu      sync.Mutex
	url     string
	slowest time.Duration // time until an answer 503
	wrong   []string
}

// retryPause is the pause of a poster after an answer other than 200.
const retryPause = 20 * time.Millisecond

// post begins to post.
func (l *ledger) post(posters int, url string) *load {
	o := &load{ledger: l, url: url, ending: make(chan struct{})}
	for range posters {
		o.posters.Go(o.poster)
	}
	l.t.Cleanup(o.end)
	return o
}

// redirect makes the posters post to another receiver.
func (o *load) redirect(url string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.url = url
}

func (o *load) end() {
	select {
	case <-o.ending:
	default:
		close(o.ending)
	}
	o.posters.Wait()
}

// stop ends the posters when each has its last answer, and requires that no answer was wrong.
func (o *load) stop() {
	o.ledger.t.Helper()
	o.end()
	require.Empty(o.ledger.t, o.wrong)
}

func (o *load) fault(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}

func (o *load) poster() {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: patience / 2}
	defer client.CloseIdleConnections()
	pause := time.NewTimer(retryPause)
	defer pause.Stop()
	var last uint64
	for {
		sequence, stored := o.one(client)
		switch {
		case stored && sequence <= last:
			o.fault("after record %d the same poster was answered record %d", last, sequence)
		case stored:
			last = sequence
		default:
			pause.Reset(retryPause)
			select {
			case <-pause.C:
			case <-o.ending:
			}
		}
		select {
		case <-o.ending:
			return
		default:
		}
	}
}

// one posts one notification.
func (o *load) one(client *http.Client) (sequence uint64, stored bool) {
	p := o.ledger.next()
	o.mu.Lock()
	url := o.url + p.path
	o.mu.Unlock()
	begin := time.Now()
	o.sent.add()
	response, err := client.Post(url, "application/json", bytes.NewReader(p.body))
	if err != nil {
		o.severed.add()
		return 0, false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil: // cut off after the status, which is an answer for a client that reads only the status
		o.severed.add()
		if response.StatusCode != http.StatusOK {
			return 0, false
		}
	case response.StatusCode == http.StatusServiceUnavailable:
		o.refuse(response, time.Since(begin))
		return 0, false
	case response.StatusCode == http.StatusOK && !p.broken, response.StatusCode == http.StatusBadRequest && p.broken:
	default:
		o.fault("%s: %s: %s", url, response.Status, text)
		return 0, false
	}
	sequence, err = strconv.ParseUint(response.Header.Get("Log-Sequence"), 10, 64)
	if err != nil || sequence == 0 {
		o.fault("%s: %s without a sequence: %v", url, response.Status, response.Header)
		return 0, false
	}
	o.ledger.acknowledge(p, sequence)
	o.acknowledged.add()
	return sequence, true
}

func (o *load) refuse(response *http.Response, took time.Duration) {
	o.mu.Lock()
	o.slowest = max(o.slowest, took)
	o.mu.Unlock()
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err != nil || seconds < 1 {
		o.fault("503 without Retry-After: %v", response.Header)
	}
	o.refused.add()
}

// requireGoesOn requires that n more notifications are acknowledged.
func (o *load) requireGoesOn(n int) {
	o.ledger.t.Helper()
	await(o.ledger.t, "notifications are acknowledged again", o.acknowledged.more(n))
}
