package projector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"
)

var (
	// ErrRunning: a rebuild runs already.
	ErrRunning = errors.New("projector: a rebuild runs already")
	// ErrNotRunning: no rebuild runs.
	ErrNotRunning = errors.New("projector: no rebuild runs")
	// ErrHeldBack: an operator is needed before anything is folded; the error that is one says why.
	ErrHeldBack = errors.New("projector: held back")
)

// Mode is what a rebuild is for.
type Mode string

// The modes.
const (
	Full     Mode = "rebuild"  // make a new generation and serve it
	DryRun   Mode = "dry-run"  // make it, say which orders would change, and throw it away
	Rollback Mode = "rollback" // catch the previous generation up and serve that
)

// Rebuild is one rebuild, running or ended.
type Rebuild struct {
	Mode           Mode
	Started, Ended time.Time // Ended is zero while it runs
	Progress       Progress
	Generation     int            // served since; 0: none
	Bytes          int64          // of the new generation's file
	Found          views.Findings // of a dry run
	Err            error          // why it ended without result; context.Canceled when it was cancelled
	Before         error          // why the one before it, of the same mode, failed, if it did
}

// Generations are the views, as a rebuild changes them.
type Generations interface {
	Checkpoint(ctx context.Context) (views.Checkpoint, error)
	Previous(ctx context.Context) (*views.Draft, error)
	Promote(ctx context.Context, d *views.Draft, catchUp func(ctx context.Context, until uint64) error) (generation int, err error)
}

// Rebuilder makes the views anew beside the live ones, one rebuild at a time. Log, Views and Dir are required.
type Rebuilder struct {
	Log     Log
	Views   Generations
	Dir     string                // of the views
	Tell    func(Progress)        // nil: nobody is told
	Logger  *zap.Logger           // nil: none
	Metrics prometheus.Registerer // nil: none

	mu      sync.Mutex
	current *Rebuild
	cancel  context.CancelFunc
	running sync.WaitGroup
	measure sync.Once
	gauges  struct{ running, records, total, rate prometheus.Gauge }
}

// Start begins a rebuild, which goes on until it has ended, is cancelled, or ctx ends. It returns ErrRunning.
func (r *Rebuilder) Start(ctx context.Context, mode Mode) (Rebuild, error) {
	r.measure.Do(r.register)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current != nil && r.current.Ended.IsZero() {
		return *r.current, ErrRunning
	}
	ctx, r.cancel = context.WithCancel(ctx)
	next := &Rebuild{Mode: mode, Started: time.Now(), Progress: Progress{Phase: Folding}}
	if before := r.current; before != nil && before.Mode == mode && !errors.Is(before.Err, context.Canceled) {
		next.Before = before.Err
	}
	r.current = next
	r.running.Go(func() { r.run(ctx, mode) })
	return *r.current, nil
}

func (r *Rebuilder) register() {
	f := promauto.With(r.Metrics)
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: "orderfold_rebuild_" + name, Help: help})
	}
	r.gauges.running = gauge("running", "1 while the views are rebuilt, else 0.")
	r.gauges.records = gauge("records", "Records that the running rebuild, or the last one, has folded.")
	r.gauges.total = gauge("records_due", "Records that it has to fold.")
	r.gauges.rate = gauge("records_per_second", "Records it folds per second.")
	if r.Logger == nil {
		r.Logger = zap.NewNop()
	}
}

// Current returns the rebuild that runs, or the last one; ok is false when there was none since the process began.
func (r *Rebuilder) Current() (b Rebuild, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		return Rebuild{}, false
	}
	return *r.current, true
}

// Cancel ends the rebuild that runs and returns when nothing of it is left. It returns ErrNotRunning.
func (r *Rebuilder) Cancel() (Rebuild, error) {
	if b, ok := r.Current(); !ok || !b.Ended.IsZero() {
		return b, ErrNotRunning
	}
	r.cancel()
	return r.Wait(), nil
}

// Wait returns the rebuild when it has ended.
func (r *Rebuilder) Wait() Rebuild {
	r.running.Wait()
	b, _ := r.Current()
	return b
}

// Begin makes the first generation at once when there is none and the log is empty, so that a new service is ready from the
// beginning. Otherwise it does nothing.
func (r *Rebuilder) Begin(ctx context.Context) (err error) {
	if _, err := r.Views.Checkpoint(ctx); !errors.Is(err, views.ErrNoViews) {
		return err
	}
	for _, err := range r.Log.Read(ctx, eventlog.Position{}) {
		_ = err // Run makes the generation, or says why it cannot
		return nil
	}
	draft, err := views.NewDraft(ctx, r.Dir, FoldVersion())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	if err := draft.Complete(ctx, 0); err != nil {
		return err
	}
	_, err = r.Views.Promote(ctx, draft, nil)
	return err
}

// The pause between two looks whether there is a generation, and between two attempts to make one. It doubles from the shorter to
// the longer one while an operator is needed: a log with a hole is read up to it each time.
const (
	shortestPause = time.Second
	longestPause  = time.Minute
)

// Run makes a generation whenever there is none: at the beginning, and after the live one was found damaged. When ctx ends it
// waits until what was started has ended, too; all that is started must get the same ctx.
func (r *Rebuilder) Run(ctx context.Context) error {
	defer r.Wait()
	made := time.Time{}
	for pause := shortestPause; ; {
		wait := shortestPause
		if _, err := r.Views.Checkpoint(ctx); errors.Is(err, views.ErrNoViews) {
			if _, err := r.Start(ctx, Full); err == nil {
				err = r.Wait().Err
				if mismatch(err) || err == nil && time.Since(made) < longestPause {
					pause = min(2*pause, longestPause) // a disk that spoils whatever it is given needs an operator, too
				} else {
					pause = shortestPause
				}
				if err == nil {
					made = time.Now()
				}
				wait = pause
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

func (r *Rebuilder) run(ctx context.Context, mode Mode) {
	defer r.cancel()
	r.gauges.running.Set(1)
	r.Logger.Info("the views are rebuilt", zap.String("mode", string(mode)))
	var err error
	if mode == Rollback {
		err = r.rollback(ctx)
	} else {
		err = r.rebuild(ctx, mode)
	}
	if ctx.Err() != nil && err != nil {
		err = context.Canceled
	}
	if mismatch(err) {
		err = &heldBack{err}
	}
	r.gauges.running.Set(0)
	r.mu.Lock()
	r.current.Err, r.current.Ended = err, time.Now()
	b := *r.current
	r.mu.Unlock()
	fields := []zap.Field{zap.String("mode", string(mode)), zap.Duration("taken", b.Ended.Sub(b.Started))}
	if err != nil {
		r.Logger.Warn("the rebuild ended without result", append(fields, zap.Error(err))...)
		return
	}
	r.Logger.Info("the rebuild has ended", append(fields, zap.Uint64("records", b.Progress.Total), zap.Int("generation", b.Generation))...)
}

// heldBack is an error after which an operator is needed, in the words that the projector has for it.
type heldBack struct{ error }

func (h *heldBack) Error() string        { return because(h.error) }
func (h *heldBack) Is(target error) bool { return target == ErrHeldBack }
func (h *heldBack) Unwrap() error        { return h.error }

func (r *Rebuilder) tell(p Progress) {
	r.mu.Lock()
	if p.Phase == Folding || p.Phase == Writing || r.current.Mode == DryRun {
		r.current.Progress = p
	} else {
		r.current.Progress.Phase, r.current.Progress.Left = p.Phase, p.Left
	}
	r.mu.Unlock()
	if p.Phase == Folding {
		r.gauges.records.Set(float64(p.Records))
		r.gauges.total.Set(float64(p.Total))
		r.gauges.rate.Set(p.PerSecond)
	}
	if r.Tell != nil {
		r.Tell(p)
	}
}

func (r *Rebuilder) rebuild(ctx context.Context, mode Mode) (err error) {
	defer collectLess()()
	draft, err := views.NewDraft(ctx, r.Dir, FoldVersion())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	b := newBuilder(r.Log, draft, 0, r.tell)
	if mode == DryRun {
		found, err := compare(ctx, b, r.Dir)
		if err != nil {
			return err
		}
		size, err := draft.Size()
		r.result(func(current *Rebuild) { current.Found, current.Bytes = found, size })
		return err
	}
	return r.promote(ctx, b)
}

func (r *Rebuilder) rollback(ctx context.Context) (err error) {
	draft, err := r.Views.Previous(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	return r.promote(ctx, newBuilder(r.Log, draft, 0, r.tell))
}

// promote folds until the draft is near the live views, completes it, follows again, and switches.
func (r *Rebuilder) promote(ctx context.Context, b *builder) error {
	if err := fits(ctx, r.Log, eventlog.Position{}); err != nil { // an empty log is not read otherwise
		return err
	}
	if err := b.near(ctx, r.position); err != nil {
		return err
	}
	r.tell(Progress{Phase: Indexing})
	if err := b.complete(ctx); err != nil {
		return err
	}
	size, err := b.draft.Size()
	if err != nil {
		return err
	}
	if err := b.near(ctx, r.position); err != nil { // what came while it was indexed
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.tell(Progress{Phase: Switching})
	n, err := r.Views.Promote(ctx, b.draft, b.hurry)
	if err != nil {
		return fmt.Errorf("projector: switch: %w", err)
	}
	r.result(func(current *Rebuild) { current.Generation, current.Bytes = n, size })
	return nil
}

func (r *Rebuilder) position(ctx context.Context) (uint64, error) {
	at, err := r.Views.Checkpoint(ctx)
	if errors.Is(err, views.ErrNoViews) {
		bounds, err := r.Log.Bounds(ctx)
		return bounds.Last, err
	}
	return at.Sequence, err
}

func (r *Rebuilder) result(set func(*Rebuild)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set(r.current)
}
