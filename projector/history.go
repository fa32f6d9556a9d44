package projector

import (
	"context"
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

// Sequences lists the notifications of an order; the views do.
type Sequences interface {
	Sequences(ctx context.Context, id string) ([]uint64, error)
}

// Historian tells what every notification of an order did when it arrived, and what was known of it at any moment.
type Historian struct {
	Log   Log
	Views Sequences
}

// History folds the order's own notifications again, those that were known at the moment given and that the views have, and
// reads nothing else of the log. It returns the views' error for an unknown order; for one that was not known yet, no
// entries.
func (h *Historian) History(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error) {
	sequences, err := h.Views.Sequences(ctx, id)
	if err != nil {
		return statemachine.Past{}, err
	}
	past := statemachine.Past{Order: statemachine.Order{ID: id}}
	var d decoder
	for i, sequence := range sequences {
		r, err := h.Log.Get(ctx, sequence)
		if err != nil {
			return statemachine.Past{}, fmt.Errorf("projector: record %d of order %s: %w", sequence, id, err)
		}
		at := statemachine.Arrival{Sequence: r.Sequence, Received: r.Received}
		if i == 0 {
			past.First = at
		}
		if !asOf.Includes(at) {
			if asOf.Sequence != 0 && sequence > asOf.Sequence {
				break // sequences ascend; times received need not, when a clock was set back
			}
			continue
		}
		n, err := d.notification(&r)
		if err != nil {
			return statemachine.Past{}, fmt.Errorf("projector: record %d of order %s: %w", sequence, id, err)
		}
		past.Entries = append(past.Entries, past.Order.Observe(&n))
	}
	return past, nil
}
