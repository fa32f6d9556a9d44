package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	// wakeCost is the pause after each look at the views, for each reader: readers wake that often and not for each commit. To wake
	// one reader and send to it takes about half of that.
	wakeCost = 40 * time.Microsecond
	// hubPause is the longest such pause.
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
	id       string // of the event
	since    uint64 // who followed the hub knows the order as it was then
	order    *statemachine.Order
	now      statemachine.State
	passed   []statemachine.State // since; nil with !known
	known    bool
	data     []byte // a StreamOrder that matches
}

func newChange(o *statemachine.Order, since uint64, id string, on views.Settling) *change {
	last := o.LastChange()
	e := StreamOrder{Order: newOrder(o, on), Cause: StreamCause{o.Last.Sequence, known(last.Effect)}, StatusBefore: known(last.Before), Matches: true}
	c := &change{sequence: o.Last.Sequence, id: id, since: since, order: o, now: o.State(), data: eventData(e)}
	c.passed, c.known = o.Since(since)
	return c
}

// newChanges returns a change for each of those orders, the one notified last at the end.
func (h *hub) newChanges(ctx context.Context, orders []statemachine.Order, since uint64, on views.Settling) []*change {
	sequences := make([]uint64, len(orders))
	for i := range orders {
		sequences[i] = orders[i].Last.Sequence
	}
	ids := h.ids.all(ctx, sequences)
	changes := make([]*change, len(orders))
	for i := range orders {
		order := orders[i] // a copy: a change that is kept must not keep the whole page
		changes[i] = newChange(&order, since, ids[i], on)
	}
	return changes
}

// matched reports whether q selected the order as it was at since, or at any later time before the change.
func (c *change) matched(q *views.Query, since uint64) bool {
	passed, known := c.passed, c.known
	if since != c.since {
		passed, known = c.order.Since(since)
	}
	past := *q
	past.Received = views.Period{} // the notifications before were received at other times
	if !known {
		return c.order.First.Sequence <= since && past.MatchesDetails(c.order)
	}
	return slices.ContainsFunc(passed, func(s statemachine.State) bool { return past.Matches(c.order, &s) })
}

// appendTo adds the event to b.
func (c *change) appendTo(b []byte, matches bool) []byte {
	data := c.data
	if !matches {
		data = append(data[:len(data)-len("true}"):len(data)-len("true}")], "false}"...)
	}
	return appendEvent(b, eventOrder, c.id, data)
}

// hub reads each change once, whatever the number of readers, and keeps the last ones for them in a window. There is one while
// there are readers.
type hub struct {
	feed     Feed
	position Position
	logger   *zap.Logger
	options  StreamOptions
	metrics  *streamMetrics
	ids      *eventIDs
	settling func() views.Settling
	// walks bounds the readers that are served from the views at once, and with them memory; reads their reading.
	walks, reads chan struct{}

	coming  sync.Mutex // held while readers come and go, and never while anything is waited for
	readers int
	window  *window
}

func newHub(o *Options, logger *zap.Logger, settling func() views.Settling) (*hub, error) {
	s := o.Stream.complete()
	m, err := newStreamMetrics(o.Registerer)
	return &hub{feed: o.Feed, position: o.Position, logger: logger, options: s, metrics: m,
		settling: settling, ids: &eventIDs{log: o.Log, last: map[uint64]string{}},
		walks: make(chan struct{}, 16), reads: make(chan struct{}, 2)}, err
}

// join returns a window that knows what it keeps. Each reader that joined must leave.
func (h *hub) join(ctx context.Context) (*window, error) {
	h.coming.Lock()
	if h.readers == h.options.Readers {
		h.coming.Unlock()
		return nil, problem(codeBusy, "%d streams are open, which is the maximum.", h.options.Readers)
	}
	if h.readers++; h.readers == 1 {
		h.window = h.open()
	}
	w := h.window
	h.metrics.readers.Inc()
	h.coming.Unlock()
	select {
	case <-w.started:
		return w, nil
	case <-ctx.Done():
		h.leave()
		return nil, ctx.Err()
	}
}

// leave does not wait for the end of the window: what it reads from the views at that moment, the next readers need not wait for.
func (h *hub) leave() {
	h.coming.Lock()
	defer h.coming.Unlock()
	h.metrics.readers.Dec()
	if h.readers--; h.readers == 0 {
		h.window.close()
		h.window = nil
	}
}

// window is what a hub keeps from the first of its readers to the last.
type window struct {
	*hub
	close   context.CancelFunc
	started chan struct{} // closed when from is known

	mu         sync.Mutex
	from, at   uint64 // what changed after from, up to at, is kept
	settled    uint64 // at, when everything that had happened was read; of the goroutine
	generation int
	revision   views.Revision
	today      statemachine.Day // on which what is kept was rendered
	kept       []*change
	bytes      int
	moved      chan struct{} // closed when at moves
}

func (h *hub) open() *window {
	ctx, cancel := context.WithCancel(context.Background())
	w := &window{hub: h, close: cancel, started: make(chan struct{}), moved: make(chan struct{})}
	go w.run(ctx)
	return w
}

// run reads what changes until ctx ends. It begins a little before the present, so that readers that come back after a
// restart find what they missed without reading it themselves.
func (w *window) run(ctx context.Context) {
	for ctx.Err() == nil {
		recent, err := w.feed.Recent(ctx, w.options.Kept/8)
		var found views.Changes
		if err == nil {
			found, err = w.feed.Changes(ctx, recent, 1)
		}
		if err == nil {
			w.mu.Lock()
			w.from, w.at, w.settled, w.generation = recent, recent, recent, found.At.Generation
			w.today = w.settling().Today
			w.mu.Unlock()
			close(w.started)
			break
		}
		w.failed(ctx, err)
	}
	for ctx.Err() == nil {
		more, err := w.read(ctx)
		if err != nil {
			w.failed(ctx, err)
		} else if !more {
			sleep(ctx, w.pause())
		}
	}
}

// pause returns how long changes gather before the next look.
func (h *hub) pause() time.Duration {
	h.coming.Lock()
	defer h.coming.Unlock()
	return min(time.Duration(h.readers)*wakeCost, hubPause)
}

// read takes what changed since the last time, and waits for it when nothing did.
func (w *window) read(ctx context.Context) (more bool, err error) {
	after := w.at // nobody else writes it
	idle, cancel := context.WithTimeout(ctx, hubIdle)
	defer cancel()
	if err := w.position.Wait(idle, after+1); err != nil && idle.Err() == nil || ctx.Err() != nil {
		return false, err
	}
	found, err := w.feed.Changes(ctx, after, hubPage)
	if err != nil {
		return false, err
	}
	// Not since after: between two pages of one state of the views an order may have moved from before after to behind it.
	on := w.settling()
	fresh := w.newChanges(ctx, found.Orders, w.settled, on)
	if found.Through >= found.At.Applied {
		w.settled = found.Through
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(fresh) == 0 && w.at == found.Through && w.generation == found.At.Generation && w.revision == found.At.Revision && w.today == on.Today {
		return false, nil
	}
	if w.revision != found.At.Revision || w.today != on.Today { // what is kept is of the time before
		w.kept, w.bytes, w.from = nil, 0, after
	}
	w.at, w.generation, w.revision, w.today = found.Through, found.At.Generation, found.At.Revision, on.Today
	w.keep(fresh)
	close(w.moved)
	w.moved = make(chan struct{})
	return len(fresh) == hubPage, nil
}

// keep adds what is new and lets the oldest go. w.mu is held.
func (w *window) keep(fresh []*change) {
	w.kept = append(w.kept, fresh...)
	for _, c := range fresh {
		w.bytes += len(c.data)
	}
	for len(w.kept) > w.options.Kept || w.bytes > keptBytes {
		w.from = w.kept[0].sequence
		w.bytes -= len(w.kept[0].data)
		w.kept = w.kept[1:]
	}
}

// readerPage bounds what a slow reader holds of changes that the hub has let go.
const readerPage = 256

// since returns what changed after a sequence, up to readerPage of it, up to which sequence that is all, and a channel that
// is closed when there is more. held is false when the hub does not keep everything since then.
func (w *window) since(sequence uint64) (found []*change, through uint64, moved <-chan struct{}, held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sequence < w.from {
		return nil, sequence, nil, false
	}
	i := sort.Search(len(w.kept), func(i int) bool { return w.kept[i].sequence > sequence })
	if found = w.kept[i:]; len(found) > readerPage {
		found = found[:readerPage]
		return found, found[readerPage-1].sequence, w.moved, true
	}
	return found, max(sequence, w.at), w.moved, true
}

// revised returns the last revision of the views when it is later than that one.
func (w *window) revised(number int64) *views.Revision {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.revision.Number <= number {
		return nil
	}
	revision := w.revision
	return &revision
}

// where returns the sequence that everything after is kept of, and the generation of the views.
func (w *window) where() (from uint64, generation int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.from, w.generation
}

func (w *window) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if !errors.Is(err, views.ErrClosed) {
		w.logger.Warn("streams do not follow the views", zap.Error(err))
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
			Name: "orderfold_api_stream_events_total", Help: "Events sent on all streams, by event."}, []string{"event"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orderfold_api_streams_ended_total",
			Help: "Streams that ended: by the client, by shutdown, because the reader was slow, or failed."}, []string{"reason"}),
	}
	for _, event := range []string{eventSnapshot, eventOrder, eventResync, eventDay, eventHeartbeat, eventClosed} {
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
