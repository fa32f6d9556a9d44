package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// AsOf are the parameters of a question that can be asked about the past.
type AsOf struct {
	AtLeast
	AsOfSequence uint64 `query:"asOfSequence" minimum:"1" doc:"As it was known when that record of the log had been received. Waits for it as minSequence does."`
	AsOf         moment `query:"asOf" example:"2026-03-02T09:00:00Z" doc:"As it was known at that time, by the times received."`
}

// moment is a time in a query.
type moment struct{ time.Time }

// Schema says that it is a time.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

// UnmarshalText reads RFC 3339.
func (m *moment) UnmarshalText(text []byte) (err error) {
	// The zero time stands for a parameter that was not given.
	if m.Time, err = time.Parse(time.RFC3339Nano, string(text)); err != nil || m.IsZero() {
		return errors.New("expected a time such as 2026-03-02T09:00:00Z (RFC 3339), with + written as %2B")
	}
	return nil
}

// asked makes a question about a sequence wait for it: what was known then is not known before.
func (q AsOf) asked() AtLeast {
	q.MinSequence = max(q.MinSequence, q.AsOfSequence)
	return q.AtLeast
}

func (q AsOf) now() bool { return q.AsOfSequence == 0 && q.AsOf.IsZero() }

// orderAsOf returns the order as the views have it, or as it was known then.
func (a *API) orderAsOf(ctx context.Context, id string, q AsOf) (statemachine.Order, views.At, error) {
	if q.now() {
		o, at, err := a.views.Order(ctx, id)
		return o, at, noOrder(err, id, at.Applied)
	}
	past, at, err := a.past(ctx, id, q)
	return past.Order, at, err
}

// past folds the order's notifications that were known then. It returns where the views stood before it was read, so that
// Log-Sequence never claims more than the answer holds, and a tag never a newer generation.
func (a *API) past(ctx context.Context, id string, q AsOf) (past statemachine.Past, at views.At, err error) {
	if at, err = a.complete(ctx, q); err != nil {
		return past, at, err
	}
	past, err = a.history.History(ctx, id, statemachine.AsOf{Sequence: q.AsOfSequence, Received: q.AsOf.Time})
	if err == nil && len(past.Entries) == 0 {
		err = notYetKnown(id, past.First).at(at.Applied)
	}
	return past, at, noOrder(err, id, at.Applied)
}

// complete returns where the views stand, as soon as they have applied everything that had been received then. Up to the
// sequence asked for, and the time of the last record applied, they have; of a later time only the end of the log can tell.
func (a *API) complete(ctx context.Context, q AsOf) (views.At, error) {
	status, err := a.position.Status(ctx)
	if err == nil && q.AsOfSequence == 0 && q.AsOf.After(status.Checkpoint.Received) {
		var bounds LogBounds
		if bounds, err = a.log.Bounds(ctx); err != nil {
			return views.At{}, unavailable(ctx, err)
		}
		if err = a.await(ctx, AtLeast{bounds.Last, q.Prefer}); err != nil {
			return views.At{}, err
		}
		status, err = a.position.Status(ctx)
		if err == nil && status.Checkpoint.Sequence < bounds.Last {
			return views.At{}, behind(bounds.Last).at(status.Checkpoint.Sequence) // another generation took over
		}
	}
	return views.At{Generation: status.Generation, Applied: status.Checkpoint.Sequence}, err
}

// notYetKnown says when an order became known that was not so at the time asked for.
func notYetKnown(id string, first statemachine.Arrival) *Problem {
	p := problem(codeNotYetKnown, "The order %q became known at %s, by notification %d; of the time before nothing is known.",
		id, instant(first.Received), first.Sequence)
	p.FirstSequence, p.FirstReceivedAt = first.Sequence, instant(first.Received)
	return p
}

// unavailable is an error of the log, unless the caller gave up.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
