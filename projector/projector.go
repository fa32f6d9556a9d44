package projector

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Log is the log that the projector reads.
type Log interface {
	Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
	Follow(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
	Records(ctx context.Context, sequences []uint64) iter.Seq2[eventlog.Record, error]
	Bounds(ctx context.Context) (eventlog.Bounds, error)
}

// Views is the interface to the views that the projector writes.
type Views interface {
	Status(ctx context.Context) (views.Status, error)
	Load(ctx context.Context, ids []string) (map[string]views.Entry, error)
	Commit(ctx context.Context, b views.Batch) ([]views.Held, error)
	SetHealth(ctx context.Context, h views.Health) error
}

// Options configure a Projector. Log and Views are required.
type Options struct {
	Log       Log
	Views     Views
	BatchSize int                   // records per transaction, at most; 0: 30,000, with a publisher 8,000
	HotOrders int                   // orders kept decoded between batches; 0: 4,000
	Publisher *Publisher            // of the feed; nil: it is off
	Logger    *zap.Logger           // nil: none
	Metrics   prometheus.Registerer // nil: none
}

// Projector folds the log into the views.
type Projector struct {
	options Options
	log     *zap.Logger
	metrics *metrics
	reason  atomic.Pointer[string] // why nothing is folded; nil: folding works
	batcher *fold.Batcher
}

// New returns a projector. Run starts it.
func New(o Options) *Projector {
	if o.BatchSize <= 0 && o.Publisher != nil {
		o.BatchSize = 8_000 // the events of a batch are in memory until it is committed
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 30_000
	}
	if o.HotOrders <= 0 {
		o.HotOrders = 4_000
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Projector{options: o, log: o.Logger, metrics: newMetrics(o.Metrics), batcher: fold.NewBatcher(o.Views, o.HotOrders)}
}

// Reason returns why nothing is folded at the moment; "" if folding works.
func (p *Projector) Reason() string {
	if r := p.reason.Load(); r != nil {
		return *r
	}
	return ""
}

// The waits after a failure. A log that does not fit the views needs an operator; one that is
// unavailable does not.
const (
	retryAfterOutage   = 250 * time.Millisecond
	retryAfterMismatch = 5 * time.Second
)

// Run folds until ctx ends, and then returns nil. Reason and the views' health report any failure,
// and folding starts again from the views' own position, so every record follows on the last one.
func (p *Projector) Run(ctx context.Context) error {
	if p.options.Publisher != nil {
		var beside sync.WaitGroup
		defer beside.Wait()
		beside.Go(func() { p.options.Publisher.run(ctx) })
	}
	for {
		err := p.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, views.ErrSwitched) || errors.Is(err, errBeginAgain) {
			// The kept orders were loaded from the previous generation, or changed by an abandoned
			// batch.
			p.batcher.Forget()
			continue
		}
		wait := retryAfterOutage
		if fold.NeedsOperator(err) {
			wait = retryAfterMismatch
		}
		if !errors.Is(err, views.ErrNoViews) { // otherwise the first generation is being made
			p.failed(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (p *Projector) failed(ctx context.Context, err error) {
	reason := fold.Because(err)
	if p.Reason() != reason {
		p.log.Error("not folding", zap.String("reason", reason))
	}
	p.reason.Store(&reason)
	p.metrics.failures.Inc()
	p.batcher.Forget() // changes of a failed batch in memory are not in the views
	if err := p.options.Views.SetHealth(ctx, views.Health{Reason: reason, At: time.Now()}); err != nil && ctx.Err() == nil {
		p.log.Warn("the views cannot tell why nothing is folded", zap.Error(err))
	}
}

func (p *Projector) healthy(ctx context.Context) error {
	bounds, err := p.options.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	if err := p.options.Views.SetHealth(ctx, views.Health{At: time.Now(), Epoch: bounds.Epoch}); err != nil {
		return err
	}
	if p.reason.Swap(nil) != nil {
		p.log.Info("folding again")
	}
	return nil
}

// errBeginAgain occurs when the feed has caught up, or when the views are not those from which the
// feed was published.
var errBeginAgain = errors.New("projector: the feed wants it to begin again")

// follow folds from the views' position until something fails.
func (p *Projector) follow(ctx context.Context) error {
	status, err := p.options.Views.Status(ctx)
	if err != nil {
		return err
	}
	c := &status.Checkpoint
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	after := eventlog.Position{Log: c.Log, Sequence: c.Sequence, Hash: c.Hash}
	if err := fold.Fits(ctx, p.options.Log, after); err != nil {
		return err
	}
	if err := p.healthy(ctx); err != nil {
		return err
	}
	if err := p.beginFeed(ctx, &status); err != nil {
		return err
	}
	in := newInbox(p.options.BatchSize)
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.close(receive(ctx, p.options.Log.Follow(ctx, after), in))
	}()
	defer func() { cancel(); <-done }()
	return p.fold(ctx, in)
}

// beginFeed makes the batcher produce events after the position, if there is a feed.
func (p *Projector) beginFeed(ctx context.Context, at *views.Status) error {
	p.batcher.Publish(nil, 0)
	if p.options.Publisher == nil {
		return nil
	}
	bounds, err := p.options.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	after, publishes := p.options.Publisher.begin(ctx, at, &bounds)
	if publishes {
		p.batcher.Publish(p.options.Publisher.o.Render, after)
	}
	return ctx.Err()
}

// receive puts records into the inbox until there are no more. It returns the error that ended
// them.
func receive(ctx context.Context, records iter.Seq2[eventlog.Record, error], in *inbox) error {
	for r, err := range records {
		if err != nil {
			return err
		}
		if in.put(&r) {
			continue
		}
		select {
		case <-in.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// batchBytes bounds the size of the records in a batch, besides the orders that it changes.
const batchBytes = 40 << 20

// full reports whether a batch must be written before more is added.
func (p *Projector) full(m *fold.Batch) bool {
	return m.Records > 0 && m.Records+parcelRecords > p.options.BatchSize || m.Bytes >= batchBytes
}

// commitInterval is the least time between the starts of two commits, unless a batch is full. At a
// thousand records per second a commit then has four, and takes little longer than with one.
const commitInterval = 4 * time.Millisecond

// coolInterval is the time without a commit after which the hot orders are dropped, which may free
// a dozen megabytes.
const coolInterval = 15 * time.Second

// fold repeatedly writes the available records, up to a batch at a time. While one batch is being
// written, the next one is made.
func (p *Projector) fold(ctx context.Context, in *inbox) error {
	var writing chan error                    // receives the result; nil: nothing is being written
	interval, early := time.NewTimer(0), true // early: the interval has not passed
	cool := time.NewTimer(coolInterval)
	defer func() {
		interval.Stop()
		cool.Stop()
		if writing != nil {
			<-writing
		}
	}()
	next, end := new(fold.Batch), error(nil)
	for {
		due := in.some
		switch {
		case end != nil || p.full(next):
			due = nil
		case writing != nil || early:
			due = in.full // wait for more records, and fold them together
		}
		select {
		case <-due:
		case <-interval.C:
			if early = false; writing != nil {
				continue
			}
		case <-cool.C:
			p.letGo(next, writing != nil)
			continue
		case err := <-writing:
			if writing = nil; err != nil {
				return err
			}
		case <-p.options.Publisher.wanted():
			return errBeginAgain
		case <-ctx.Done():
			return ctx.Err()
		}
		if end == nil && !p.full(next) {
			var err error
			if end, err = p.take(ctx, in, next); err != nil {
				return err
			}
		}
		if err := p.finish(next, writing != nil || early && end == nil); err != nil {
			return err
		}
		if writing == nil && next.Finished {
			writing = p.write(ctx, next)
			next = new(fold.Batch)
			interval.Reset(commitInterval)
			cool.Reset(coolInterval)
			early = true
		}
		if end != nil && writing == nil {
			return end
		}
	}
}

// take adds the contents of the inbox to a batch, and returns the end if it is reached.
func (p *Projector) take(ctx context.Context, in *inbox, to *fold.Batch) (end, err error) {
	parcel, end := in.take()
	if err := p.batcher.Add(ctx, to, &parcel); err != nil {
		return nil, err
	}
	in.giveBack(parcel.Notifications)
	return end, nil
}

// finish makes a batch ready to be written, unless it should wait and has room for more.
func (p *Projector) finish(m *fold.Batch, waits bool) error {
	if m.Finished || m.Records == 0 || waits && !p.full(m) {
		return nil
	}
	p.batcher.Finish(m)
	return m.Freeze()
}

// letGo drops the hot orders when no batch refers to them.
func (p *Projector) letGo(next *fold.Batch, writing bool) {
	if next.Records == 0 && !writing {
		p.batcher.Forget()
	}
}

// write commits a batch. The channel receives the result.
func (p *Projector) write(ctx context.Context, m *fold.Batch) chan error {
	b, ended := m.Changes(), make(chan error, 1)
	go func() {
		if p.options.Publisher != nil {
			p.options.Publisher.publish(ctx, m)
		}
		begin := time.Now()
		held, err := p.options.Views.Commit(ctx, *b)
		if err == nil {
			m.Committed(held)
			p.metrics.batch(m.Records, len(b.Quarantined), m.Taken, time.Since(begin))
			for _, q := range b.Quarantined {
				p.log.Warn("quarantined", zap.Uint64("sequence", q.Sequence), zap.String("class", q.Class), zap.String("reason", q.Reason))
			}
		}
		ended <- err
	}()
	return ended
}
