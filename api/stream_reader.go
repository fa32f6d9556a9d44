package api

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"go.uber.org/zap"
)

const (
	// walkPage is the number of orders that a reader is served from the views at once.
	walkPage = 100
	// snapshotBytes is the approximate maximum size of a snapshot event, which may exceed it by one
	// order.
	snapshotBytes = 1 << 20
	// writeBytes is the number of bytes written at once. A reader that takes them within the
	// timeout is not slow.
	writeBytes = 64 << 10
	retryFirst = "retry: 2000\n"
	retryAfter = "retry: 1000\n" // if the server will soon be back
)

// streamBuffers contains the buffers from which readers write. A reader that waits has none.
var streamBuffers = sync.Pool{New: func() any { b := make([]byte, 0, writeBytes); return &b }}

// streamReader is one stream. It knows every change up to at.
type streamReader struct {
	hub      *hub
	window   *window
	views    Views
	query    views.Query
	snapshot bool
	resumed  bool          // at is the event after which to continue
	resync   *StreamResync // to be sent first
	interval time.Duration // from one send of the hub's changes to the next, about

	w       io.Writer
	control *http.ResponseController
	beat    *time.Ticker

	at       uint64
	sent     uint64 // the sequence in the last id sent
	revision int64  // of the views; the reader knows all changes up to it
	// began is the sequence as of which the reader knows every order, or knew it when the changes
	// began. It is 0 after a resume: of several changes that came together, the reader may have had
	// some and not others, and the id does not show which.
	began uint64
	// settled is a sequence that the views had reached whenever they were read for this reader, by
	// another server too. A change of the hub that is earlier than settled is compared with began:
	// only after settled has the reader received everything that others have.
	settled uint64
	live    bool // changes now come from the hub, not from the views
	// before is the query on the day before. The reader was sent the changes of the new day for the
	// views as they were at turned. For orders that changed up to turned, the reader may still have
	// what the query before selected.
	before views.Query
	turned uint64
}

// serve writes events until ctx ends, the server stops or the reader is too slow.
func (r *streamReader) serve(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if server, ok := ctx.Value(stopping{}).(context.Context); ok {
		defer context.AfterFunc(server, func() { cancel(errShutdown) })()
	}
	// The timeouts of the server are for requests that end; a stream does not.
	if err := r.control.SetReadDeadline(time.Time{}); err != nil {
		r.ended(endedFailed, err)
		return
	}
	r.beat = time.NewTicker(r.hub.options.Heartbeat)
	defer r.beat.Stop()
	err := r.follow(ctx)
	switch {
	case errors.Is(context.Cause(ctx), errShutdown):
		r.close(retryAfter, endedShutdown, "The server is shutting down; reconnect with Last-Event-ID.")
		r.ended(endedShutdown, nil)
	case errors.Is(err, errSlow):
		r.close("", endedSlow, "The changes came faster than they were read; reconnect with Last-Event-ID.")
		r.ended(endedSlow, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.ended(endedSlow, err) // a closed event would not get through either
	case ctx.Err() != nil || errors.As(err, new(*writeError)):
		r.ended(endedClient, nil)
	default:
		r.close("", endedFailed, "The views cannot be read; reconnect with Last-Event-ID.")
		r.ended(endedFailed, err)
	}
}

func (r *streamReader) ended(reason string, err error) {
	r.hub.metrics.ended.WithLabelValues(reason).Inc()
	if err != nil {
		r.hub.logger.Warn("a stream was ended", zap.String("reason", reason), zap.Uint64("sequence", r.at), zap.Error(err))
	}
}

// close sends the last event, if the connection still allows it.
func (r *streamReader) close(retry, reason, detail string) {
	event := appendEvent([]byte(retry), eventClosed, "", eventData(StreamClosed{reason, detail}))
	if r.write(event) == nil {
		r.hub.metrics.events.WithLabelValues(eventClosed).Inc()
	}
}

func (r *streamReader) follow(ctx context.Context) error {
	first := []byte(retryFirst)
	if r.resync != nil {
		first = appendEvent(first, eventResync, "", eventData(r.resync))
		r.hub.metrics.events.WithLabelValues(eventResync).Inc()
	}
	switch {
	case r.resumed:
		r.sent = r.at
		first = r.appendHeartbeat(ctx, first)
	case !r.snapshot:
		// Send the id from which to resume, before anything changes.
		first = r.appendHeartbeat(ctx, first)
	}
	if err := r.write(first); err != nil {
		return err
	}
	if !r.resumed {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		found, through, moved, held := r.window.since(r.at)
		// Read the revision after the changes, so that a change is never sent before its revision.
		revision := r.window.revised(r.revision)
		today := r.window.day()
		var err error
		switch {
		case revision != nil:
			err = r.startOver(ctx, revision)
		case today != r.query.Today:
			err = r.newDay(ctx, today)
		case held:
			err = r.sendLive(ctx, found, through, moved)
		case r.live:
			err = errSlow
		default:
			err = r.catchUp(ctx)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// begin sends a snapshot if one is wanted. The changes follow.
func (r *streamReader) begin(ctx context.Context) error {
	if r.snapshot {
		r.at = 0 // a heartbeat in between must have no id
		if err := r.sendSnapshot(ctx); err != nil {
			return err
		}
	}
	r.began, r.settled = r.at, r.at
	return nil
}

// startOver reports that the reader's knowledge is no longer valid, and begins again.
func (r *streamReader) startOver(ctx context.Context, revision *views.Revision) error {
	event := appendEvent(nil, eventResync, "", eventData(revised(revision, r.hub.ids.of(ctx, r.sent))))
	r.hub.metrics.events.WithLabelValues(eventResync).Inc()
	r.revision, r.resumed, r.live = revision.Number, false, false
	from, _ := r.window.where()
	r.at, r.sent = max(r.at, from), 0
	if !r.snapshot {
		event = r.appendHeartbeat(ctx, event)
	}
	if err := r.write(event); err != nil {
		return err
	}
	return r.begin(ctx)
}

// sendLive sends the changes that the hub has, and waits if these are all.
func (r *streamReader) sendLive(ctx context.Context, found []*change, through uint64, moved <-chan struct{}) error {
	r.live = true
	if err := r.sendChanges(found, through); err != nil || len(found) == readerPage {
		return err
	}
	// The intervals differ, so that readers that reconnect together after a restart are not served
	// together for ever.
	next := time.Now().Add(r.interval*3/4 + rand.N(r.interval/2+1))
	if err := r.wait(ctx, moved, nil); err != nil || r.interval == 0 {
		return err
	}
	sleep(ctx, time.Until(next))
	return nil
}

// sendChanges sends the changes that concern the reader, which then knows everything up to through.
func (r *streamReader) sendChanges(found []*change, through uint64) error {
	buffer := streamBuffers.Get().(*[]byte)
	b := (*buffer)[:0]
	defer func() {
		if cap(b) <= 2*writeBytes { // do not keep the buffer of one large order
			*buffer = b
		}
		streamBuffers.Put(buffer)
	}()
	for _, c := range found {
		if due, matches := r.concerns(c); due {
			b = c.appendTo(b, matches)
			r.sent = c.sequence
			r.hub.metrics.events.WithLabelValues(eventOrder).Inc()
		}
		if len(b) >= writeBytes {
			if err := r.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
		r.at = c.sequence
	}
	r.at = max(r.at, through)
	return r.write(b)
}

// concerns reports whether a change must be sent to the reader, and whether the order matches.
func (r *streamReader) concerns(c *change) (due, matches bool) {
	o := c.unpacked()
	if r.query.Matches(&o.Order, &o.now) {
		return true, true
	}
	since := c.since
	if since < r.settled {
		since = r.began
	}
	return o.matched(&r.query, since) || since < r.turned && o.matched(&r.before, since), false
}

// wait sends heartbeats until one of the channels is ready or ctx ends; follow reports the end of
// ctx.
func (r *streamReader) wait(ctx context.Context, moved <-chan struct{}, free chan<- struct{}) error {
	for {
		select {
		case <-moved:
			return nil
		case free <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-r.beat.C:
			if err := r.write(r.appendHeartbeat(ctx, nil)); err != nil {
				return err
			}
		}
	}
}

func (r *streamReader) appendHeartbeat(ctx context.Context, b []byte) []byte {
	id := ""
	if r.at > r.sent {
		id, r.sent = r.hub.ids.of(ctx, r.at), r.at
	}
	_, generation := r.window.where()
	r.hub.metrics.events.WithLabelValues(eventHeartbeat).Inc()
	return appendEvent(b, eventHeartbeat, id, eventData(StreamHeartbeat{r.at, generation}))
}

// catchUp sends the next page of the changes that are older than those that the hub keeps.
func (r *streamReader) catchUp(ctx context.Context) error {
	return r.walk(ctx, func() error {
		page, err := r.hub.page(ctx, r.at)
		if err != nil {
			return err
		}
		r.settled = max(r.settled, page.At.Applied)
		return r.sendChanges(r.hub.newChanges(ctx, page.Orders, r.began, r.query.Settling), page.Through)
	})
}

// walk runs f when few enough others are walking, because the page that f reads stays in memory
// until the reader has taken it.
func (r *streamReader) walk(ctx context.Context, f func() error) error {
	if err := r.wait(ctx, nil, r.hub.walks); err != nil {
		return err
	}
	defer func() { <-r.hub.walks }()
	return f()
}

// page reads a page of changes for one reader.
func (h *hub) page(ctx context.Context, after uint64) (views.Changes, error) {
	select {
	case h.reads <- struct{}{}:
	case <-ctx.Done():
		return views.Changes{}, ctx.Err()
	}
	defer func() { <-h.reads }()
	return h.feed.Changes(ctx, after, walkPage)
}

// recent returns the least sequence from which a reader can resume.
func (h *hub) recent(ctx context.Context) (uint64, error) {
	select {
	case h.reads <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-h.reads }()
	return h.feed.Recent(ctx, h.options.CatchUp)
}

// writeError is an error of the connection.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

// write sends b in pieces. The reader must take each piece within the timeout.
func (r *streamReader) write(b []byte) error {
	for piece := range slices.Chunk(b, writeBytes) {
		if err := r.control.SetWriteDeadline(time.Now().Add(r.hub.options.WriteTimeout)); err != nil {
			return &writeError{err}
		}
		if _, err := r.w.Write(piece); err != nil {
			return &writeError{err}
		}
	}
	if len(b) == 0 {
		return nil
	}
	if err := r.control.Flush(); err != nil {
		return &writeError{err}
	}
	return nil
}
