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
	// wakeCost is the pause for each prompt reader after each look at the views, so that readers wake once
	// per look and not for each commit. Waking one reader and sending to it takes about half of
	// wakeCost.
	wakeCost = 40 * time.Microsecond
	// hubPause is the longest such pause, and the pause if no reader is prompt.
	hubPause = 20 * time.Millisecond
	// hubRetry is the pause after a failed read of the views.
	hubRetry = 250 * time.Millisecond
	// hubIdle is the interval of looks at the views while their position does not change. They find
	// revisions, which do not change the position.
	hubIdle = 500 * time.Millisecond
	// hubPage is the number of changed orders that are read at once.
	hubPage = 500
	// keptBytes bounds the rendered changes that are kept. Their packed orders take a third as much.
	keptBytes = 32 << 20
)

// Feed returns the orders that changed, see views.Store.
type Feed interface {
	Changes(ctx context.Context, after uint64, limit int) (views.Changes, error)
	Recent(ctx context.Context, n int) (after uint64, err error)
}

// hub reads each change once, whatever the number of readers, and keeps the last changes for them
// in a window. A window exists while there are readers.
type hub struct {
	feed     Feed
	position Position
	logger   *zap.Logger
	options  StreamOptions
	metrics  *streamMetrics
	ids      *eventIDs
	settling func() views.Settling
	// walks bounds how many readers are served from the views at once, which bounds the memory for
	// them; reads bounds how many of them read at once.
	walks, reads chan struct{}

	// coming is held while readers join and leave, and never during a wait.
	coming  sync.Mutex
	readers int
	prompt  int // of the readers, those without an interval
	window  *window
}

func newHub(o *Options, logger *zap.Logger, settling func() views.Settling) (*hub, error) {
	s := o.Stream.complete()
	m, err := newStreamMetrics(o.Registerer)
	return &hub{feed: o.Feed, position: o.Position, logger: logger, options: s, metrics: m,
		settling: settling, ids: &eventIDs{log: o.Log, last: map[uint64]string{}},
		walks: make(chan struct{}, 16), reads: make(chan struct{}, 2)}, err
}

// join returns a window whose kept range is known. A prompt reader has no interval. Each reader that
// joined must leave, with the same argument.
func (h *hub) join(ctx context.Context, prompt bool) (*window, error) {
	h.coming.Lock()
	if h.readers == h.options.Readers {
		h.coming.Unlock()
		return nil, problem(codeBusy, "%d streams are open, which is the maximum.", h.options.Readers)
	}
	if h.readers++; h.readers == 1 {
		h.window = h.open()
	}
	if prompt {
		h.prompt++
	}
	w := h.window
	h.metrics.readers.Inc()
	h.coming.Unlock()
	select {
	case <-w.started:
		return w, nil
	case <-ctx.Done():
		h.leave(prompt)
		return nil, ctx.Err()
	}
}

// leave does not wait until the window ends, because the next readers need not wait for what the
// window is reading at that moment.
func (h *hub) leave(prompt bool) {
	h.coming.Lock()
	defer h.coming.Unlock()
	h.metrics.readers.Dec()
	if prompt {
		h.prompt--
	}
	if h.readers--; h.readers == 0 {
		h.window.close()
		h.window = nil
	}
}

// window contains the changes that a hub keeps from its first reader to its last.
type window struct {
	*hub
	close   context.CancelFunc
	started chan struct{} // closed when from is known

	mu       sync.Mutex
	from, at uint64 // the changes after from, up to at, are kept
	// settled is the last at by which all changes had been read; only the goroutine uses it.
	settled    uint64
	generation int
	revision   views.Revision
	today      statemachine.Day // the day for which the kept changes were rendered
	kept       []*change
	bytes      int
	moved      chan struct{} // closed when at changes
}

func (h *hub) open() *window {
	ctx, cancel := context.WithCancel(context.Background())
	w := &window{hub: h, close: cancel, started: make(chan struct{}), moved: make(chan struct{})}
	go w.run(ctx)
	return w
}

// run reads the changes until ctx ends. It begins a little before the present, so that readers
// which reconnect after a restart find the changes that they missed and need not read them from the
// views.
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

// pause returns the time during which changes gather before the next look.
func (h *hub) pause() time.Duration {
	h.coming.Lock()
	defer h.coming.Unlock()
	if h.prompt == 0 {
		return hubPause
	}
	return min(time.Duration(h.prompt)*wakeCost, hubPause)
}

// read reads the changes since the last read, and waits for changes if there are none.
func (w *window) read(ctx context.Context) (more bool, err error) {
	after := w.at // only this goroutine writes it
	idle, cancel := context.WithTimeout(ctx, hubIdle)
	defer cancel()
	if err := w.position.Wait(idle, after+1); err != nil && idle.Err() == nil || ctx.Err() != nil {
		return false, err
	}
	found, err := w.feed.Changes(ctx, after, hubPage)
	if err != nil {
		return false, err
	}
	// The changes are since w.settled and not since after: between two pages of one state of the
	// views, an order may have moved from before after to behind it.
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
	if w.revision != found.At.Revision || w.today != on.Today { // the kept changes are outdated
		w.kept, w.bytes, w.from = nil, 0, after
	}
	w.at, w.generation, w.revision, w.today = found.Through, found.At.Generation, found.At.Revision, on.Today
	w.keep(fresh)
	close(w.moved)
	w.moved = make(chan struct{})
	return len(fresh) == hubPage, nil
}

// keep adds the new changes and drops the oldest. The caller holds w.mu.
func (w *window) keep(fresh []*change) {
	w.kept = append(w.kept, fresh...)
	for _, c := range fresh {
		w.bytes += len(c.data)
	}
	packed := max(0, len(w.kept)-w.options.Kept/openShare)
	for _, c := range w.kept[max(0, packed-len(fresh)):packed] {
		c.pack()
	}
	for len(w.kept) > w.options.Kept || w.bytes > keptBytes {
		w.from = w.kept[0].sequence
		w.bytes -= len(w.kept[0].data)
		w.kept = w.kept[1:]
	}
}

// readerPage bounds the number of changes that a slow reader holds after the hub has dropped them.
const readerPage = 256

// since returns at most readerPage of the changes after a sequence, the sequence up to which they
// are complete, and a channel that is closed when there are more. held is false if the hub no
// longer keeps all of them.
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

// revised returns the last revision of the views if it is later than the given one.
func (w *window) revised(number int64) *views.Revision {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.revision.Number <= number {
		return nil
	}
	revision := w.revision
	return &revision
}

// where returns the sequence after which all changes are kept, and the generation of the views.
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

// streamMetrics counts streams and the events sent on them.
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
