package fold

import (
	"context"
	"errors"
	"iter"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
)

// ErrHeldBack means that an operator must act before anything is folded, because the log does not fit
// the views or lost records. The wrapping error contains the reason. Nothing was folded.
var ErrHeldBack = errors.New("projector: held back")

// Reader is a log from which records are read.
type Reader interface {
	Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
}

// Fits checks a position against the log without waiting for a record. It returns the error of the log,
// or nil if the position fits.
func Fits(ctx context.Context, log Reader, after eventlog.Position) error {
	for _, err := range log.Read(ctx, after) {
		return err
	}
	return ctx.Err()
}

// NeedsOperator reports whether err is a fault of the log that lasts until an operator acts: the log does
// not fit the views, or lost records.
func NeedsOperator(err error) bool {
	f := eventlog.FaultOf(err)
	return f != nil && !f.Clears
}

// misfit reports whether the log does not fit the views.
func misfit(err error) bool {
	return errors.Is(err, eventlog.ErrDiverged) || errors.Is(err, eventlog.ErrFuture) ||
		errors.Is(err, eventlog.ErrCompacted) || errors.As(err, new(*eventlog.GapError))
}

// Because describes why nothing is folded.
func Because(err error) string {
	switch {
	case misfit(err):
		return "the log does not fit the views, nothing is folded: " + err.Error()
	case NeedsOperator(err):
		return "nothing is folded: " + err.Error() // not cut, because the end is a hint for the operator
	}
	return decode.Bounded(err.Error())
}

// HoldBack wraps an error that needs an operator in an ErrHeldBack with the text of Because. It returns
// nil and any other error unchanged.
func HoldBack(err error) error {
	if !NeedsOperator(err) {
		return err
	}
	return &heldBack{err}
}

type heldBack struct{ error }

func (h *heldBack) Error() string        { return Because(h.error) }
func (h *heldBack) Is(target error) bool { return target == ErrHeldBack }
func (h *heldBack) Unwrap() error        { return h.error }
