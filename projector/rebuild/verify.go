package rebuild

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
)

const (
	// compareOrders is the number of orders in one step of a comparison, which takes tens of
	// milliseconds.
	compareOrders = 5000
)

// Examination specifies which views are compared with which log.
type Examination struct {
	Log         Log
	Dir         string // of the views; another process may write them
	FoldVersion string // for folding the log; "": this program's
	// Share is the share of one processor that it may use, such as 0.05; 0: no limit.
	Share  float64
	Report func(Progress) // called with the progress; nil: not called
}

// Verify folds the log again, into a draft beside the views and in bounded memory, up to the
// position of the views, and compares every order and all counts. The views may change meanwhile:
// each order is compared as it is when its turn comes. Verify returns the errors of the log and of
// a full disk, and views.ErrNoViews. A difference is not an error.
func Verify(ctx context.Context, e Examination) (found views.Findings, err error) {
	if e.FoldVersion == "" {
		e.FoldVersion = decode.FoldVersion()
	}
	draft, err := views.NewDraft(ctx, e.Dir, e.FoldVersion)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	return compare(ctx, newBuilder(e.Log, draft, e.Share, e.Report), e.Dir)
}

// compare brings the builder's draft to the position of the live views and compares the two.
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
		until, err := c.Hold(ctx)
		if err == nil {
			err = b.hurry(ctx, until)
		}
		if err == nil {
			done, err = c.Step(ctx, compareOrders)
		}
		if err != nil {
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

// acceptedLoss describes, in words, the records that views may contain but that cannot be read
// again. It returns "" if everything can be read.
func acceptedLoss(ctx context.Context, log Log) (string, error) {
	bounds, err := log.Bounds(ctx)
	if err != nil || len(bounds.Missing) == 0 {
		return "", err
	}
	return "the loss of records was accepted, " + bounds.Missing.Words() +
		": views that were made before have what those records said until they are rebuilt", nil
}
