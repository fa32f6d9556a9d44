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
	// historyStep is how many notifications of an order are folded before others have their turn: a few milliseconds.
	historyStep = 500
	// historyAttempts is how often a history is begun because orders were revised meanwhile.
	historyAttempts = 3
)

// errRevised occurs when orders were changed without a notification while one was folded. What was folded is of no use.
var errRevised = errors.New("projector: orders are being revised")

// Sequences lists the notifications of an order; the views do.
type Sequences interface {
	SequencesAfter(ctx context.Context, id string, after uint64, limit int) ([]uint64, views.At, error)
}

// Historian finds out what every notification of an order did when it arrived, and what was known of it at any moment. Make one
// with NewHistorian. It reads and folds the order's own notifications, some at a time; all its callers together keep at most half of the
// processors busy, and take turns. How far an order was folded is kept for a while, so that the next page begins there.
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

// AsOf returns an order as it was known then, without entries. Errors are those of History.
func (h *Historian) AsOf(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error) {
	return h.history(ctx, id, &statemachine.Stretch{AsOf: asOf})
}

// History returns what the notifications of a stretch did, and the order after the last of them. It returns the views' error for
// an unknown order, and the log's for a record that cannot be read; one whose loss was accepted is an entry that says so.
func (h *Historian) History(ctx context.Context, id string, s statemachine.Stretch) (statemachine.Past, error) {
	s.Limit = max(s.Limit, 1)
	return h.history(ctx, id, &s)
}

// history folds up to the end when the stretch has no limit.
func (h *Historian) history(ctx context.Context, id string, s *statemachine.Stretch) (past statemachine.Past, err error) {
	for range historyAttempts {
		w := walk{historian: h, id: id, stretch: s}
		if err = w.run(ctx); !errors.Is(err, errRevised) {
			return w.past, err
		}
	}
	return past, &eventlog.Fault{Err: fmt.Errorf("%w: history of order %s: %w", eventlog.ErrUnavailable, id, err), Hint: "ask again", Clears: true}
}

// walk folds one order from its first notification, or from where another walk came to.
type walk struct {
	historian *Historian
	id        string
	stretch   *statemachine.Stretch
	at        views.At // of the first step
	past      statemachine.Past
	observer  *statemachine.Observer // nil before the stretch
	through   uint64                 // the last notification that was looked at
	latest    time.Time              // that one of them was received
	partial   bool                   // some were left out: received later than the moment asked for
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

// step folds the next notifications, when it is this walk's turn.
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

// begin continues where an earlier walk came to.
func (w *walk) begin(ctx context.Context) error {
	_, at, err := w.historian.views.SequencesAfter(ctx, w.id, 0, 1)
	if err != nil {
		return err
	}
	w.at, w.past.Order.ID = at, w.id
	return w.historian.kept.restore(w)
}

// most is how many notifications to look at in one step: one more than there are to be entries, to know whether any follow.
func (w *walk) most() int {
	if w.stretch.Limit == 0 || w.through < w.stretch.After {
		return historyStep
	}
	return min(w.stretch.Limit+1-len(w.past.Entries), historyStep)
}

// take folds one record, or notes that it is lost. It returns true where the walk ends.
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
		return true, nil // sequences ascend; times received need not, where a clock was set back
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
