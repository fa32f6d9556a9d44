package platformtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// attemptTimeout bounds one request; a slower receiver counts as unavailable.
	attemptTimeout = 15 * time.Second
	firstPause     = 50 * time.Millisecond
	maxRetryPause  = 5 * time.Second // also bounds Retry-After
	maxAnswer      = 4 << 10         // how much of an answer is read, in bytes
)

// answer is the result of one posting.
type answer struct {
	code     int // of the last answer; 0: none
	sequence uint64
	message  string // of an answer other than 200
	retries  int
	err      error // not nil if there was no final answer

	retryAfter time.Duration
}

func (a answer) acknowledged() bool { return a.err == nil && a.code == http.StatusOK }

func (a answer) reason() string {
	if a.err != nil {
		return a.err.Error()
	}
	return strings.TrimSpace(strconv.Itoa(a.code) + " " + a.message)
}

// transient reports whether the same request may succeed later.
func (a answer) transient() bool {
	return a.err != nil || a.code == http.StatusTooManyRequests || a.code >= http.StatusInternalServerError
}

// post repeats a posting until there is a final answer, RetryFor has passed or ctx ends.
func (p *player) post(ctx context.Context, n Notification) answer {
	deadline := time.Now().Add(p.RetryFor)
	pause := firstPause
	for retries := 0; ; retries++ {
		a := p.attempt(ctx, n)
		a.retries = retries
		if !a.transient() {
			return a
		}
		wait := max(pause/2+rand.N(pause/2), min(a.retryAfter, maxRetryPause))
		pause = min(2*pause, maxRetryPause)
		if ctx.Err() != nil {
			a.err = fmt.Errorf("platformtest: post to %s: %w", n.Path, ctx.Err())
			return a
		}
		if time.Now().Add(wait).After(deadline) {
			a.err = fmt.Errorf("platformtest: post to %s: %w (%s): %s", n.Path, ErrUndelivered, p.RetryFor, a.reason())
			return a
		}
		sleep(ctx, wait)
	}
}

// sleep returns early if ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (p *player) attempt(ctx context.Context, n Notification) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+n.Path, bytes.NewReader(n.Body))
	if err != nil {
		return answer{err: err}
	}
	request.Header = p.header // shared: the transport does not change it
	response, err := p.client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	// A body that is read to the end lets the connection be reused.
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{err: fmt.Errorf("read the answer: %w", err)}
	}
	a := answer{code: response.StatusCode}
	if a.code != http.StatusOK {
		a.message = string(text)
		a.retryAfter = parseRetryAfter(response.Header.Get("Retry-After"))
		return a
	}
	a.sequence, _ = strconv.ParseUint(response.Header.Get("Log-Sequence"), 10, 64)
	return a
}

// parseRetryAfter parses seconds or a date. It returns 0 for anything else.
func parseRetryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 16); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}
