package projector

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// decoderVersion is raised when the decoder reads bodies differently.
const decoderVersion = 3

// FoldVersion names the rules by which views are made: the decoder, the rank table and the rules of breaks. Views of
// another version are rebuilt.
func FoldVersion() string {
	tables, err := json.Marshal([]any{statemachine.Statuses(), statemachine.Rules(), statemachine.Version})
	if err != nil {
		panic(err) // tables of texts and numbers
	}
	return fmt.Sprintf("%d.%x", decoderVersion, sha256.Sum256(tables))[:10]
}

// Log is what the projector reads.
type Log interface {
	Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
	Follow(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
	Get(ctx context.Context, sequence uint64) (eventlog.Record, error)
	Bounds(ctx context.Context) (eventlog.Bounds, error)
}

// Views is what the projector writes.
type Views interface {
	Checkpoint(ctx context.Context) (views.Checkpoint, error)
	Load(ctx context.Context, ids []string) (map[string]views.Entry, error)
	Commit(ctx context.Context, b views.Batch) error
	SetHealth(ctx context.Context, h views.Health) error
}

// Options configure a Projector. Log and Views are required.
type Options struct {
	Log       Log
	Views     Views
	BatchSize int                   // records of one transaction, at most; 0: 30,000
	HotOrders int                   // orders kept decoded between batches; 0: 4,000
	Logger    *zap.Logger           // nil: none
	Metrics   prometheus.Registerer // nil: none
}

// Projector folds the log into the views.
type Projector struct {
	options Options
	log     *zap.Logger
	metrics *metrics
	reason  atomic.Pointer[string] // why nothing is folded; nil: all is well
	folder  folder
}

// New returns a projector; Run starts it.
func New(o Options) *Projector {
	if o.BatchSize <= 0 {
		o.BatchSize = 30_000
	}
	if o.HotOrders <= 0 {
		o.HotOrders = 4_000
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Projector{options: o, log: o.Logger, metrics: newMetrics(o.Metrics), folder: folder{views: o.Views, hot: newHotOrders(o.HotOrders)}}
}

// Reason says why nothing is folded at the moment; "" when all is well.
func (p *Projector) Reason() string {
	if r := p.reason.Load(); r != nil {
		return *r
	}
	return ""
}

// Waits between attempts after a failure. A log that does not fit the views needs an operator, one that is away does not.
const (
	retryAfterOutage   = 250 * time.Millisecond
	retryAfterMismatch = 5 * time.Second
)

// Run folds until ctx ends, and returns nil then. Whatever goes wrong is told by Reason and in the views' health, and tried
// again from the views' own position: nothing is folded that does not follow on it.
func (p *Projector) Run(ctx context.Context) error {
	for {
		err := p.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, views.ErrSwitched) {
			p.folder.forget() // they were loaded from the generation before
			continue
		}
		wait := retryAfterOutage
		if mismatch(err) {
			wait = retryAfterMismatch
		}
		if !errors.Is(err, views.ErrNoViews) { // else the first generation is in the making
			p.failed(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// mismatch reports whether an operator is needed: the log does not fit the views, or lost records.
func mismatch(err error) bool { return misplaced(err) || errors.Is(err, eventlog.ErrLost) }

// misplaced reports whether the log does not fit the views.
func misplaced(err error) bool {
	var gap *eventlog.GapError
	return errors.Is(err, eventlog.ErrDiverged) || errors.Is(err, eventlog.ErrFuture) ||
		errors.Is(err, eventlog.ErrCompacted) || errors.As(err, &gap)
}

// because says why nothing is folded.
func because(err error) string {
	switch {
	case errors.Is(err, eventlog.ErrLost) && !misplaced(err):
		return "nothing is folded: " + err.Error() // whole: it says what to do
	case mismatch(err):
		return "the log does not fit the views, nothing is folded: " + err.Error()
	}
	return bounded(err.Error())
}

func (p *Projector) failed(ctx context.Context, err error) {
	reason := because(err)
	if p.Reason() != reason {
		p.log.Error("not folding", zap.String("reason", reason))
	}
	p.reason.Store(&reason)
	p.metrics.failures.Inc()
	p.folder.forget() // what a failed batch did to orders in memory is not in the views
	if err := p.options.Views.SetHealth(ctx, views.Health{Reason: reason, At: time.Now()}); err != nil && ctx.Err() == nil {
		p.log.Warn("the views cannot tell why nothing is folded", zap.Error(err))
	}
}

func (p *Projector) healthy(ctx context.Context) error {
	if err := p.options.Views.SetHealth(ctx, views.Health{At: time.Now()}); err != nil {
		return err
	}
	if p.reason.Swap(nil) != nil {
		p.log.Info("folding again")
	}
	return nil
}

// follow folds from the views' position on until something fails.
func (p *Projector) follow(ctx context.Context) error {
	c, err := p.options.Views.Checkpoint(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	after := eventlog.Position{Log: c.Log, Sequence: c.Sequence, Hash: c.Hash}
	if err := fits(ctx, p.options.Log, after); err != nil {
		return err
	}
	if err := p.healthy(ctx); err != nil {
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

// receive puts records into the inbox until there are no more. It returns the error that ended them.
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

// fits checks a position against the log without waiting for a record to come.
func fits(ctx context.Context, log Log, after eventlog.Position) error {
	for _, err := range log.Read(ctx, after) {
		return err
	}
	return ctx.Err()
}

// batchBytes is how much a batch may take of what was read, besides the orders that it changes.
const batchBytes = 40 << 20

// full reports whether a batch is to be written before anything is added to it.
func (p *Projector) full(m *making) bool {
	return m.records > 0 && m.records+parcelRecords > p.options.BatchSize || m.bytes >= batchBytes
}

// fold writes what is there, up to a batch, again and again. While a batch is being written the next one is made.
func (p *Projector) fold(ctx context.Context, in *inbox) error {
	var writing chan error // tells how that ended; nil: nothing is being written
	defer func() {
		if writing != nil {
			<-writing
		}
	}()
	next, end := new(making), error(nil)
	for {
		due := in.some
		switch {
		case end != nil || p.full(next):
			due = nil
		case writing != nil:
			due = in.full // what comes one by one is loaded together
		}
		select {
		case <-due:
		case err := <-writing:
			if writing = nil; err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if end == nil && !p.full(next) {
			var parcel parcel
			parcel, end = in.take()
			if err := p.folder.add(ctx, next, &parcel); err != nil {
				return err
			}
			in.giveBack(parcel.notifications)
		}
		if !next.finished && next.records > 0 && (writing == nil || p.full(next)) {
			p.folder.finish(next)
			if err := next.intake.batch.Freeze(); err != nil {
				return err
			}
		}
		if writing == nil && next.finished {
			writing = p.write(ctx, next)
			next = new(making)
		}
		if end != nil && writing == nil {
			return end
		}
	}
}

// write commits a batch, and tells how that ended.
func (p *Projector) write(ctx context.Context, m *making) chan error {
	b, ended := m.intake.batch, make(chan error, 1)
	go func() {
		begin := time.Now()
		err := p.options.Views.Commit(ctx, b)
		if err == nil {
			p.metrics.batch(m.records, len(b.Quarantined), m.taken, time.Since(begin))
			for _, q := range b.Quarantined {
				p.log.Warn("quarantined", zap.Uint64("sequence", q.Sequence), zap.String("class", q.Class), zap.String("reason", q.Reason))
			}
		}
		ended <- err
	}()
	return ended
}
