package projector

import (
	"context"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
)

// A fold that catches up takes more at a time than a live one, for nobody waits for a part of it.
const (
	catchUpRecords = 10_000
	catchUpBytes   = 8 << 20
	catchUpOrders  = 10_000
	// pacedRecords are few, so that a fold that is to leave room for others works in short strokes.
	pacedRecords = 500
	progressStep = 250 * time.Millisecond
)

// Phase is what a rebuild or an examination is doing.
type Phase string

// The phases, in their order; an examination does not index and switch, a rebuild compares only when it is a dry run.
const (
	Folding   Phase = "folding" // the log is read
	Writing   Phase = "writing" // the orders are put together and written
	Indexing  Phase = "indexing"
	Comparing Phase = "comparing"
	Switching Phase = "switching"
)

// Progress says how far a rebuild or an examination is. Records and Total count orders while it compares.
type Progress struct {
	Phase          Phase
	Records, Total uint64
	PerSecond      float64       // since the phase began
	Left           time.Duration // of the phase, as far as can be told; 0: not known
}

// pace leaves a share of the time to others. The zero value leaves none.
type pace struct{ share float64 }

// rest sleeps as long as it takes that the work was the share of the time. It returns the context's error.
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

// builder folds the log into a draft of views.
type builder struct {
	log    Log
	draft  *views.Draft
	pace   pace
	folder folder
	tell   func(Progress) // nil: nobody is told
	records,
	bytes int
	partOrders  int // of a fold in bulk
	told, begun time.Time
	from        uint64
}

func newBuilder(log Log, draft *views.Draft, share float64, tell func(Progress)) *builder {
	b := &builder{log: log, draft: draft, pace: pace{share}, tell: tell, records: catchUpRecords, bytes: catchUpBytes, partOrders: partOrders,
		folder: folder{views: draft, hot: newHotOrders(catchUpOrders)}}
	if share > 0 {
		b.records = pacedRecords
	}
	return b
}

// foldTo brings the draft to exactly that record. It returns the errors of the log.
func (b *builder) foldTo(ctx context.Context, until uint64) error {
	at, err := b.draft.Checkpoint(ctx)
	if err != nil || at.Sequence >= until {
		return err
	}
	b.begun, b.from = time.Now(), at.Sequence
	if at.Sequence == 0 {
		return b.bulk(ctx, until)
	}
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan cut, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(batches)
		b.read(ctx, eventlog.Position{Log: at.Log, Sequence: at.Sequence, Hash: at.Hash}, until, batches)
	}()
	defer func() { cancel(); <-done }()
	for batch := range batches {
		if batch.err != nil {
			return batch.err
		}
		if err := b.apply(ctx, batch.records, until); err != nil {
			return err
		}
		if batch.records[len(batch.records)-1].Sequence >= until {
			return nil
		}
	}
	if at, err = b.draft.Checkpoint(ctx); err != nil {
		return err
	}
	if at, err = b.pass(ctx, at, until); err != nil {
		return err
	}
	return b.draft.Commit(ctx, views.Batch{Checkpoint: at})
}

// pass returns the place after the record until, when that record and all between it and a place that was reached are missing
// from the log, and their loss was accepted.
func (b *builder) pass(ctx context.Context, at views.Checkpoint, until uint64) (views.Checkpoint, error) {
	bounds, err := b.log.Bounds(ctx)
	if err != nil {
		return at, err
	}
	if bounds.Lost != "" || until > bounds.Last || bounds.Missing.Between(at.Sequence, until) != until-at.Sequence {
		return at, fmt.Errorf("projector: the log ended at record %d, before record %d", at.Sequence, until)
	}
	return views.Checkpoint{Log: bounds.Log, Sequence: until, Received: at.Received}, nil
}

// complete makes the draft fit to be served.
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

// cut is a piece of the log.
type cut struct {
	records []eventlog.Record
	err     error
}

// read cuts the log into batches. The last one it sends may hold an error and nothing else.
func (b *builder) read(ctx context.Context, after eventlog.Position, until uint64, to chan<- cut) {
	var next cut
	size := 0
	send := func() bool {
		select {
		case to <- next:
			next, size = cut{records: make([]eventlog.Record, 0, min(b.records, len(next.records)+16))}, 0
			return true
		case <-ctx.Done():
			return false
		}
	}
	for r, err := range b.log.Read(ctx, after) {
		if err != nil {
			next = cut{err: err}
			send()
			return
		}
		if r.Sequence > until { // which is missing
			break
		}
		next.records = append(next.records, r)
		size += len(r.Body)
		last := r.Sequence >= until
		if (last || len(next.records) >= b.records || size >= b.bytes) && !send() || last {
			return
		}
	}
	if len(next.records) > 0 {
		send()
	}
}

func (b *builder) apply(ctx context.Context, records []eventlog.Record, until uint64) error {
	begin := time.Now()
	batch, err := b.folder.fold(ctx, records)
	if err != nil {
		return err
	}
	if err := b.draft.Commit(ctx, batch); err != nil {
		return err
	}
	b.progress(Folding, batch.Checkpoint.Sequence, until)
	return b.pace.rest(ctx, time.Since(begin))
}

// progress tells how far a phase is, now and then and at its end.
func (b *builder) progress(phase Phase, at, total uint64) {
	if b.tell == nil || time.Since(b.told) < progressStep && at < total {
		return
	}
	b.told = time.Now()
	p := Progress{Phase: phase, Records: at, Total: total}
	if taken := time.Since(b.begun).Seconds(); taken > 0 && at > b.from {
		p.PerSecond = float64(at-b.from) / taken
		p.Left = time.Duration(float64(total-at) / p.PerSecond * float64(time.Second))
	}
	b.tell(p)
}
