package rebuild

import (
	"context"
	"errors"
	"io"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"go.uber.org/zap"
)

// draft returns the draft with which a rebuild begins. For the first generation of this machine it
// is a generation of another machine, if that can be fetched and fits the log. Otherwise it is
// empty.
func (r *Rebuilder) draft(ctx context.Context, run *Run, mode Mode) (*views.Draft, error) {
	if r.Fetch != nil && !r.fetched && mode == Full {
		if _, err := r.Views.Checkpoint(ctx); errors.Is(err, views.ErrNoViews) {
			return r.fetch(ctx, run)
		}
	}
	return views.NewDraft(ctx, r.Dir, decode.FoldVersion())
}

func (r *Rebuilder) fetch(ctx context.Context, run *Run) (*views.Draft, error) {
	if err := fold.Fits(ctx, r.Log, eventlog.Position{}); err != nil {
		return nil, err // the log cannot be read: without it the copy cannot be checked
	}
	r.fetched = true
	r.reporter(run)(Progress{Phase: Copying})
	draft, err := views.NewCopiedDraft(ctx, r.Dir, decode.FoldVersion(), func(w io.Writer) error { return r.Fetch(ctx, w) })
	if err == nil {
		if err = r.fits(ctx, draft); err == nil {
			r.Logger.Info("the views of another machine were copied")
			return draft, nil
		}
		err = errors.Join(err, draft.Close())
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, eventlog.ErrUnavailable) {
		r.fetched = false
		return nil, err
	}
	r.Logger.Warn("the views of the other machine are not used; the log is folded instead", zap.Error(err))
	r.reporter(run)(Progress{Phase: Folding})
	return views.NewDraft(ctx, r.Dir, decode.FoldVersion())
}

// fits checks the position of fetched views against the log.
func (r *Rebuilder) fits(ctx context.Context, draft *views.Draft) error {
	at, err := draft.Checkpoint(ctx)
	if err != nil {
		return err
	}
	if at.Sequence == 0 {
		return errors.New("projector: the views of the other machine are empty")
	}
	return fold.Fits(ctx, r.Log, eventlog.Position{Log: at.Log, Sequence: at.Sequence, Hash: at.Hash})
}
