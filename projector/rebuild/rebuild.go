package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"
)

var (
	// ErrRunning occurs when a rebuild is started while another one is running, which continues.
	ErrRunning = errors.New("projector: a rebuild runs already")
	// ErrNotRunning occurs when a rebuild is cancelled while none is running. Nothing was changed.
	ErrNotRunning = errors.New("projector: no rebuild runs")
)

// Generations is the interface to the views for a rebuild.
type Generations interface {
	Checkpoint(ctx context.Context) (views.Checkpoint, error)
	Previous(ctx context.Context) (*views.Draft, error)
	BeginPromotion() (*views.Promotion, error)
}

// Rebuilder makes the views again beside the live ones, one rebuild at a time. Log, Views and Dir
// are required.
type Rebuilder struct {
	Log     Log
	Views   Generations
	Dir     string                // of the views
	Report  func(Progress)        // called with the progress of every rebuild; nil: not called
	Logger  *zap.Logger           // nil: none
	Metrics prometheus.Registerer // nil: none
	// Fetch writes a finished generation of another machine, which becomes the first one here. It is
	// called once, and again only if the log was unavailable when the copy was checked. Nil: there is
	// none to fetch.
	Fetch func(ctx context.Context, w io.Writer) error

	fetched bool // only the running run changes it
	mu      sync.Mutex
	current *Run // the running one, or the last one; nil: there was none
	measure sync.Once
	gauges  struct{ running, records, total, rate prometheus.Gauge }
}

// Start begins a rebuild, which runs until it has its result, is cancelled, or ctx ends. With
// ErrRunning it returns the running rebuild.
func (r *Rebuilder) Start(ctx context.Context, mode Mode) (*Run, error) {
	r.measure.Do(r.register)
	r.mu.Lock()
	defer r.mu.Unlock()
	// A caller that waits for the last run after ctx ends must not miss this run.
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("projector: nothing is rebuilt any more: %w", err)
	}
	next := Rebuild{Mode: mode, Started: time.Now(), Progress: Progress{Phase: Folding}}
	if r.current != nil {
		before := r.current.Rebuild()
		if before.Ended.IsZero() {
			return r.current, ErrRunning
		}
		if before.Mode == mode && !errors.Is(before.Err, context.Canceled) {
			next.Before = before.Err
		}
	}
	r.current = start(ctx, next, r.run)
	return r.current, nil
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

// Current returns the running rebuild, or the last one. ok is false if there was none since the
// process began.
func (r *Rebuilder) Current() (b Rebuild, ok bool) {
	run := r.last()
	if run == nil {
		return Rebuild{}, false
	}
	return run.Rebuild(), true
}

func (r *Rebuilder) last() *Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// Cancel ends the running rebuild and returns after everything of it was removed. It returns
// ErrNotRunning.
func (r *Rebuilder) Cancel() (Rebuild, error) {
	run := r.last()
	if run == nil {
		return Rebuild{}, ErrNotRunning
	}
	if b := run.Rebuild(); !b.Ended.IsZero() {
		return b, ErrNotRunning
	}
	return run.Cancel(), nil
}

// Begin makes the first generation at once if there is none and the log is empty, so that a new
// service is ready from the beginning. Otherwise it does nothing.
func (r *Rebuilder) Begin(ctx context.Context) (err error) {
	if _, err := r.Views.Checkpoint(ctx); !errors.Is(err, views.ErrNoViews) {
		return err
	}
	for _, err := range r.Log.Read(ctx, eventlog.Position{}) {
		_ = err // Run makes the generation, or reports why it cannot
		return nil
	}
	draft, err := views.NewDraft(ctx, r.Dir, decode.FoldVersion())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	if err := draft.Complete(ctx, 0); err != nil {
		return err
	}
	p, err := r.Views.BeginPromotion()
	if err != nil {
		return err
	}
	defer p.End()
	_, err = p.Promote(ctx, draft)
	return err
}

// The pause between two checks for a generation, and between two attempts to make one. It doubles
// from the shorter to the longer one while an operator is needed, because each attempt reads a log
// with a hole up to the hole.
const (
	shortestPause = time.Second
	longestPause  = time.Minute
)

// Run makes a generation whenever there is none: at the beginning, and after the live one was found
// damaged. When ctx ends, Run also waits for the end of every rebuild that was started. All must be
// started with the same ctx.
func (r *Rebuilder) Run(ctx context.Context) error {
	defer func() {
		if run := r.last(); run != nil {
			run.Wait()
		}
	}()
	made := time.Time{}
	for pause := shortestPause; ; {
		wait := shortestPause
		if _, err := r.Views.Checkpoint(ctx); errors.Is(err, views.ErrNoViews) {
			if run, err := r.Start(ctx, Full); err == nil {
				err = run.Wait().Err
				if fold.NeedsOperator(err) || err == nil && time.Since(made) < longestPause {
					pause = min(2*pause, longestPause) // a disk that damages every file needs an operator, too
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

// run does the work of a run and returns its last state.
func (r *Rebuilder) run(ctx context.Context, run *Run) Rebuild {
	mode, before := run.Rebuild().Mode, run.Rebuild().Before
	again := errors.Is(before, eventlog.ErrUnavailable) // each second, while the log is unavailable
	r.gauges.running.Set(1)
	if !again {
		r.Logger.Info("the views are rebuilt", zap.String("mode", string(mode)))
	}
	var err error
	if mode == Rollback {
		err = r.rollback(ctx, run)
	} else {
		err = r.rebuild(ctx, run, mode)
	}
	if ctx.Err() != nil && err != nil {
		err = context.Canceled
	}
	err = fold.HoldBack(err)
	r.gauges.running.Set(0)
	b := run.Rebuild()
	b.Err, b.Ended = err, time.Now()
	fields := []zap.Field{zap.String("mode", string(mode)), zap.Duration("taken", b.Ended.Sub(b.Started))}
	switch {
	case err != nil && again && err.Error() == before.Error():
	case err != nil:
		r.Logger.Warn("the rebuild ended without result", append(fields, zap.Error(err))...)
	default:
		r.Logger.Info("the rebuild has ended", append(fields, zap.Uint64("records", b.Progress.Total), zap.Int("generation", b.Generation))...)
	}
	return b
}

// reporter returns a function that records the progress of the run.
func (r *Rebuilder) reporter(run *Run) func(Progress) {
	return func(p Progress) {
		run.change(func(now *Rebuild) {
			if p.Phase == Folding || p.Phase == Writing || now.Mode == DryRun {
				now.Progress = p
			} else {
				now.Progress.Phase, now.Progress.Left = p.Phase, p.Left
			}
		})
		r.report(p)
	}
}

func (r *Rebuilder) report(p Progress) {
	if p.Phase == Folding {
		r.gauges.records.Set(float64(p.Records))
		r.gauges.total.Set(float64(p.Total))
		r.gauges.rate.Set(p.PerSecond)
	}
	if r.Report != nil {
		r.Report(p)
	}
}

func (r *Rebuilder) rebuild(ctx context.Context, run *Run, mode Mode) (err error) {
	draft, err := r.draft(ctx, run, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	b := newBuilder(r.Log, draft, 0, r.reporter(run))
	if mode == DryRun {
		found, err := compare(ctx, b, r.Dir)
		if err != nil {
			return err
		}
		size, err := draft.Size()
		run.change(func(now *Rebuild) { now.Found, now.Bytes = found, size })
		return err
	}
	return r.promote(ctx, run, b)
}

func (r *Rebuilder) rollback(ctx context.Context, run *Run) (err error) {
	draft, err := r.Views.Previous(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	return r.promote(ctx, run, newBuilder(r.Log, draft, 0, r.reporter(run)))
}

// promote folds until the draft is near the live views, completes it, folds the records that
// arrived meanwhile, and switches.
func (r *Rebuilder) promote(ctx context.Context, run *Run, b *builder) error {
	// This check is the only read of an empty log.
	if err := fold.Fits(ctx, r.Log, eventlog.Position{}); err != nil {
		return err
	}
	if err := b.near(ctx, r.position); err != nil {
		return err
	}
	b.report(Progress{Phase: Indexing})
	if err := b.complete(ctx); err != nil {
		return err
	}
	size, err := b.draft.Size()
	if err != nil {
		return err
	}
	if err := b.near(ctx, r.position); err != nil { // the records that arrived during indexing
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.report(Progress{Phase: Switching})
	n, err := r.switchTo(ctx, b)
	if err != nil {
		return fmt.Errorf("projector: switch: %w", err)
	}
	run.change(func(now *Rebuild) { now.Generation, now.Bytes = n, size })
	return nil
}

// switchTo brings the draft to the position of the live generation, and makes it live.
func (r *Rebuilder) switchTo(ctx context.Context, b *builder) (generation int, err error) {
	p, err := r.Views.BeginPromotion()
	if err != nil {
		return 0, err
	}
	defer p.End()
	if err := b.hurry(ctx, p.Until()); err != nil {
		return 0, err
	}
	return p.Promote(ctx, b.draft)
}

func (r *Rebuilder) position(ctx context.Context) (uint64, error) {
	at, err := r.Views.Checkpoint(ctx)
	if errors.Is(err, views.ErrNoViews) {
		bounds, err := r.Log.Bounds(ctx)
		return bounds.Last, err
	}
	return at.Sequence, err
}
