package api

import (
	"context"
	"errors"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// StreamDay reports that another day began in Berlin, so that orders which were due are overdue.
// The orders follow whose settlement.state changes with the day.
type StreamDay struct {
	Today          string `json:"today" format:"date"`
	Before         string `json:"before" format:"date" doc:"The day for which orders were shown until now. After a resume it is the day on which the last event's record was received, so the client may already have what follows."`
	SettlementDays int    `json:"settlementDays" doc:"Settlement days after before, up to today: add it to overdueDays of an order that was already overdue. Such orders are not sent."`
}

// day returns the day for which the window shows orders.
func (w *window) day() statemachine.Day {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.today
}

// newDay reports that a day began, and sends the orders that become due or overdue with it, if the
// filters select them or did so until now. Orders that also changed are sent with the changes, see
// concerns.
func (r *streamReader) newDay(ctx context.Context, today statemachine.Day) error {
	r.before = r.query
	before := &r.before
	// The window has dropped the changes kept for the day before.
	r.query.Today, r.live = today, false
	event := appendEvent(nil, eventDay, "", eventData(StreamDay{today.String(), before.Today.String(), before.Schedule.Between(before.Today, today)}))
	if err := r.write(event); err != nil {
		return err
	}
	r.hub.metrics.events.WithLabelValues(eventDay).Inc()
	q := r.query
	q.Settlement = []statemachine.SettlementState{statemachine.SettlesToday, statemachine.Overdue}
	q.Due, q.Limit = statemachine.Days{First: before.Today, Last: today}, walkPage
	if before.Due != (statemachine.Days{}) {
		q.Due = q.Due.And(before.Due)
	}
	for more := true; more; {
		err := r.walk(ctx, func() error {
			page, err := r.views.Orders(ctx, q)
			if err != nil {
				return err
			}
			q.Cursor, more = page.Next, page.Next != ""
			r.turned = max(r.turned, page.Applied)
			return r.sendDue(page.Orders)
		})
		switch {
		case replaced(err):
			q.Cursor = ""
		case err != nil:
			return err
		}
	}
	return nil
}

// sendDue sends the orders that are selected, or were selected on the day before.
func (r *streamReader) sendDue(orders []statemachine.Order) error {
	var b []byte
	for i := range orders {
		o := &orders[i]
		state := o.State()
		matches := r.query.Matches(o, &state)
		if o.Last.Sequence > r.at || !matches && !r.before.Matches(o, &state) {
			continue
		}
		e := StreamOrder{Order: newOrder(o, r.query.Settling), Cause: StreamCause{Sequence: o.Last.Sequence}, StatusBefore: known(state.Status), Matches: matches}
		b = appendEvent(b, eventOrder, "", eventData(e))
		r.hub.metrics.events.WithLabelValues(eventOrder).Inc()
	}
	return r.write(b)
}

// dayOf returns the day on which the record was received, or the first day of all if that is
// unknown.
func (a *API) dayOf(ctx context.Context, sequence uint64) statemachine.Day {
	if sequence == 0 { // before the first record, no order is known
		return statemachine.AllDays.Last
	}
	record, err := a.log.Record(ctx, sequence)
	if err != nil {
		return statemachine.AllDays.First
	}
	return statemachine.BerlinDay(record.Received)
}

// replaced reports whether a walk must begin again because other views are served than those that
// made its cursor.
func replaced(err error) bool {
	return errors.Is(err, views.ErrCursorExpired) || errors.As(err, new(*views.BehindError))
}
