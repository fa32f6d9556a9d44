package platform

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog"
)

// Reason is why an order is asked about.
type Reason string

// The reasons.
const (
	IsNew    Reason = "new"   // the platform has not answered about it yet
	IsBroken Reason = "break" // the known facts contradict each other
	WasQuiet Reason = "quiet" // it has been quiet for too long
)

const (
	// lookBack is how far back the scan begins after a start, because the previous run may not have
	// reached those orders.
	lookBack = 48 * time.Hour
	// pageOrders is the number of orders that one search reads in a round.
	pageOrders = 200
	// maxSilence bounds the growing pauses between requests about a quiet order.
	maxSilence = 7 * 24 * time.Hour
)

// unanswerable are the breaks that no answer of the platform can resolve: they are about clocks and
// ids.
var unanswerable = []string{"clock_skew", "source_conflict"}

// search visits orders by their last notification, oldest first. A notification moves its order to the
// end, so a search that only goes forward visits that order again. A search for quiet orders that are
// not final starts again when it has reached the end.
type search struct {
	status *string       // nil: all orders, to find new ones and those with breaks
	final  bool          // the search only goes forward; with a status, it selects final orders, otherwise the others
	age    time.Duration // how long an order must have been quiet
	back   time.Duration // how far before now a search that only goes forward begins

	begun bool
	after uint64
	next  time.Time
}

// look finds orders to ask about in a page of each search that is due, and reports whether there
// are more pages.
func (a *Asker) look(ctx context.Context) (more bool, err error) {
	now := time.Now()
	var errs []error
	a.book.forgetBefore(a.searches[0].after, now.Add(-a.options.Spacing))
	for _, s := range a.searches {
		if now.Before(s.next) || a.book.full() {
			continue
		}
		atEnd, err := a.advance(ctx, s, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !atEnd {
			more = true
		} else {
			s.next = now.Add(min(max(s.age/20, a.pause), time.Minute))
			if s.status != nil && !s.final {
				s.after = 0
			}
		}
	}
	return more, errors.Join(errs...)
}

// advance reads a page and reports whether the search reached orders that were notified too
// recently, or the end.
func (a *Asker) advance(ctx context.Context, s *search, now time.Time) (atEnd bool, err error) {
	if s.final && !s.begun {
		if s.after, err = lastBefore(ctx, a.options.Log, now.Add(-s.back)); err != nil {
			return false, err
		}
		s.begun = true
	}
	q := Quiet{Status: s.status, After: s.after, Limit: pageOrders}
	if s.status != nil {
		q.Final = &s.final
	}
	orders, err := a.options.Orders.Quiet(ctx, q)
	if err != nil {
		return false, err
	}
	for i := range orders {
		o := &orders[i]
		if touched(o, now, max(a.options.Settle, s.age)) || a.book.full() {
			return true, nil
		}
		if err := a.consider(ctx, s, o, now); err != nil {
			// Wait for a log that is unavailable. Any other failure is this order's own, and the
			// others continue.
			if _, away := a.options.Log.Bounds(ctx); away != nil {
				return false, away
			}
			a.setAside(s, o, err, now)
		}
		s.after = o.LastSequence
	}
	return len(orders) < pageOrders, nil
}

// touched reports whether the last notification of the order was received less than within ago. A time
// that is further than within in the future is ignored: the clock was set back.
func touched(o *Order, now time.Time, within time.Duration) bool {
	since := now.Sub(o.LastReceived)
	return since < within && since > -within
}

func (a *Asker) consider(ctx context.Context, s *search, o *Order, now time.Time) error {
	if !a.book.open(o) {
		return nil
	}
	candidate := Reason("")
	if s.status != nil {
		// The longer an order stays quiet although the platform was asked, the less often the
		// platform is asked.
		if !o.Final && now.Sub(o.LastReceived) < min(o.LastReceived.Sub(o.LastNews)/2, maxSilence) {
			return nil
		}
		candidate = WasQuiet
	}
	reason, err := a.reason(ctx, o, candidate)
	if errors.Is(err, eventlog.ErrNotFound) {
		a.metrics.skipped.Inc()
		a.book.skip(err)
		a.log.Warn("the last record of an order is lost: asking the platform about the order", zap.String("order", o.ID),
			zap.Uint64("sequence", o.LastSequence))
		err = nil
	}
	if err == nil && reason != "" {
		a.book.add(o, reason, now, a.options.Spacing)
	}
	return err
}

// setAside makes an order that cannot be examined pending, so that it is tried again later, with growing
// pauses.
func (a *Asker) setAside(s *search, o *Order, err error, now time.Time) {
	reason := IsNew
	if s.status != nil {
		reason = WasQuiet
	}
	a.metrics.skipped.Inc()
	a.book.skip(err)
	a.log.Warn("an order cannot be examined; continuing with the others", zap.String("order", o.ID), zap.Error(err))
	a.book.add(o, reason, now.Add(a.options.Spacing), a.options.Spacing)
}

// reason returns why the platform must be asked about the order; "" if it need not be asked. The caller
// determines whether the order was quiet and passes WasQuiet as candidate. If the last record of the
// order is an answer, there is no reason, except for a quiet order that is not final. An error that
// wraps eventlog.ErrNotFound means that the last record is lost; the reason returned with that error
// is valid, because only the platform can replace the record.
func (a *Asker) reason(ctx context.Context, o *Order, candidate Reason) (Reason, error) {
	reason := Reason("")
	switch {
	case candidate == WasQuiet:
		reason = WasQuiet
	case !o.Fetched:
		reason = IsNew
	case slices.ContainsFunc(o.Breaks, func(code string) bool { return !slices.Contains(unanswerable, code) }):
		reason = IsBroken
	}
	if reason == "" || reason == WasQuiet && !o.Final {
		return reason, nil
	}
	last, err := a.options.Log.Get(ctx, o.LastSequence)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return reason, err
	case err != nil:
		return "", err
	case last.Source == eventlog.Fetched:
		return "", nil
	}
	return reason, nil
}

// lastBefore returns the sequence of the last record that was received before t, 0 if there is
// none. If records are lost, it may return an earlier one, never a later one.
func lastBefore(ctx context.Context, log Log, t time.Time) (uint64, error) {
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return 0, err
	}
	low, high := bounds.First-1, bounds.Last // everything up to low is before t, and nothing after high
	for low < high {
		middle := low + (high-low+1)/2
		record, err := firstFrom(ctx, log, middle, high)
		switch {
		case err != nil:
			if _, away := log.Bounds(ctx); away != nil {
				return 0, away
			}
			high = middle - 1
		case record.Received.Before(t):
			low = record.Sequence
		default:
			high = record.Sequence - 1
		}
	}
	return low, nil
}

// firstFrom returns the record at first or, if it cannot be read, a later one up to last, with steps
// that double.
func firstFrom(ctx context.Context, log Log, first, last uint64) (record eventlog.Record, err error) {
	for step := uint64(0); first+step <= last; step = 2*step + 1 {
		if record, err = log.Get(ctx, first+step); err == nil {
			return record, nil
		}
	}
	return record, err
}
