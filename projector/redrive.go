package projector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"go.uber.org/zap"
)

// Selection selects quarantined records to redrive. The zero value selects all.
type Selection struct {
	Class     string   // "": any
	Sequences []uint64 // only these; none: any
	After     uint64   // only later ones
	DryRun    bool     // change nothing
	// For bounds the duration. Redrive.Next is the record after which to continue. 0: no bound.
	For time.Duration
}

// Redrive is the result of a redrive.
type Redrive struct {
	Examined uint64 // records decoded again
	Redriven uint64 // those that left quarantine
	Orders   uint64 // changed; an order changed in several steps counts for each
	Notes    []RedriveNote
	Next     uint64 // continue after this record; 0: that was all
}

// Redriver decodes quarantined records again, and applies those that can be read now to their
// orders and objects. The views are then the same as after a rebuild. It works beside a running
// projector. Log and Views are required.
type Redriver struct {
	Log    Log
	Views  Quarantine
	Logger *zap.Logger // nil: none
	// Publisher publishes the changed orders again; nil: the feed is off.
	Publisher *Publisher
}

// Redrive decodes the records that s selects, in ascending order. A record is never counted twice,
// because it leaves quarantine in the same transaction. It returns the errors of the log, including
// fold.ErrHeldBack, and of the views, together with what was already done.
func (r *Redriver) Redrive(ctx context.Context, s Selection) (done Redrive, err error) {
	at, err := r.Views.Checkpoint(ctx)
	if err != nil {
		return done, err
	}
	if err := fold.Fits(ctx, r.Log, eventlog.Position{Log: at.Log, Sequence: at.Sequence, Hash: at.Hash}); err != nil {
		return done, fold.HoldBack(err)
	}
	s.Sequences = slices.Compact(slices.Sorted(slices.Values(s.Sequences)))
	begin := time.Now()
	for after := s.After; ; {
		rows, next, err := r.next(ctx, &s, after)
		if err != nil || len(rows) == 0 {
			return done, err
		}
		through, err := r.step(ctx, &s, rows, &done)
		if err != nil {
			return done, err
		}
		if after = min(next, through); s.For > 0 && time.Since(begin) >= s.For {
			done.Next = after
			return done, nil
		}
	}
}

// next returns the next selected rows, and the record after which to continue.
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

func (r *Redriver) redrive(ctx context.Context, step *redriveStep) error {
	if r.Publisher != nil {
		return r.Publisher.redriving(ctx, r.Views, step)
	}
	return r.Views.Redrive(ctx, step.finish)
}

// step processes rows up to the one that it returns. Changes by others during the preparation are
// folded while the writer is held.
func (r *Redriver) step(ctx context.Context, s *Selection, rows []views.Quarantined, done *Redrive) (through uint64, err error) {
	step := redriveStep{log: r.Log, views: r.Views}
	err = errRevised
	for attempts := 0; errors.Is(err, errRevised) || errors.Is(err, errBehind); attempts++ {
		if attempts == redriveAttempts {
			return 0, &eventlog.Fault{Err: fmt.Errorf("projector: redrive: %w: the orders concerned change faster than they can be folded", eventlog.ErrUnavailable),
				Hint: "redrive again when fewer notifications arrive", Clears: true}
		}
		if errors.Is(err, errBehind) {
			err = step.foldAll(ctx)
		} else {
			err = step.prepare(ctx, rows)
		}
		if err == nil && !s.DryRun {
			err = r.redrive(ctx, &step)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("projector: redrive: %w", err)
	}
	result, notes := step.result(), step.allNotes()
	done.Examined += uint64(len(notes))
	done.Redriven += uint64(len(result.Records))
	done.Orders += uint64(len(result.Orders))
	done.Notes = append(done.Notes, notes[:min(len(notes), MaxRedriveNotes-len(done.Notes))]...)
	if r.Logger != nil && !s.DryRun && len(result.Records) > 0 {
		r.Logger.Info("redriven", zap.Int("records", len(result.Records)), zap.Int("orders", len(result.Orders)),
			zap.Uint64s("sequences", result.Records))
	}
	return step.through, nil
}
