package platform

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Duty is the right to ask the platform, which one process at a time has. *eventlog.Lease is one.
type Duty interface {
	// Held reports whether this process has it now. When it does not, the contexts that Hold returned have ended.
	Held() bool
	// Hold returns a context that ends when this process has it no more: at once, if it has not. The caller calls release.
	Hold(ctx context.Context) (held context.Context, release func())
}

// dutyPause is how often a process that waits for the duty looks whether it has it.
const dutyPause = 250 * time.Millisecond

// errNotHeld: another process asks the platform.
var errNotHeld = errors.New("platform: another process has the duty to ask")

// held returns a context to ask with; ok is false while another process has the duty.
func (c *Client) held(ctx context.Context) (held context.Context, release func(), ok bool) {
	if c.options.Duty == nil {
		return ctx, func() {}, true
	}
	held, release = c.options.Duty.Hold(ctx)
	if held.Err() != nil {
		release()
		return nil, nil, false
	}
	return held, release, true
}

// dutiful sends requests while the duty is held. It looks right before each: a process may have stood still since it looked last.
type dutiful struct {
	*http.Transport
	duty Duty
}

// RoundTrip sends a request.
func (d dutiful) RoundTrip(r *http.Request) (*http.Response, error) {
	if !d.duty.Held() {
		return nil, errNotHeld
	}
	return d.Transport.RoundTrip(r)
}
