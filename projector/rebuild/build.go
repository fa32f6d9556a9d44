package rebuild

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"golang.org/x/sync/errgroup"
)

// A fold that catches up takes more at a time than a live one, because nobody waits for part of it.
const (
	catchUpRecords = 10_000
	catchUpBytes   = 8 << 20
	catchUpOrders  = 10_000
	// pacedRecords is small, so that a fold that leaves time for others works in short strokes.
	pacedRecords = 500
	progressStep = 250 * time.Millisecond
	// partOrders is the number of orders in a part of a fold in bulk, and in a transaction that
	// writes them.
	partOrders = 2048
)

// Phase is the present activity of a rebuild or an examination.
type Phase string

// The phases, in order. Only the first generation is copied. An examination neither indexes nor
// switches. A rebuild compares only as a dry run.
const (
	Copying   Phase = "copying" // a generation of another machine is fetched
	Folding   Phase = "folding" // the log is read
	Writing   Phase = "writing" // the orders are put together and written
	Indexing  Phase = "indexing"
	Comparing Phase = "comparing"
	Switching Phase = "switching"
)

// Progress is the progress of a rebuild or an examination. While it compares, Records and Total
// count orders.
type Progress struct {
	Phase          Phase
	Records, Total uint64
	PerSecond      float64       // since the phase began
	Left           time.Duration // of the phase, by the rate so far; 0: not known
}

// pace leaves a share of the time to others. The zero value leaves none.
type pace struct{ share float64 }

// rest sleeps until the work took no more than its share of the time that passed. It returns the
// context's error.
func (p pace) rest(ctx context.Context, worked time.Duration) error {
	if p.share <= 0 || p.share >= 1 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration(float64(worked) * (1/p.share - 1)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// Log is the log that is folded.
type Log interface {
	Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
	Bounds(ctx context.Context) (eventlog.Bounds, error)
}

// builder folds the log into a draft of views.
type builder struct {
	log             Log
	draft           *views.Draft
	pace            pace
	batcher         *fold.Batcher
	report          func(Progress) // nil: not called
	batches         batches        // of a fold that is not in bulk
	partOrders      int            // of a fold in bulk
	reported, begun time.Time
	from            uint64
}

func newBuilder(log Log, draft *views.Draft, share float64, report func(Progress)) *builder {
	b := &builder{log: log, draft: draft, pace: pace{share}, report: report, batches: batches{catchUpRecords, catchUpBytes}, partOrders: partOrders,
		batcher: fold.NewBatcher(draft, catchUpOrders)}
	if share > 0 {
		b.batches.records = pacedRecords
	}
	return b
}

// pass returns the position after the record until if that record and all records after the
// position at are missing from the log, and their loss was accepted.
func (b *builder) pass(ctx context.Context, at views.Checkpoint, until uint64) (views.Checkpoint, error) {
	bounds, err := b.log.Bounds(ctx)
	if err != nil {
		return at, err
	}
	if bounds.Lost != nil || until > bounds.Last || bounds.Missing.Between(at.Sequence, until) != until-at.Sequence {
		return at, fmt.Errorf("projector: the log ended at record %d, before record %d", at.Sequence, until)
	}
	return views.Checkpoint{Log: bounds.Log, Sequence: until, Received: at.Received}, nil
}

// complete makes the draft ready to be served.
func (b *builder) complete(ctx context.Context) error {
	at, err := b.draft.Checkpoint(ctx)
	if err != nil {
		return err
	}
	bounds, err := b.log.Bounds(ctx)
	if err != nil {
		return err
	}
	return b.draft.Complete(ctx, bounds.Missing.Between(0, at.Sequence))
}

// batches bounds the records that are read at a time.
type batches struct{ records, bytes int }

// read reads the log after a position, up to and including the record until if it exists, and calls
// take with the records in batches. It reads ahead. It returns the errors of the log and of take.
func (b *builder) read(ctx context.Context, after eventlog.Position, until uint64, bounds batches,
	take func(context.Context, []eventlog.Record) error) error {
	group, ctx := errgroup.WithContext(ctx)
	to := make(chan []eventlog.Record, 1)
	group.Go(func() error {
		defer close(to)
		return b.divide(ctx, after, until, bounds, to)
	})
	group.Go(func() error {
		for batch := range to {
			if err := take(ctx, batch); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// divide sends the records that it reads.
func (b *builder) divide(ctx context.Context, after eventlog.Position, until uint64, bounds batches, to chan<- []eventlog.Record) error {
	var batch []eventlog.Record
	size := 0
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case to <- batch:
			batch, size = make([]eventlog.Record, 0, len(batch)), 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for r, err := range b.log.Read(ctx, after) {
		if err != nil {
			return err
		}
		if r.Sequence > until { // the log lost the record until
			break
		}
		batch = append(batch, r)
		size += len(r.Body)
		if r.Sequence == until {
			break
		}
		if len(batch) >= bounds.records || size >= bounds.bytes {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

func (b *builder) apply(ctx context.Context, records []eventlog.Record, until uint64) error {
	begin := time.Now()
	batch, err := b.batcher.Fold(ctx, records)
	if err != nil {
		return err
	}
	changes := batch.Changes()
	held, err := b.draft.Commit(ctx, *changes)
	if err != nil {
		return err
	}
	batch.Committed(held)
	b.progress(Folding, changes.Checkpoint.Sequence, until)
	return b.pace.rest(ctx, time.Since(begin))
}

// progress reports the progress of a phase, every quarter of a second and at its end.
func (b *builder) progress(phase Phase, at, total uint64) {
	if b.report == nil || time.Since(b.reported) < progressStep && at < total {
		return
	}
	b.reported = time.Now()
	p := Progress{Phase: phase, Records: at, Total: total}
	if taken := time.Since(b.begun).Seconds(); taken > 0 && at > b.from {
		p.PerSecond = float64(at-b.from) / taken
		p.Left = time.Duration(float64(total-at) / p.PerSecond * float64(time.Second))
	}
	b.report(p)
}
