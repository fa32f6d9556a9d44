package api

import (
	"context"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// AsOf contains the parameters of a question that can be asked about the past.
type AsOf struct {
	AtLeast
	AsOfSequence uint64 `query:"asOfSequence" minimum:"1" doc:"The order as it was known at that record of the log. Waits for the record as minSequence does."`
	AsOf         moment `query:"asOf" example:"2026-03-02T09:00:00Z" doc:"The order as it was known at that time received; for a day, at its end."`
}

// asked makes a question about a sequence wait for that record, because its state is not known
// until the views have applied the record.
func (q AsOf) asked() AtLeast {
	q.MinSequence = max(q.MinSequence, q.AsOfSequence)
	return q.AtLeast
}

func (q AsOf) now() bool { return q.AsOfSequence == 0 && !q.AsOf.given }

// in returns the question with a day replaced by the end of that day in zone.
func (q AsOf) in(zone *time.Location) AsOf {
	if end := q.AsOf.end(zone); end != nil {
		q.AsOf = moment{Time: *end, given: true}
	}
	return q
}

// past returns the moment asked for. The zero time means "no bound" to the state machine, so a zero
// time that was asked for becomes one nanosecond later, when nothing had been received either.
func (q AsOf) past() statemachine.AsOf {
	at := statemachine.AsOf{Sequence: q.AsOfSequence, Received: q.AsOf.Time}
	if q.AsOf.given && at.Received.IsZero() {
		at.Received = at.Received.Add(1)
	}
	return at
}

// orderAsOf returns the order as it is in the views, or as it was known at the moment asked for.
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

// past asks what was known of an order at the moment asked for. It returns the position of the
// views before that read, so that Log-Sequence never claims more than the answer contains, and a
// tag never has a newer epoch.
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

// complete returns the position of the views as soon as they have applied everything received up to
// the moment asked for. They have done so for a sequence that was waited for, and for any time up
// to that of the last record applied. For a later time, the end of the log decides.
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
			// Another generation has been promoted.
			return views.At{}, behind(bounds.Last).at(status.Checkpoint.Sequence)
		}
	}
	return views.At{Generation: status.Generation, Lineage: status.Lineage, Applied: status.Checkpoint.Sequence}, err
}

// notYetKnown reports when an order became known that was unknown at the time asked for.
func notYetKnown(id string, first statemachine.Arrival) *Problem {
	p := problem(codeNotYetKnown, "The order %q became known at %s, by notification %d; nothing is known of it before.",
		id, instant(first.Received), first.Sequence)
	p.FirstSequence, p.FirstReceivedAt = first.Sequence, instant(first.Received)
	return p
}

// unavailable wraps an error of the log as ErrUnavailable, unless the caller gave up.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
