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

// Historian tells what every notification of an order did when it arrived.
type Historian struct {
	Log   Log
	Views Sequences
}

// History returns an entry for every notification of the order that the views have, in order of arrival. It folds the
// order's own notifications again and reads nothing else of the log. It returns the views' error for an unknown order.
func (h *Historian) History(ctx context.Context, id string) ([]statemachine.Entry, error) {
	sequences, err := h.Views.Sequences(ctx, id)
	if err != nil {
		return nil, err
	}
	order := statemachine.Order{ID: id}
	entries := make([]statemachine.Entry, 0, len(sequences))
	var d decoder
	for _, sequence := range sequences {
		r, err := h.Log.Get(ctx, sequence)
		if err != nil {
			return nil, fmt.Errorf("projector: record %d of order %s: %w", sequence, id, err)
		}
		n, err := d.notification(&r)
		if err != nil {
			return nil, fmt.Errorf("projector: record %d of order %s: %w", sequence, id, err)
		}
		entries = append(entries, order.Observe(&n))
	}
	return entries, nil
}
