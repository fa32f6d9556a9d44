package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Events is the feed, for publishing.
type Events interface {
	Bounds(ctx context.Context) (eventlog.FeedBounds, error)
	Get(ctx context.Context, sequence uint64) (eventlog.Event, error)
	Read(ctx context.Context, after uint64) iter.Seq2[eventlog.Event, error]
	Publish(ctx context.Context, after uint64, events []eventlog.Event) (last uint64, err error)
}

// Shown is the interface to the views: reading them, and storing the position of the feed.
type Shown interface {
	Status(ctx context.Context) (views.Status, error)
	SetFeed(ctx context.Context, generation int, f views.Feed) error
	RowsAfter(ctx context.Context, row int64, limit int) (views.Rows, error)
	SequencesAfter(ctx context.Context, id string, after uint64, limit int) ([]uint64, views.At, error)
}

// Former returns orders of the previous generation.
type Former interface {
	// Load returns orders of the live generation.
	Load(ctx context.Context, ids []string) (map[string]views.Entry, error)
	FormerRows(ctx context.Context, generation int, row int64, limit int) (orders []views.Former, last int64, err error)
	FormerOrders(ctx context.Context, generation int, ids []string) (map[string]views.Former, error)
	FormerVersion(ctx context.Context, generation int) string
}

// PublisherOptions configure a Publisher. All but the last three are required.
type PublisherOptions struct {
	Log     Log
	Events  Events
	MaxBody func() int // the size in bytes of the largest event
	Views   Shown
	Former  Former
	Render  feed.Render
	Duty    Duty                  // nil: no other process can publish
	Logger  *zap.Logger           // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Publisher publishes order events: those of the records that a projector folds, before it commits
// them; missed ones; and revisions. See DESIGN.md. Create one with NewPublisher, and pass it to the
// projector and the redriver.
type Publisher struct {
	o         PublisherOptions
	log       *zap.Logger
	metrics   *feedMetrics
	historian *Historian
	again     chan struct{} // has a token if the projector must begin again
	wake      chan struct{} // has a token if there is work besides the projector's

	mode atomic.Int32 // written only with mu held

	mu        sync.Mutex    // held while anything is published, and while missed records are folded
	pause     time.Duration // after the last failure; 0 after a success
	state     views.Feed
	identity  string // of the log
	unsure    bool   // the feed may have more events than state says
	back      *hindsight
	redriven  []redriven
	only      []string        // the orders of the pass; nil: those that the pass specifies
	skip      map[string]bool // orders that the pass has published already
	ahead     *views.Feed     // on standby: the position of the feed, until the views reach it
	succeeded bool            // another process had the duty before
}

// The modes of a Publisher.
const (
	idle    int32 = iota // the projector has not begun
	live                 // records that the projector folds are published before they are committed
	behind               // events that were missed come first
	standby              // another process has the duty
)

// publishedAtOnce is the most events of an atomic batch. It is a variable for tests.
var publishedAtOnce = 1000

const (
	// feedPause is the pause between two checks of views that may have switched, and after a
	// failure. It doubles up to longestPause while nothing can be published, because each attempt
	// folds records again, and one that begins a revision blocks the projector.
	feedPause    = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

// nearFeed is a number of records that can be folded again in a few hundred milliseconds. It is a
// variable for tests.
var nearFeed uint64 = 1000

// NewPublisher returns a publisher, which begins when a projector does.
func NewPublisher(o PublisherOptions) *Publisher {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Publisher{o: o, log: o.Logger, metrics: newFeedMetrics(o.Metrics), historian: NewHistorian(o.Log, o.Views),
		again: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
}

// wanted returns a channel that has a token if the projector must begin again. It is nil without a
// publisher.
func (p *Publisher) wanted() chan struct{} {
	if p == nil {
		return nil
	}
	return p.again
}

// begin is called when a projector begins to follow the log after the position of the views. It
// returns the record after which folding produces events, and whether it does.
func (p *Publisher) begin(ctx context.Context, at *views.Status, log *eventlog.Bounds) (after uint64, publishes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.again:
	default:
	}
	p.identity, p.back = log.Log, nil
	if !p.mine() {
		p.standBy()
		return 0, false
	}
	err := p.resume(ctx, at, log.Last)
	if err == nil {
		err = p.succeed(ctx, at)
	}
	if err == nil {
		err = p.revise(ctx, at)
	}
	if err == nil && at.Checkpoint.Sequence <= p.state.Through+nearFeed {
		for err == nil && p.state.Through < at.Checkpoint.Sequence {
			err = p.catchUp(ctx, at.Checkpoint.Sequence)
		}
		if err == nil {
			p.mode.Store(live)
			p.state.Reason = ""
			err = p.keep(ctx)
		}
	} else if err == nil {
		p.mode.Store(behind)
	}
	// On ErrSwitched the projector must begin again. Its next commit, or step, reports that.
	if errors.Is(err, views.ErrSwitched) {
		p.mode.Store(behind)
		p.unsure = true
	} else if err != nil {
		p.fail(ctx, at.Generation, err)
	}
	if !p.unsure {
		signal(p.wake)
	}
	return p.state.Through, p.mode.Load() == live
}

// resume finds out up to where events were published, from the views and the last event of the
// feed.
func (p *Publisher) resume(ctx context.Context, at *views.Status, logLast uint64) error {
	reason := cmp.Or(p.state.Reason, at.Feed.Reason)
	// Set even if the feed does not answer, so that the views report the reason with this state.
	p.state, p.unsure = at.Feed, true
	p.state.On, p.state.Elsewhere, p.state.Reason = true, false, reason
	bounds, err := p.o.Events.Bounds(ctx)
	if err != nil {
		return err
	}
	s := p.state
	known := s.Generation != 0
	switch {
	case bounds.Last < s.Sequence: // the feed was recreated
		s = views.Feed{On: true, Reason: reason, Revision: s.Revision, Sequence: bounds.Last, Through: at.Checkpoint.Sequence}
		if bounds.Last > 0 {
			s, err = p.last(ctx, s, bounds.Last, at)
		}
	case bounds.Last > s.Sequence:
		s, err = p.last(ctx, s, bounds.Last, at)
	case !known && at.Checkpoint.Sequence == 0: // a new feed of a new log
		s.Generation, s.Revised = at.Generation, at.Revision.Number
	case !known:
		s.Through = at.Checkpoint.Sequence
	}
	if err != nil {
		return err
	}
	if s.Through > logLast { // the log was replaced by an older copy
		s.Through, s.Generation = min(at.Checkpoint.Sequence, logLast), 0
	}
	p.state, p.unsure, p.only = s, false, nil
	return p.resumePass(ctx)
}

// last updates the state to the last event of the feed.
func (p *Publisher) last(ctx context.Context, s views.Feed, sequence uint64, at *views.Status) (views.Feed, error) {
	e, err := p.o.Events.Get(ctx, sequence)
	if errors.Is(err, eventlog.ErrNotFound) { // it was dropped: only the views know more
		if s.Generation == 0 {
			s.Through = at.Checkpoint.Sequence
		}
		s.Sequence, s.Generation = sequence, 0
		return s, nil
	}
	if err != nil {
		return s, err
	}
	revision, position, err := placeOf(&e)
	if err != nil {
		return s, fmt.Errorf("%w: event %d: %w", eventlog.ErrForeignFeed, sequence, err)
	}
	if revision != s.Revision {
		s.Revision, s.Generation, s.Pass = max(revision, s.Revision), 0, nil
	}
	s.Sequence, s.Through = sequence, max(position, s.Through)
	if s.Generation == 0 {
		s.Through = position
	}
	return s, nil
}

// placeOf returns the revision of an event, and the record of the log up to which events are
// published with it.
func placeOf(e *eventlog.Event) (revision, position uint64, err error) {
	number := func(name string) uint64 {
		text := first(e, name)
		n, parseErr := strconv.ParseUint(text, 10, 64)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("its header %s is %.40q", name, text)
		}
		return n
	}
	where := feed.HeaderPosition
	if _, has := e.Header[where]; !has {
		where = feed.HeaderSequence
	}
	return number(feed.HeaderRevision), number(where), err
}

func first(e *eventlog.Event, header string) string {
	if values := e.Header[header]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// publish publishes the events of a batch, and stores the position of the feed in the batch. Events
// that cannot be published now are published later.
func (p *Publisher) publish(ctx context.Context, m *fold.Batch) {
	if p.mode.Load() != live { // another goroutine may hold mu while the server does not answer
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode.Load() != live {
		return
	}
	if err := p.send(ctx, m.Events, 0); err != nil {
		p.stop(err)
		return
	}
	b := m.Changes()
	p.state.Through = max(p.state.Through, b.Checkpoint.Sequence)
	b.Feed = p.copied()
}

// send publishes events. Events without a notification get the position.
func (p *Publisher) send(ctx context.Context, events []feed.Event, position uint64) error {
	begin := time.Now()
	// Messages take twice the memory of the events.
	for some := range slices.Chunk(events, publishedAtOnce) {
		if !p.mine() {
			return errNotMine
		}
		last, err := p.o.Events.Publish(ctx, p.state.Sequence, p.messages(some, position))
		if err != nil {
			return err
		}
		p.state.Sequence, p.pause = last, 0
		// Without this, the events before a failure would be published again.
		if e := &some[len(some)-1]; e.Type == feed.Changed {
			p.state.Through = max(p.state.Through, e.Sequence)
		}
	}
	if len(events) > 0 {
		p.metrics.published(events, time.Since(begin))
	}
	return nil
}

// messages returns events in their published form, to follow the last one.
func (p *Publisher) messages(events []feed.Event, position uint64) []eventlog.Event {
	most, messages := p.o.MaxBody(), make([]eventlog.Event, len(events))
	for i := range events {
		e := &events[i]
		e.Fit(most)
		at := feed.Place{Log: p.identity, Revision: p.state.Revision, Sequence: p.state.Sequence + uint64(i) + 1, Position: position}
		messages[i] = eventlog.Event{Class: e.Class, Order: e.Order, Header: e.Headers(&at), Body: e.Body}
	}
	return messages
}

// fail stops publishing and makes the views report the reason, if they are of the given generation.
func (p *Publisher) fail(ctx context.Context, generation int, err error) {
	p.stop(err)
	err = p.o.Views.SetFeed(ctx, generation, *p.copied())
	if err != nil && !errors.Is(err, views.ErrSwitched) && ctx.Err() == nil {
		p.log.Warn("the views cannot note where the feed stands", zap.Error(err))
	}
}

// stop ends the publishing of events as the projector folds, and reports the reason.
func (p *Publisher) stop(err error) {
	p.mode.Store(behind)
	p.unsure, p.back = true, nil
	if errors.Is(err, errNotMine) {
		p.standBy()
		signal(p.again) // the projector begins again, and makes no more events
		return
	}
	p.pause = min(max(2*p.pause, feedPause), longestPause)
	reason := decode.Bounded("the feed is behind: " + err.Error())
	if p.state.Reason != reason {
		p.log.Error("not publishing events", zap.String("reason", reason))
	}
	p.state.Reason = reason
	p.metrics.failures.Inc()
}

// keep stores the position of the feed in the views.
func (p *Publisher) keep(ctx context.Context) error {
	return p.o.Views.SetFeed(ctx, p.state.Generation, *p.copied())
}

// copied returns a copy of the state, because the state changes.
func (p *Publisher) copied() *views.Feed {
	s := p.state
	if s.Pass != nil {
		pass := *s.Pass
		s.Pass = &pass
	}
	return &s
}
