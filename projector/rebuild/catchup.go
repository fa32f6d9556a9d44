package rebuild

import (
	"context"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
)

const (
	// nearRecords is the number of records within which a draft is near a position. They are folded
	// in tens of milliseconds.
	nearRecords = 2000
)

// foldTo brings the draft to exactly the record until. It returns the errors of the log and of the
// views.
func (b *builder) foldTo(ctx context.Context, until uint64) error {
	at, err := b.draft.Checkpoint(ctx)
	if err != nil || at.Sequence >= until {
		return err
	}
	b.begun, b.from = time.Now(), at.Sequence
	if at.Sequence == 0 {
		return b.bulk(ctx, until)
	}
	err = b.read(ctx, eventlog.Position{Log: at.Log, Sequence: at.Sequence, Hash: at.Hash}, until, b.batches,
		func(ctx context.Context, records []eventlog.Record) error { return b.apply(ctx, records, until) })
	if err != nil {
		return err
	}
	if at, err = b.draft.Checkpoint(ctx); err != nil || at.Sequence == until {
		return err
	}
	if at, err = b.pass(ctx, at, until); err != nil {
		return err
	}
	_, err = b.draft.Commit(ctx, views.Batch{Checkpoint: at})
	return err
}

// near brings the draft near a position that changes meanwhile.
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

// hurry folds without reporting progress, which belongs to another phase, and without rest, because
// commits wait.
func (b *builder) hurry(ctx context.Context, until uint64) error {
	hurried := *b
	hurried.report, hurried.pace = nil, pace{}
	return hurried.foldTo(ctx, until)
}
