package projector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

const (
	// historyStep is the number of notifications of an order that are folded before other walks get
	// their turn: a few milliseconds.
	historyStep = 500
	// historyAttempts is the number of times a history is tried, because orders may be revised
	// meanwhile.
	historyAttempts = 3
)

// errRevised occurs when orders were changed without a notification while one was folded. The
// result must be discarded.
var errRevised = errors.New("projector: orders are being revised")

// Sequences lists the notifications of an order. The views implement it.
type Sequences interface {
	SequencesAfter(ctx context.Context, id string, after uint64, limit int) ([]uint64, views.At, error)
}

// Historian returns the effect of every notification of an order, and the order as it was known at
// any moment. Create one with NewHistorian. It reads and folds the order's own notifications in
// steps; all callers together use at most half of the processors, and take turns. Progress is kept
// for a while, so that the next page continues there.
type Historian struct {
	log   Log
	views Sequences
	turns chan struct{}
	kept  checkpoints
}

// NewHistorian returns a historian of the orders in the views.
func NewHistorian(log Log, views Sequences) *Historian {
	return &Historian{log: log, views: views, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// AsOf returns an order as it was known at a moment, without entries. Errors are those of History.
func (h *Historian) AsOf(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error) {
	return h.history(ctx, id, &statemachine.Stretch{AsOf: asOf})
}

// History returns the effects of the notifications of a stretch, and the order after the last of
// them. It returns the error of the views for an unknown order, and the error of the log for a
// record that cannot be read. A record whose loss was accepted is an entry with the effect Lost.
func (h *Historian) History(ctx context.Context, id string, s statemachine.Stretch) (statemachine.Past, error) {
	s.Limit = max(s.Limit, 1)
	return h.history(ctx, id, &s)
}

// history folds the stretch, and begins again if orders were changed without a notification
// meanwhile. Without a limit, it folds every notification that was known at the moment asked for.
func (h *Historian) history(ctx context.Context, id string, s *statemachine.Stretch) (past statemachine.Past, err error) {
	for range historyAttempts {
		w := walk{historian: h, id: id, stretch: s}
		if err = w.run(ctx); !errors.Is(err, errRevised) {
			return w.past, err
		}
	}
	return past, &eventlog.Fault{Err: fmt.Errorf("%w: history of order %s: %w", eventlog.ErrUnavailable, id, err), Hint: "ask again", Clears: true}
}

// walk folds one order from its first notification, or from a checkpoint.
type walk struct {
	historian *Historian
	id        string
	stretch   *statemachine.Stretch
	at        views.At // at the first step
	past      statemachine.Past
	observer  *statemachine.Observer // nil before the stretch
	through   uint64                 // the last notification examined
	latest    time.Time              // the latest time received of the examined ones
	partial   bool                   // some were skipped: received later than the requested moment
	decoder   decode.Decoder
}

func (w *walk) run(ctx context.Context) error {
	for first := true; ; first = false {
		ended, err := w.step(ctx, first)
		if err != nil {
			return err
		}
		if ended {
			break
		}
	}
	if !w.partial && (w.past.More || w.past.Order.Count > historyStep) {
		w.historian.kept.put(w)
	}
	return nil
}

// step folds the next notifications when it is this walk's turn.
func (w *walk) step(ctx context.Context, first bool) (ended bool, err error) {
	h := w.historian
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if first {
		if err := w.begin(ctx); err != nil {
			return false, err
		}
	}
	most := w.most()
	sequences, at, err := h.views.SequencesAfter(ctx, w.id, w.through, most)
	if err != nil {
		return false, err
	}
	if at.Generation != w.at.Generation || at.Revision != w.at.Revision {
		return false, errRevised
	}
	for r, err := range h.log.Records(ctx, sequences) {
		if ended, err = w.take(&r, err); err != nil || ended {
			return ended, err
		}
	}
	return len(sequences) < most, nil
}

// begin continues from a checkpoint.
func (w *walk) begin(ctx context.Context) error {
	_, at, err := w.historian.views.SequencesAfter(ctx, w.id, 0, 1)
	if err != nil {
		return err
	}
	w.at, w.past.Order.ID = at, w.id
	return w.historian.kept.restore(w)
}

// most returns the number of notifications to examine in one step: one more than the remaining
// entries, to find out whether any follow.
func (w *walk) most() int {
	if w.stretch.Limit == 0 || w.through < w.stretch.After {
		return historyStep
	}
	return min(w.stretch.Limit+1-len(w.past.Entries), historyStep)
}

// take folds one record, or records that it is lost. It returns true at the end of the walk.
func (w *walk) take(r *eventlog.Record, failure error) (ended bool, err error) {
	lost := errors.Is(failure, eventlog.ErrAcceptedLoss)
	if failure != nil && !lost {
		return false, fmt.Errorf("projector: record %d of order %s: %w", r.Sequence, w.id, failure)
	}
	s := w.stretch
	at := statemachine.Arrival{Sequence: r.Sequence, Received: r.Received}
	if w.past.First.Sequence == 0 && !lost {
		w.past.First = at
	}
	if s.Sequence != 0 && r.Sequence > s.Sequence {
		return true, nil // sequences ascend; times received may not, if the clock was set back
	}
	if !lost && !s.Includes(at) {
		w.through, w.partial = r.Sequence, true
		return false, nil
	}
	if s.Limit > 0 && len(w.past.Entries) == s.Limit {
		w.past.More = true
		return true, nil
	}
	if w.observer == nil && s.Limit > 0 && r.Sequence > s.After {
		w.observer = statemachine.NewObserver(&w.past.Order)
	}
	if lost {
		w.past.Lost++
	} else if r.Received.After(w.latest) {
		w.latest = r.Received
	}
	w.through = r.Sequence
	return false, w.fold(r, lost)
}

func (w *walk) fold(r *eventlog.Record, lost bool) error {
	if lost {
		if w.observer != nil {
			w.past.Entries = append(w.past.Entries, w.observer.LostEntry(r.Sequence))
		}
		return nil
	}
	n, err := w.decoder.Notification(fold.Decodable(r))
	if err != nil {
		return fmt.Errorf("projector: record %d of order %s: %w", r.Sequence, w.id, err)
	}
	if w.observer == nil {
		w.past.Order.Apply(&n)
	} else {
		w.past.Entries = append(w.past.Entries, w.observer.Observe(&n))
	}
	return nil
}
