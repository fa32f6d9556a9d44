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
	"golang.org/x/sync/semaphore"
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
	Load(ctx context.Context, ids []string) (map[string]*statemachine.Order, error)
	Commit(ctx context.Context, b views.Batch) error
	SetHealth(ctx context.Context, h views.Health) error
}

// Options configure a Projector. Log and Views are required.
type Options struct {
	Log       Log
	Views     Views
	BatchSize int                   // records of one transaction, at most; 0: 4,000
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
		o.BatchSize = 4000
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
			p.folder.hot.clear() // they were loaded from the generation before
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
	p.folder.hot.clear() // what a failed batch did to orders in memory is not in the views
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
	records := make(chan read, p.options.BatchSize)
	room := semaphore.NewWeighted(waitingBytes)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(records)
		for r, err := range p.options.Log.Follow(ctx, after) {
			if room.Acquire(ctx, weight(&r)) != nil {
				return
			}
			select {
			case records <- read{r, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	defer func() { cancel(); <-done }()
	return p.fold(ctx, records, room)
}

// waitingBytes is how much of the log may wait in memory for its turn: bodies may be large.
const waitingBytes = 16 << 20

// weight is what a record takes of it.
func weight(r *eventlog.Record) int64 { return min(int64(len(r.Body))+1024, waitingBytes) }

// fits checks a position against the log without waiting for a record to come.
func fits(ctx context.Context, log Log, after eventlog.Position) error {
	for _, err := range log.Read(ctx, after) {
		return err
	}
	return ctx.Err()
}

type read struct {
	record eventlog.Record
	err    error
}

// fold writes what is there, up to a batch, again and again.
func (p *Projector) fold(ctx context.Context, records <-chan read, room *semaphore.Weighted) error {
	batch := make([]eventlog.Record, 0, p.options.BatchSize)
	for {
		var failure error
		batch, failure = gather(records, batch[:0])
		if len(batch) > 0 {
			if err := p.apply(ctx, batch); err != nil {
				return err
			}
		}
		for i := range batch {
			room.Release(weight(&batch[i]))
		}
		clear(batch) // holds the bodies
		if failure != nil {
			return failure
		}
	}
}

// gather waits for a record, then takes what else is there.
func gather(records <-chan read, batch []eventlog.Record) ([]eventlog.Record, error) {
	next, open := <-records
	for {
		switch {
		case !open:
			return batch, errors.New("projector: the log's reader ended")
		case next.err != nil:
			return batch, next.err
		}
		batch = append(batch, next.record)
		if len(batch) == cap(batch) {
			return batch, nil
		}
		select {
		case next, open = <-records:
		default:
			return batch, nil
		}
	}
}

func (p *Projector) apply(ctx context.Context, records []eventlog.Record) error {
	begin := time.Now()
	b, err := p.folder.fold(ctx, records)
	if err != nil {
		return err
	}
	folded := time.Now()
	if err := p.options.Views.Commit(ctx, b); err != nil {
		return err
	}
	p.metrics.batch(len(records), len(b.Quarantined), folded.Sub(begin), time.Since(folded))
	for _, q := range b.Quarantined {
		p.log.Warn("quarantined", zap.Uint64("sequence", q.Sequence), zap.String("class", q.Class), zap.String("reason", q.Reason))
	}
	return nil
}
