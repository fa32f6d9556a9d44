package projector

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/projector/views"
)

const (
	// compareOrders is how many orders one step of a comparison looks at: tens of milliseconds.
	compareOrders = 5000
	// nearRecords are folded in some tens of milliseconds.
	nearRecords = 2000
)

// Examination says which views are to be compared with which log.
type Examination struct {
	Log         Log
	Dir         string // of the views; they may be written by another process
	FoldVersion string // what the log is folded by; "": this program's
	// Share is how much of one processor it may take, for instance 0.05; 0: as much as it can.
	Share float64
	Tell  func(Progress) // nil: nobody is told
}

// Verify folds the log again, into a draft beside the views and in bounded memory, up to where the views stand, and compares
// every order and all counts. Views that move on are followed: the last orders are compared as they stand at the end. It
// returns the errors of the log, of a full disk, and views.ErrNoViews; what differs is no error.
func Verify(ctx context.Context, e Examination) (found views.Findings, err error) {
	if e.FoldVersion == "" {
		e.FoldVersion = FoldVersion()
	}
	draft, err := views.NewDraft(ctx, e.Dir, e.FoldVersion)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	return compare(ctx, newBuilder(e.Log, draft, e.Share, e.Tell), e.Dir)
}

// compare brings the builder's draft to where the live views stand and compares the two.
func compare(ctx context.Context, b *builder, dir string) (found views.Findings, err error) {
	c, err := b.draft.Compare(ctx, dir)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := b.near(ctx, c.Position); err != nil && !errors.Is(err, views.ErrDamaged) {
		return found, err
	}
	begun := time.Now()
	for done := false; !done; {
		begin := time.Now()
		if done, err = c.Step(ctx, compareOrders, b.hurry); err != nil {
			return found, err
		}
		b.begun, b.from = begun, 0
		b.progress(Comparing, c.Orders, c.Total())
		if err := b.pace.rest(ctx, time.Since(begin)); err != nil {
			return found, err
		}
	}
	if !c.Equal() {
		loss, err := acceptedLoss(ctx, b.log)
		if err != nil {
			return found, err
		}
		if loss != "" {
			c.Others = append(c.Others, loss)
		}
	}
	return c.Findings, nil
}

// acceptedLoss says what views may have that cannot be read again, "" when everything can.
func acceptedLoss(ctx context.Context, log Log) (string, error) {
	bounds, err := log.Bounds(ctx)
	if err != nil || len(bounds.Missing) == 0 {
		return "", err
	}
	return "the loss of records was accepted, " + bounds.Missing.Words() +
		": views that were made before have what those records said until they are rebuilt", nil
}

// near brings the draft close to a position that moves on meanwhile.
func (b *builder) near(ctx context.Context, position func(context.Context) (uint64, error)) error {
	for behind := uint64(0); ; {
		at, err := b.draft.Checkpoint(ctx)
		if err != nil {
			return err
		}
		until, err := position(ctx)
		if err != nil {
			return err
		}
		left := until - min(until, at.Sequence)
		if left == 0 || behind > 0 && (left < nearRecords || left > behind/2) {
			return nil // near, or not getting nearer
		}
		behind = left
		if err := b.foldTo(ctx, until); err != nil {
			return err
		}
	}
}

// hurry folds without telling, which is the part of another phase, and without rest, for somebody is kept waiting.
func (b *builder) hurry(ctx context.Context, until uint64) error {
	hurried := *b
	hurried.tell, hurried.pace = nil, pace{}
	return hurried.foldTo(ctx, until)
}
