package rebuild

import (
	"context"
	"sync"
	"time"

	"github.com/orderfold/orderfold/projector/views"
)

// Mode is the purpose of a rebuild.
type Mode string

// The modes.
const (
	Full     Mode = "rebuild"  // make a new generation and serve it
	DryRun   Mode = "dry-run"  // make one, report which orders would change, and remove it
	Rollback Mode = "rollback" // bring the previous generation up to date and serve it
)

// Rebuild is one rebuild, running or ended.
type Rebuild struct {
	Mode           Mode
	Started, Ended time.Time // Ended is zero while it runs
	Progress       Progress
	Generation     int            // the generation made live; 0: none
	Bytes          int64          // of the new generation's file
	Found          views.Findings // of a dry run
	Err            error          // why it ended without a result; context.Canceled if cancelled
	Before         error          // the error of the previous rebuild of the same mode, if it failed
}

// Run is one rebuild from its start to its end. With it a caller can observe this rebuild, cancel
// it and wait for it, even if others are started afterwards.
type Run struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed after everything of it was removed

	mu  sync.Mutex
	now Rebuild
}

// start runs work, which returns the last state of the run. cancel, or the end of ctx, ends the ctx
// of work.
func start(ctx context.Context, first Rebuild, work func(context.Context, *Run) (last Rebuild)) *Run {
	r := &Run{ended: make(chan struct{}), now: first}
	ctx, r.cancel = context.WithCancel(ctx)
	go func() {
		defer r.cancel()
		last := work(ctx, r)
		r.change(func(now *Rebuild) { *now = last })
		close(r.ended)
	}()
	return r
}

// Rebuild returns the state of the run.
func (r *Run) Rebuild() Rebuild {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// Wait returns the result of the run after everything else of it was removed.
func (r *Run) Wait() Rebuild {
	<-r.ended
	return r.Rebuild()
}

// Cancel ends the run and returns like Wait. A run that already has its result keeps it.
func (r *Run) Cancel() Rebuild {
	r.cancel()
	return r.Wait()
}

func (r *Run) change(f func(now *Rebuild)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.now)
}
