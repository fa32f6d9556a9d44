package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"golang.org/x/sync/errgroup"
)

// The fold in bulk. The orders of a large log do not fit into memory, and each lives all over the log. So the log is read once
// and what it says is dealt out by order into parts that do fit; each part is folded by itself, every order once and whole; and
// the orders of all parts are written in the order of their first arrival, which is the order in which live views keep them.
const (
	partRecords = 40_000  // about 30 MB when it is folded
	maxParts    = 256     // open files
	maxFolders  = 4       // parts folded at a time
	bulkBatch   = 4096    // orders of one transaction
	dealtBatch  = 500     // records that are handed over at a time
	dealtBytes  = 4 << 20 // or that many bytes, about
)

// bulkFold is one fold in bulk of an empty draft.
type bulkFold struct {
	*builder
	dir   string
	until uint64
	seed  maphash.Seed
	ended bool   // the log was read without an error
	dealt uint64 // records that say something of an order

	encoded []byte // reused from record to record

	mu   sync.Mutex
	done uint64 // how many of those dealt are folded, and how many are written, together
}

// bulk folds the log, from its beginning to exactly that record, into an empty draft.
func (b *builder) bulk(ctx context.Context, until uint64) (err error) {
	dir, err := os.MkdirTemp(b.draft.Folder(), "parts-")
	if err != nil {
		return fmt.Errorf("projector: fold in bulk: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f := &bulkFold{builder: b, dir: dir, until: until, seed: maphash.MakeSeed()}
	parts := make([]*spill, min(until/b.partRecords+1, maxParts))
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.close())
		}
	}()
	for i := range parts {
		if parts[i], err = newSpill(filepath.Join(dir, fmt.Sprint("part-", i))); err != nil {
			return err
		}
	}
	at, err := f.deal(ctx, parts)
	if err != nil {
		return err
	}
	b.begun, b.from = time.Now(), 0
	runs, err := f.foldParts(ctx, parts)
	if err == nil {
		err = f.merge(ctx, runs, at)
	}
	for _, r := range runs {
		err = errors.Join(err, r.close())
	}
	if err != nil {
		return err
	}
	return b.draft.IndexIDs(ctx)
}

// deal reads the log and sorts what it says into the parts. What is not of an order goes into the draft at once.
func (f *bulkFold) deal(ctx context.Context, parts []*spill) (at views.Checkpoint, err error) {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []eventlog.Record, 2)
	group.Go(func() error {
		defer close(batches)
		return f.read(ctx, batches)
	})
	group.Go(func() (err error) {
		at, err = f.dealAll(ctx, batches, parts)
		return err
	})
	return at, group.Wait()
}

func (f *bulkFold) dealAll(ctx context.Context, batches <-chan []eventlog.Record, parts []*spill) (at views.Checkpoint, err error) {
	stroke := f.stroke()
	in := newIntake()
	var reached views.Checkpoint
	for batch := range batches {
		for i := range batch {
			if err := f.dealRecord(&batch[i], in, parts); err != nil {
				return at, err
			}
		}
		last := &batch[len(batch)-1]
		if last.Sequence == f.until || len(in.batch.Objects)+len(in.batch.Quarantined) >= bulkBatch {
			at = checkpointAfter(last)
			in.batch.Checkpoint = at
			if err := f.draft.Commit(ctx, in.batch); err != nil {
				return at, err
			}
			in = newIntake()
		}
		reached.Sequence, reached.Received = last.Sequence, last.Received
		f.progress(Folding, last.Sequence, f.until)
		if err := stroke.rest(ctx); err != nil {
			return at, err
		}
	}
	if !f.ended || reached.Sequence == f.until {
		return at, nil
	}
	if at, err = f.pass(ctx, reached, f.until); err != nil {
		return at, err
	}
	in.batch.Checkpoint = at
	return at, f.draft.Commit(ctx, in.batch)
}

// read cuts the log into batches, up to the record until.
func (f *bulkFold) read(ctx context.Context, to chan<- []eventlog.Record) error {
	batch := make([]eventlog.Record, 0, dealtBatch)
	size := 0
	for r, err := range f.log.Read(ctx, eventlog.Position{}) {
		if err != nil {
			return err
		}
		if r.Sequence > f.until { // which is missing
			break
		}
		batch = append(batch, r)
		size += len(r.Body)
		if r.Sequence == f.until {
			break
		}
		if len(batch) < dealtBatch && size < dealtBytes {
			continue
		}
		if err := send(ctx, to, batch); err != nil {
			return err
		}
		batch, size = make([]eventlog.Record, 0, dealtBatch), 0
	}
	if len(batch) > 0 {
		if err := send(ctx, to, batch); err != nil {
			return err
		}
	}
	f.ended = true
	return nil
}

// dealRecord puts what a record says of an order into the order's part, and what it says of anything else into the intake.
func (f *bulkFold) dealRecord(r *eventlog.Record, in *intake, parts []*spill) (err error) {
	n, ok := f.folder.decoder.take(r, in)
	if !ok {
		return nil
	}
	if f.encoded, err = n.AppendBinary(f.encoded[:0]); err != nil {
		return err
	}
	f.dealt++
	return parts[maphash.String(f.seed, n.OrderID)%uint64(len(parts))].write(f.encoded)
}

// foldParts makes a run of each part: its orders in the order of their first arrival.
func (f *bulkFold) foldParts(ctx context.Context, parts []*spill) (runs []*spill, err error) {
	folders := 1
	if f.pace.share <= 0 {
		folders = min(runtime.GOMAXPROCS(0), maxFolders)
	}
	runs = make([]*spill, len(parts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(folders)
	for i, part := range parts {
		group.Go(func() (err error) {
			if err = ctx.Err(); err != nil {
				return err
			}
			if runs[i], err = newSpill(filepath.Join(f.dir, fmt.Sprint("run-", i))); err != nil {
				return err
			}
			if err = f.foldPart(ctx, part, runs[i]); err == nil {
				f.did(part.entries)
			}
			return err
		})
	}
	return runs, group.Wait()
}

func (f *bulkFold) foldPart(ctx context.Context, part, run *spill) error {
	stroke := f.stroke()
	orders := map[string]*views.Change{}
	var n statemachine.Notification
	for encoded, err := range part.read() {
		if err == nil {
			err = n.UnmarshalBinary(encoded)
		}
		if err != nil {
			return fmt.Errorf("projector: fold a part: %w", err)
		}
		ch := orders[n.OrderID]
		if ch == nil {
			ch = &views.Change{Order: &statemachine.Order{ID: n.OrderID}}
			orders[n.OrderID] = ch
		}
		ch.Order.Apply(&n)
		ch.Sequences = append(ch.Sequences, n.Sequence)
		if stroke.over() {
			if err := stroke.rest(ctx); err != nil {
				return err
			}
		}
	}
	return errors.Join(writeRun(orders, run), part.close())
}

// writeRun writes the orders in the order of their first arrival.
func writeRun(orders map[string]*views.Change, run *spill) error {
	sorted := slices.SortedFunc(maps.Values(orders), func(a, b *views.Change) int { return cmp.Compare(a.Sequences[0], b.Sequences[0]) })
	var encoded, state []byte
	for _, ch := range sorted {
		row, err := views.NewRow(ch, state)
		if err != nil {
			return err
		}
		state = row.State()
		if encoded, err = row.AppendBinary(encoded[:0]); err != nil {
			return err
		}
		if err := run.write(encoded); err != nil {
			return err
		}
	}
	return nil
}

// merge writes the orders of all runs in the order of their first arrival.
func (f *bulkFold) merge(ctx context.Context, runs []*spill, at views.Checkpoint) error {
	orders := bulkBatch
	if f.pace.share > 0 {
		orders = pacedRecords
	}
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []views.Row, 1)
	group.Go(func() error {
		defer close(batches)
		var batch []views.Row
		for row, err := range mergeRuns(runs) {
			if err != nil {
				return err
			}
			if batch = append(batch, row); len(batch) < orders {
				continue
			}
			if err := send(ctx, batches, batch); err != nil {
				return err
			}
			batch = make([]views.Row, 0, orders)
		}
		return send(ctx, batches, batch)
	})
	group.Go(func() error {
		for batch := range batches {
			begin := time.Now()
			if err := f.draft.Insert(ctx, batch, at); err != nil {
				return err
			}
			var written uint64
			for i := range batch {
				written += batch[i].Notifications()
			}
			f.did(written)
			if err := f.pace.rest(ctx, time.Since(begin)); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// did tells how far folding and writing are: each is about half of the work.
func (f *bulkFold) did(records uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done += records
	f.progress(Writing, f.until*f.done/max(2*f.dealt, 1), f.until)
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

// rest returns the context's error.
func (s *stroke) rest(ctx context.Context) error {
	err := s.pace.rest(ctx, time.Since(s.begun))
	s.begun = time.Now()
	return err
}

func send[T any](ctx context.Context, to chan<- T, batch T) error {
	select {
	case to <- batch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
