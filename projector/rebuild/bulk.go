package rebuild

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// The fold in bulk. The orders of a large log do not fit into memory, and the records of each order
// are spread over the log. So the log is read once, and its content is distributed, by order, over
// parts that do fit: orders that arrived one after the other are in the same part. Each part is
// folded by itself, every order once, and the parts are written in sequence. So orders are written
// by first arrival, as in live views. (One in some hundred thousand orders has the same hash as
// another one and comes too early. This does no harm: the order of arrival only keeps orders that
// arrived together near each other.)
const (
	partBytes  = 2 << 20  // or this many bytes before the next part begins; its orders may add more
	foldBytes  = 12 << 20 // of parts being folded or waiting; in memory they take ten times as much
	bulkBatch  = 4096     // content not about orders, in one transaction
	dealtBatch = 500      // records that are handed over at a time
	dealtBytes = 4 << 20  // or about this many bytes
)

// bulkFold is one fold in bulk of an empty draft.
type bulkFold struct {
	*builder
	dir   string
	until uint64
	dealt uint64 // records about orders
	done  uint64 // those that are written

	parts []*spill
	homes homes // index in parts of each order; orders with the same hash share it
	seed  maphash.Seed
	last  int // orders in the last part

	decoder decode.Decoder
	encoded []byte // reused from record to record
}

// bulk folds the log, from its beginning up to exactly the record until, into an empty draft.
func (b *builder) bulk(ctx context.Context, until uint64) (err error) {
	dir, err := os.MkdirTemp(b.draft.Folder(), "parts-")
	if err != nil {
		return fmt.Errorf("projector: fold in bulk: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f := &bulkFold{builder: b, dir: dir, until: until, seed: maphash.MakeSeed()}
	at, err := f.deal(ctx)
	if err != nil {
		return err
	}
	f.homes = homes{}
	b.begun, b.from = time.Now(), 0
	if err := f.fold(ctx, at); err != nil {
		return err
	}
	threads := views.SortThreads
	if b.pace.share > 0 {
		threads = 0 // threads do not rest, and the driver leaks some 270 bytes for each
	}
	return b.draft.IndexIDs(ctx, threads)
}

// deal reads the log and distributes the notifications over the parts. It writes content that is
// not about orders into the draft at once.
func (f *bulkFold) deal(ctx context.Context) (at views.Checkpoint, err error) {
	stroke := f.stroke()
	in := fold.NewIntake()
	var reached views.Checkpoint
	err = f.read(ctx, eventlog.Position{}, f.until, batches{dealtBatch, dealtBytes}, func(ctx context.Context, batch []eventlog.Record) error {
		for i := range batch {
			if err := f.dealRecord(&batch[i], in); err != nil {
				return err
			}
		}
		last := &batch[len(batch)-1]
		if last.Sequence == f.until || len(in.Batch.Objects)+len(in.Batch.Quarantined) >= bulkBatch {
			at = fold.CheckpointAfter(last)
			in.Batch.Checkpoint = at
			if _, err := f.draft.Commit(ctx, in.Batch); err != nil {
				return err
			}
			in = fold.NewIntake()
		}
		reached.Sequence, reached.Received = last.Sequence, last.Received
		f.progress(Folding, last.Sequence, f.until)
		return stroke.rest(ctx)
	})
	if err != nil || reached.Sequence == f.until {
		return at, err
	}
	if at, err = f.pass(ctx, reached, f.until); err != nil {
		return at, err
	}
	in.Batch.Checkpoint = at
	_, err = f.draft.Commit(ctx, in.Batch)
	return at, err
}

// dealRecord adds a notification to the part of its order, and any other content of the record to
// the intake.
func (f *bulkFold) dealRecord(r *eventlog.Record, in *fold.Intake) (err error) {
	n, ok := in.Take(&f.decoder, r)
	if !ok {
		return nil
	}
	if f.encoded, err = n.AppendBinary(f.encoded[:0]); err != nil {
		return err
	}
	f.dealt++
	return f.part(n.OrderID).write(f.encoded)
}

// part returns the part of an order. A new order gets the last part, or a new one when that is
// full.
func (f *bulkFold) part(id string) *spill {
	next := len(f.parts) - 1
	if next < 0 || f.last >= f.partOrders || f.parts[next].bytes >= partBytes {
		next++
	}
	home, known := f.homes.of(maphash.String(f.seed, id), next)
	if home == len(f.parts) {
		f.parts = append(f.parts, &spill{path: filepath.Join(f.dir, fmt.Sprint("part-", home))})
		f.last = 0
	}
	if !known {
		f.last++
	}
	return f.parts[home]
}

// folding is a part while it is folded.
type folding struct {
	rows chan []views.Row // gets nil if the fold fails
	room int64            // bytes, of foldBytes
}

// fold folds as many parts concurrently as there is room for, and writes them in sequence.
func (f *bulkFold) fold(ctx context.Context, at views.Checkpoint) error {
	all, orders := int64(foldBytes), f.partOrders
	if f.pace.share > 0 {
		all, orders = 1, pacedRecords // one after the other
	}
	room := semaphore.NewWeighted(all)
	group, ctx := errgroup.WithContext(ctx)
	parts := make(chan folding, len(f.parts))
	group.Go(func() error {
		defer close(parts)
		for _, part := range f.parts {
			p := folding{make(chan []views.Row, 1), min(part.bytes, all)}
			if err := room.Acquire(ctx, p.room); err != nil {
				return err
			}
			parts <- p
			group.Go(func() error {
				rows, err := f.foldPart(ctx, part)
				p.rows <- rows
				return err
			})
		}
		return nil
	})
	group.Go(func() error {
		for p := range parts {
			for rows := range slices.Chunk(<-p.rows, orders) {
				if err := f.write(ctx, rows, at); err != nil {
					return err
				}
			}
			room.Release(p.room)
		}
		return ctx.Err()
	})
	return group.Wait()
}

// foldPart returns the orders of a part, sorted by their first arrival, and removes the part.
func (f *bulkFold) foldPart(ctx context.Context, part *spill) ([]views.Row, error) {
	stroke := f.stroke()
	orders := map[string]*views.Change{}
	var arrived []*views.Change
	var n statemachine.Notification
	for encoded, err := range part.read() {
		if err == nil {
			err = n.Decode(encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("projector: fold a part: %w", err)
		}
		ch := orders[n.OrderID]
		if ch == nil {
			ch = &views.Change{Order: &statemachine.Order{ID: n.OrderID}, Sequences: make([]uint64, 0, 8)}
			orders[n.OrderID] = ch
			arrived = append(arrived, ch)
		}
		ch.Order.Apply(&n)
		ch.Sequences = append(ch.Sequences, n.Sequence)
		if stroke.over() {
			if err := stroke.rest(ctx); err != nil {
				return nil, err
			}
		}
	}
	rows, err := views.NewRows(arrived)
	if err != nil {
		return nil, err
	}
	return rows, part.remove()
}

// write writes rows into the draft and reports the progress of the fold.
func (f *bulkFold) write(ctx context.Context, rows []views.Row, at views.Checkpoint) error {
	begin := time.Now()
	if err := f.draft.Insert(ctx, rows, at); err != nil {
		return err
	}
	for i := range rows {
		f.done += rows[i].Notifications()
	}
	f.progress(Writing, f.until*f.done/max(f.dealt, 1), f.until)
	return f.pace.rest(ctx, time.Since(begin))
}

// stroke is a piece of work between two rests.
type stroke struct {
	pace    pace
	records int
	begun   time.Time
}

func (f *bulkFold) stroke() *stroke { return &stroke{pace: f.pace, begun: time.Now()} }

// over counts one record.
func (s *stroke) over() bool {
	s.records++
	return s.records%pacedRecords == 0
}

// rest leaves time to others and returns the context's error.
func (s *stroke) rest(ctx context.Context) error {
	err := s.pace.rest(ctx, time.Since(s.begun))
	s.begun = time.Now()
	return err
}
