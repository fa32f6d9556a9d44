package projector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"go.uber.org/zap"
)

// Quarantine is what a redrive reads and changes of the views.
type Quarantine interface {
	Checkpoint(ctx context.Context) (views.Checkpoint, error)
	QuarantinedAfter(ctx context.Context, class string, after uint64, limit int) ([]views.Quarantined, error)
	Sequences(ctx context.Context, id string) ([]uint64, error)
	Redrive(ctx context.Context, fold func(ctx context.Context) (views.Redriven, error)) error
}

const (
	// redriveRecords are decoded while the projector waits: some tens of milliseconds.
	redriveRecords = 100
	// MaxRedriveNotes is how many records a redrive tells one by one; it counts all.
	MaxRedriveNotes = 100
)

// Selection says which quarantined records to redrive. The zero value: all.
type Selection struct {
	Class     string   // "": any
	Sequences []uint64 // only these; none: any
	After     uint64   // only later ones
	DryRun    bool     // change nothing
	// For is how long to go on; what is left then is Redrive.Next. 0: to the end.
	For time.Duration
}

// RedriveNote is what became of a record.
type RedriveNote struct {
	Sequence uint64
	Object   string
	ID       string // of the order or object it is part of now; "" when it has none, or is still quarantined
	Class    string // of those that are still quarantined, with Reason
	Reason   string
}

// Redrive is what a redrive did.
type Redrive struct {
	Examined uint64 // records decoded again
	Redriven uint64 // of them, left quarantine
	Orders   uint64 // changed; one that several steps changed counts again
	Notes    []RedriveNote
	Next     uint64 // go on after this record; 0: that was all
}

// Redriver has quarantined records decoded again, and gives those that can be read now to their orders and objects, so that the
// views are what a rebuild would make. It works beside a running projector. Log and Views are required.
type Redriver struct {
	Log    Log
	Views  Quarantine
	Logger *zap.Logger // nil: none
}

// Redrive decodes what s selects, in ascending order. A record is never counted twice: it leaves quarantine in the same
// transaction. It returns the errors of the log, ErrHeldBack among them, and of the views; what was done
// before is told with them.
func (r *Redriver) Redrive(ctx context.Context, s Selection) (done Redrive, err error) {
	at, err := r.Views.Checkpoint(ctx)
	if err != nil {
		return done, err
	}
	if err := fits(ctx, r.Log, eventlog.Position{Log: at.Log, Sequence: at.Sequence, Hash: at.Hash}); mismatch(err) {
		return done, &heldBack{err}
	} else if err != nil {
		return done, err
	}
	s.Sequences = slices.Compact(slices.Sorted(slices.Values(s.Sequences)))
	begin := time.Now()
	for after := s.After; ; {
		rows, next, err := r.next(ctx, &s, after)
		if err != nil || len(rows) == 0 {
			return done, err
		}
		if err := r.step(ctx, &s, rows, &done); err != nil {
			return done, err
		}
		if after = next; s.For > 0 && time.Since(begin) >= s.For {
			done.Next = after
			return done, nil
		}
	}
}

// next returns the next rows selected, and where to go on after them.
func (r *Redriver) next(ctx context.Context, s *Selection, after uint64) (rows []views.Quarantined, next uint64, err error) {
	if len(s.Sequences) == 0 {
		rows, err = r.Views.QuarantinedAfter(ctx, s.Class, after, redriveRecords)
		if len(rows) > 0 {
			next = rows[len(rows)-1].Sequence
		}
		return rows, next, err
	}
	for _, sequence := range s.Sequences {
		if sequence <= after || len(rows) == redriveRecords {
			continue
		}
		found, err := r.Views.QuarantinedAfter(ctx, s.Class, sequence-1, 1)
		if err != nil {
			return nil, 0, err
		}
		if len(found) > 0 && found[0].Sequence == sequence {
			rows, next = append(rows, found[0]), sequence
		}
	}
	return rows, next, nil
}

func (r *Redriver) step(ctx context.Context, s *Selection, rows []views.Quarantined, done *Redrive) error {
	step := redriveStep{log: r.Log, views: r.Views}
	fold := func(ctx context.Context) (views.Redriven, error) {
		return step.fold(ctx, rows)
	}
	var err error
	if s.DryRun {
		_, err = fold(ctx)
	} else {
		err = r.Views.Redrive(ctx, fold)
	}
	if err != nil {
		return fmt.Errorf("projector: redrive: %w", err)
	}
	done.Examined += uint64(len(step.notes))
	done.Redriven += uint64(len(step.result.Records))
	done.Orders += uint64(len(step.result.Orders))
	done.Notes = append(done.Notes, step.notes[:min(len(step.notes), MaxRedriveNotes-len(done.Notes))]...)
	if r.Logger != nil && !s.DryRun && len(step.result.Records) > 0 {
		r.Logger.Info("redriven", zap.Int("records", len(step.result.Records)), zap.Int("orders", len(step.result.Orders)),
			zap.Uint64s("sequences", step.result.Records))
	}
	return nil
}

// redriveStep decodes some records again and folds what they belong to.
type redriveStep struct {
	log     Log
	views   Quarantine
	decoder decoder
	result  views.Redriven
	notes   []RedriveNote
}

func (f *redriveStep) fold(ctx context.Context, rows []views.Quarantined) (views.Redriven, error) {
	added := map[string][]uint64{} // by order, ascending
	var ids []string
	for _, row := range rows {
		// Another redrive may have been here in between.
		now, err := f.views.QuarantinedAfter(ctx, "", row.Sequence-1, 1)
		if err != nil || len(now) == 0 || now[0].Sequence != row.Sequence {
			if err != nil {
				return f.result, err
			}
			continue
		}
		record, err := f.log.Get(ctx, row.Sequence)
		if err != nil {
			return f.result, err
		}
		id, err := f.decode(&record)
		if err != nil {
			f.stays(&now[0], &record, err)
			continue
		}
		f.notes = append(f.notes, RedriveNote{Sequence: row.Sequence, Object: record.Object, ID: id})
		f.result.Records = append(f.result.Records, row.Sequence)
		if _, isOrder := orderObjects[record.Object]; !isOrder {
			f.result.Objects = append(f.result.Objects,
				views.Object{Object: record.Object, ID: id, Sequence: record.Sequence, Received: record.Received, Count: 1})
			continue
		}
		if added[id] == nil {
			ids = append(ids, id)
		}
		added[id] = append(added[id], row.Sequence)
	}
	for _, id := range ids {
		change, err := f.order(ctx, id, added[id])
		if err != nil {
			return f.result, err
		}
		f.result.Orders = append(f.result.Orders, change)
	}
	return f.result, nil
}

// decode returns the id of the order or object that the record is about.
func (f *redriveStep) decode(r *eventlog.Record) (id string, err error) {
	if _, isOrder := orderObjects[r.Object]; !isOrder {
		return f.decoder.object(r)
	}
	n, err := f.decoder.notification(r)
	return n.OrderID, err
}

// stays notes a record that cannot be read still, perhaps for another reason.
func (f *redriveStep) stays(before *views.Quarantined, r *eventlog.Record, err error) {
	now := quarantined(r, err)
	f.notes = append(f.notes, RedriveNote{Sequence: now.Sequence, Object: now.Object, Class: now.Class, Reason: now.Reason})
	if now.Class != before.Class || now.Reason != before.Reason {
		f.result.Quarantined = append(f.result.Quarantined, now)
	}
}

// order folds all notifications of an order anew, those that the views have of it and those added.
func (f *redriveStep) order(ctx context.Context, id string, added []uint64) (views.Change, error) {
	known, err := f.views.Sequences(ctx, id)
	if err != nil && !errors.Is(err, views.ErrNotFound) {
		return views.Change{}, err
	}
	all := slices.Concat(known, added)
	slices.Sort(all)
	o := &statemachine.Order{ID: id}
	for _, sequence := range all {
		record, err := f.log.Get(ctx, sequence)
		if err != nil {
			return views.Change{}, err
		}
		n, err := f.decoder.notification(&record)
		if err == nil && n.OrderID != id {
			err = fmt.Errorf("it is read as one of order %s now", n.OrderID)
		}
		if err != nil {
			return views.Change{}, fmt.Errorf("record %d of order %s: %w; orderfold rebuild makes the views anew", sequence, id, err)
		}
		o.Apply(&n)
	}
	return views.Change{Order: o, Sequences: all}, nil
}
