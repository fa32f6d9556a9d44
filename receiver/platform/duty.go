package platform

import (
	"context"
	"errors"
	"net"
	"time"
)

// Duty is the right to ask the platform, which at most one process has at a time. *eventlog.Lease
// implements it.
type Duty interface {
	// Held reports whether this process has the duty now. If not, the contexts returned by Hold
	// have ended.
	Held() bool
	// Hold returns a context that ends when this process loses the duty, or has ended if it does not
	// have it. The caller must call release.
	Hold(ctx context.Context) (held context.Context, release func())
}

// dutyPause is how often a waiting process checks whether it has the duty.
const dutyPause = 250 * time.Millisecond

// errNotHeld means that this process does not have the duty.
var errNotHeld = errors.New("platform: another process has the duty to ask")

// held returns a context for requests that ends when this process loses the duty. ok is false if it does
// not have the duty; otherwise the caller must call release.
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

// dutiful is a connection that sends only while the duty is held. It checks immediately before it
// sends, because the process may have been paused since the last check.
type dutiful struct {
	net.Conn
	duty Duty
}

// Write sends part, or returns errNotHeld.
func (d dutiful) Write(part []byte) (int, error) {
	if !d.duty.Held() {
		return 0, errNotHeld
	}
	return d.Conn.Write(part)
}

// whileHeld wraps dial so that the connections send only while the duty is held.
func whileHeld(dial dialFunc, duty Duty) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return dutiful{conn, duty}, nil
	}
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)
