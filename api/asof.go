package api

import (
	"context"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// AsOf are the parameters of a question that can be asked about the past.
type AsOf struct {
	AtLeast
	AsOfSequence uint64 `query:"asOfSequence" minimum:"1" doc:"The order as it was known at that record of the log. Waits for the record as minSequence does."`
	AsOf         moment `query:"asOf" example:"2026-03-02T09:00:00Z" doc:"The order as it was known at that time received; for a day, at its end."`
}

// asked makes a question about a sequence wait for it: what was known then is not known before.
func (q AsOf) asked() AtLeast {
	q.MinSequence = max(q.MinSequence, q.AsOfSequence)
	return q.AtLeast
}

func (q AsOf) now() bool { return q.AsOfSequence == 0 && !q.AsOf.given }

// in returns the question with a day as the end of it there.
func (q AsOf) in(zone *time.Location) AsOf {
	if end := q.AsOf.end(zone); end != nil {
		q.AsOf = moment{Time: *end, given: true}
	}
	return q
}

// past is the moment asked for. The zero time, which is no bound there, is one here; a nanosecond later nothing was received either.
func (q AsOf) past() statemachine.AsOf {
	at := statemachine.AsOf{Sequence: q.AsOfSequence, Received: q.AsOf.Time}
	if q.AsOf.given && at.Received.IsZero() {
		at.Received = at.Received.Add(1)
	}
	return at
}

// orderAsOf returns the order as the views have it, or as it was known then.
func (a *API) orderAsOf(ctx context.Context, id string, q AsOf) (past statemachine.Past, at views.At, err error) {
	if q.now() {
		past.Order, at, err = a.views.Order(ctx, id)
		return past, at, noOrder(err, id, at.Applied)
	}
	past, at, err = a.past(ctx, id, q, func(asOf statemachine.AsOf) (statemachine.Past, error) { return a.history.AsOf(ctx, id, asOf) })
	if err == nil && past.Order.Count == 0 {
		err = fmt.Errorf("%w: all %d of the order by then", ErrMissing, past.Lost)
	}
	return past, at, err
}

// past asks for what was known of an order then. It returns where the views stood before it was read, so that Log-Sequence never
// claims more than the answer holds, and a tag never a newer epoch.
func (a *API) past(ctx context.Context, id string, q AsOf, ask func(statemachine.AsOf) (statemachine.Past, error)) (past statemachine.Past, at views.At, err error) {
	q = q.in(a.zone)
	if at, err = a.complete(ctx, q); err != nil {
		return past, at, err
	}
	past, err = ask(q.past())
	if err == nil && !past.Known() {
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
	return views.At{Generation: status.Generation, Lineage: status.Lineage, Applied: status.Checkpoint.Sequence}, err
}

// notYetKnown says when an order became known that was not so at the time asked for.
func notYetKnown(id string, first statemachine.Arrival) *Problem {
	p := problem(codeNotYetKnown, "The order %q became known at %s, by notification %d; nothing is known of it before.",
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
