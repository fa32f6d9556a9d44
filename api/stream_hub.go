package api

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	// hubPause is the least time between two looks at the views: when much happens, all readers wake that often and not for
	// each commit.
	hubPause = 20 * time.Millisecond
	// hubRetry is the pause after the views could not be read.
	hubRetry = 250 * time.Millisecond
	// hubIdle is how often the views are looked at though they stand where they stood: for revisions, which do not move them.
	hubIdle = 500 * time.Millisecond
	// hubPage is how many changed orders are read at once.
	hubPage = 500
	// keptBytes bounds the rendered changes that are kept; the orders beside them take about as much again.
	keptBytes = 32 << 20
)

// Feed tells which orders changed, see views.Store.
type Feed interface {
	Changes(ctx context.Context, after uint64, limit int) (views.Changes, error)
	Recent(ctx context.Context, n int) (after uint64, err error)
}

// change is an order that changed, rendered once for all readers.
type change struct {
	sequence uint64
	since    uint64 // who followed the hub knows the order as it was then
	order    *statemachine.Order
	now      statemachine.State
	passed   []statemachine.State // since; nil with !known
	known    bool
	data     []byte // a StreamOrder that matches
}

func newChange(o *statemachine.Order, since uint64) *change {
	last := o.LastChange()
	e := StreamOrder{Order: newOrder(o), Cause: StreamCause{o.Last.Sequence, known(last.Effect)}, StatusBefore: known(last.Before), Matches: true}
	c := &change{sequence: o.Last.Sequence, since: since, order: o, now: o.State(), data: eventData(e)}
	c.passed, c.known = o.Since(since)
	return c
}

// concerns reports whether a reader of q who knows the order as it was at since must be told, and whether the order matches.
func (c *change) concerns(q *views.Query, since uint64) (due, matches bool) {
	if q.Matches(c.order, &c.now) {
		return true, true
	}
	passed, known := c.passed, c.known
	if since != c.since {
		passed, known = c.order.Since(since)
	}
	past := *q
	past.Received = views.Period{} // the notifications before were received at other times
	q = &past
	if !known {
		return c.order.First.Sequence <= since && q.MatchesDetails(c.order), false
	}
	for i := range passed {
		if q.Matches(c.order, &passed[i]) {
			return true, false
		}
	}
	return false, false
}

// appendTo adds the event to b.
func (c *change) appendTo(b []byte, matches bool) []byte {
	data := c.data
	if !matches {
		data = append(data[:len(data)-len("true}"):len(data)-len("true}")], "false}"...)
	}
	return appendEvent(b, eventOrder, c.sequence, data)
}

// hub reads each change once, whatever the number of readers, and keeps the last ones for them. It runs while there are
// readers.
type hub struct {
	feed     Feed
	position Position
	logger   *zap.Logger
	options  StreamOptions
	metrics  *streamMetrics
	// walks bounds the readers that are served from the views at once, and with them memory; reads their reading.
	walks, reads chan struct{}

	running sync.Mutex // held while readers come and go
	readers int
	stop    func() // ends the goroutine and waits for it

	mu         sync.Mutex
	started    chan struct{} // closed when from is known
	from, at   uint64        // what changed after from, up to at, is kept
	settled    uint64        // at, when everything that had happened was read; of the goroutine
	generation int
	revision   views.Revision
	kept       []*change
	bytes      int
	moved      chan struct{} // closed when at moves
}

func newHub(o *Options, logger *zap.Logger) (*hub, error) {
	s := o.Stream.complete()
	m, err := newStreamMetrics(o.Registerer)
	return &hub{feed: o.Feed, position: o.Position, logger: logger, options: s, metrics: m,
		walks: make(chan struct{}, 16), reads: make(chan struct{}, 2)}, err
}

// join returns when the hub knows what it keeps. Each reader that joined must leave.
func (h *hub) join(ctx context.Context) error {
	h.running.Lock()
	if h.readers == h.options.Readers {
		h.running.Unlock()
		return problem(codeBusy, "%d streams are open, which is as many as there may be.", h.options.Readers)
	}
	if h.readers++; h.readers == 1 {
		h.start()
	}
	h.metrics.readers.Inc()
	h.running.Unlock()
	select {
	case <-h.started:
		return nil
	case <-ctx.Done():
		h.leave()
		return ctx.Err()
	}
}

func (h *hub) leave() {
	h.running.Lock()
	defer h.running.Unlock()
	h.metrics.readers.Dec()
	if h.readers--; h.readers == 0 {
		h.stop()
	}
}

func (h *hub) start() {
	ctx, cancel := context.WithCancel(context.Background())
	h.started, h.moved = make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	h.stop = func() {
		cancel()
		<-done
		h.kept, h.bytes = nil, 0
	}
	go func() {
		defer close(done)
		h.run(ctx)
	}()
}

// run reads what changes until ctx ends. It begins a little before the present, so that readers that come back after a
// restart find what they missed without reading it themselves.
func (h *hub) run(ctx context.Context) {
	for ctx.Err() == nil {
		recent, err := h.feed.Recent(ctx, h.options.Kept/8)
		var found views.Changes
		if err == nil {
			found, err = h.feed.Changes(ctx, recent, 1)
		}
		if err == nil {
			h.mu.Lock()
			h.from, h.at, h.settled, h.generation = recent, recent, recent, found.At.Generation
			h.mu.Unlock()
			close(h.started)
			break
		}
		h.failed(ctx, err)
	}
	for ctx.Err() == nil {
		more, err := h.read(ctx)
		if err != nil {
			h.failed(ctx, err)
		} else if !more {
			sleep(ctx, hubPause)
		}
	}
}

// read takes what changed since the last time, and waits for it when nothing did.
func (h *hub) read(ctx context.Context) (more bool, err error) {
	after := h.at // nobody else writes it
	idle, cancel := context.WithTimeout(ctx, hubIdle)
	defer cancel()
	if err := h.position.Wait(idle, after+1); err != nil && idle.Err() == nil || ctx.Err() != nil {
		return false, err
	}
	found, err := h.feed.Changes(ctx, after, hubPage)
	if err != nil {
		return false, err
	}
	fresh := make([]*change, len(found.Orders))
	for i := range found.Orders {
		// Not since after: between two pages of one state of the views an order may have moved from before after to behind it.
		fresh[i] = newChange(&found.Orders[i], h.settled)
	}
	if found.Through >= found.At.Applied {
		h.settled = found.Through
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(fresh) == 0 && h.at == found.Through && h.generation == found.At.Generation && h.revision == found.At.Revision {
		return false, nil
	}
	if h.revision != found.At.Revision { // what is kept is of the time before
		h.kept, h.bytes, h.from = nil, 0, after
	}
	h.at, h.generation, h.revision = found.Through, found.At.Generation, found.At.Revision
	h.keep(fresh)
	close(h.moved)
	h.moved = make(chan struct{})
	return len(fresh) == hubPage, nil
}

// keep adds what is new and lets the oldest go. h.mu is held.
func (h *hub) keep(fresh []*change) {
	h.kept = append(h.kept, fresh...)
	for _, c := range fresh {
		h.bytes += len(c.data)
	}
	for len(h.kept) > h.options.Kept || h.bytes > keptBytes {
		h.from = h.kept[0].sequence
		h.bytes -= len(h.kept[0].data)
		h.kept = h.kept[1:]
	}
}

// readerPage bounds what a slow reader holds of changes that the hub has let go.
const readerPage = 256

// since returns what changed after a sequence, up to readerPage of it, up to which sequence that is all, and a channel that
// is closed when there is more. held is false when the hub does not keep everything since then.
func (h *hub) since(sequence uint64) (found []*change, through uint64, moved <-chan struct{}, held bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sequence < h.from {
		return nil, sequence, nil, false
	}
	i := sort.Search(len(h.kept), func(i int) bool { return h.kept[i].sequence > sequence })
	if found = h.kept[i:]; len(found) > readerPage {
		found = found[:readerPage]
		return found, found[readerPage-1].sequence, h.moved, true
	}
	return found, max(sequence, h.at), h.moved, true
}

// revised returns the last revision of the views when it is later than that one.
func (h *hub) revised(number int64) *views.Revision {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.revision.Number <= number {
		return nil
	}
	revision := h.revision
	return &revision
}

// where returns the sequence that everything after is kept of, and the generation of the views.
func (h *hub) where() (from uint64, generation int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.from, h.generation
}

func (h *hub) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if !errors.Is(err, views.ErrClosed) {
		h.logger.Warn("streams do not follow the views", zap.Error(err))
	}
	sleep(ctx, hubRetry)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// streamMetrics count streams and what is sent on them.
type streamMetrics struct {
	readers prometheus.Gauge
	events  *prometheus.CounterVec
	ended   *prometheus.CounterVec
}

func newStreamMetrics(registerer prometheus.Registerer) (*streamMetrics, error) {
	m := &streamMetrics{
		readers: prometheus.NewGauge(prometheus.GaugeOpts{Name: "orderfold_api_streams", Help: "Streams that are open."}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orderfold_api_stream_events_total", Help: "Events sent on all streams, by kind."}, []string{"event"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orderfold_api_streams_ended_total",
			Help: "Streams that ended: by the client, by shutdown, because the reader was slow, or failed."}, []string{"reason"}),
	}
	for _, event := range []string{eventSnapshot, eventOrder, eventResync, eventHeartbeat, eventClosed} {
		m.events.WithLabelValues(event)
	}
	for _, reason := range []string{endedClient, endedShutdown, endedSlow, endedFailed} {
		m.ended.WithLabelValues(reason)
	}
	for _, c := range []prometheus.Collector{m.readers, m.events, m.ended} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("api: metrics: %w", err)
		}
	}
	return m, nil
}
