package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"mime"
	"net/http"
	"strconv"
	"time"
)

const (
	// silence is how long a stream may be silent before it is reopened: the server sends a
	// heartbeat every 15 s.
	silence = 45 * time.Second
	// maxPause bounds the pause before a stream is reopened.
	maxPause = 30 * time.Second
	// firstPause is the pause if the server requests none.
	firstPause = time.Second
)

// WatchQuery selects the orders to follow, and the starting point.
type WatchQuery struct {
	OrderFilter
	AtLeast           // how recent the snapshot must be
	After      string // the ID of an event: continue after it; "": from now
	NoSnapshot bool   // begin without a snapshot
	// Interval is about the time from one send of the server to the next, in whole milliseconds, up to
	// a second: changes gather meanwhile. 0 means that they are sent as they come.
	Interval time.Duration
	// Retrying is called when a stream has ended, with the cause and the pause before it is
	// reopened. It may be nil.
	Retrying func(cause error, pause time.Duration)
}

// Event is one event of a stream; exactly one of the pointers is not nil.
type Event struct {
	// ID is the value of WatchQuery.After with which to continue after this event; "": the previous ID
	// is still valid. Keep the ID unchanged, because it shows the server whether the log was restored
	// meanwhile.
	ID        string
	Snapshot  *Snapshot
	Change    *Change
	Resync    *Resync
	Day       *Day
	Heartbeat *Heartbeat
}

// Watch follows the orders that match q: a snapshot, then every change. A snapshot consists of several
// events; discard earlier data when one begins, with Snapshot.Page 1. If a stream ends, Watch opens
// another one and continues after the last event; if the server cannot continue there, it sends a
// Resync and a new snapshot. Watch ends when the caller stops, when ctx ends, with the error of ctx, or
// with an error that a repetition would not resolve, such as ErrUnauthorized.
func (c *Client) Watch(ctx context.Context, q WatchQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := watch{client: c, query: q, after: q.After, yield: yield}
		for attempt := 0; ; attempt++ {
			w.heard = false
			err := w.once(ctx)
			if w.enough {
				return
			}
			if ctx.Err() != nil {
				yield(Event{}, ctx.Err())
				return
			}
			if final(err) {
				yield(Event{}, err)
				return
			}
			if w.heard {
				attempt = 0
			}
			pause := w.pause(attempt, err)
			if q.Retrying != nil {
				q.Retrying(err, pause)
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}

// final reports whether a repeated request would fail with the same error.
func final(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status/100 == 4 && e.Status != http.StatusTooManyRequests || errors.Is(err, errForeign)
}

// errForeign means that the answer is not a stream of this API.
var errForeign = errors.New("client: the server is not this API: its answer is not an event stream")

type watch struct {
	client *Client
	query  WatchQuery
	yield  func(Event, error) bool
	after  string        // the last ID that was yielded
	retry  time.Duration // the pause that the server requested
	heard  bool          // an event was received since the stream was opened
	enough bool          // the caller stopped
}

// pause returns the pause before the next attempt. It grows from the pause that the server requested, and
// is random, so that clients that were cut off together do not reconnect together.
func (w *watch) pause(attempt int, err error) time.Duration {
	first := w.retry
	if first == 0 {
		first = firstPause
	}
	pause := min(first<<min(attempt, 10), maxPause)
	pause = pause/2 + rand.N(pause/2+1)
	var e *Error
	if errors.As(err, &e) {
		pause = max(pause, min(e.RetryAfter, time.Minute))
	}
	return pause
}

// once opens the stream and yields its events. The end of the stream is always an error; nil means that
// the caller stopped.
func (w *watch) once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := time.AfterFunc(silence, func() { cancel(fmt.Errorf("client: the stream was silent for %s", silence)) })
	defer alive.Stop()
	r := request{path: "/v1/stream", query: w.query.query(), header: w.query.header()}
	w.query.addTo(r.query)
	r.header.Set("Accept", "text/event-stream")
	if w.query.NoSnapshot {
		r.query.Set("snapshot", "false")
	}
	if w.query.Interval != 0 {
		r.query.Set("interval", strconv.FormatInt(w.query.Interval.Milliseconds(), 10))
	}
	if w.after != "" {
		r.header.Set("Last-Event-ID", w.after)
	}
	response, err := w.client.send(ctx, r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); mediaType != "text/event-stream" {
		return fmt.Errorf("%w: its type is %q", errForeign, mediaType)
	}
	lines := newLines(response.Body, func() { alive.Reset(silence) })
	for {
		m, err := lines.next()
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return err
		}
		if m.retry > 0 {
			w.retry = min(m.retry, maxPause)
		}
		if err := w.take(m); err != nil || w.enough {
			return err
		}
	}
}

// take yields an event. An event of an unknown kind is skipped together with its ID, because later events
// have an ID, too.
func (w *watch) take(m message) (err error) {
	e := Event{ID: m.id}
	switch m.event {
	case "snapshot":
		e.Snapshot, err = decode[Snapshot](m)
	case "order":
		e.Change, err = decode[Change](m)
	case "resync":
		e.Resync, err = decode[Resync](m)
		w.after = ""
	case "day":
		e.Day, err = decode[Day](m)
	case "heartbeat":
		e.Heartbeat, err = decode[Heartbeat](m)
	case "closed":
		why, err := decode[closed](m)
		if err == nil {
			err = fmt.Errorf("client: the server ended the stream (%s): %s", why.Reason, why.Detail)
		}
		return err
	default:
		return nil
	}
	if err != nil {
		return err
	}
	w.heard = true
	w.enough = !w.yield(e, nil)
	if m.id != "" {
		w.after = m.id
	}
	return nil
}

func decode[T any](m message) (*T, error) {
	value := new(T)
	if err := json.Unmarshal(m.data, value); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errForeign, m.event, err)
	}
	return value, nil
}

// errEnded means that the stream ended without a reason.
var errEnded = fmt.Errorf("client: the stream was cut off: %w", io.ErrUnexpectedEOF)
