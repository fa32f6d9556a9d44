package projector

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"go.uber.org/zap"
)

// passOrders is the number of orders published at once. Live events wait for them, some
// milliseconds. It is a variable for tests.
var passOrders = 500

const (
	// passPause is the pause while the views have not yet folded all published records.
	passPause = 20 * time.Millisecond
	// byFeed is the cause of a revision with which a feed begins.
	byFeed = "feed"
	// maxRedrives bounds the redrive steps whose orders are kept; beyond that, every order is
	// published again.
	maxRedrives = 1000
)

// redriven are the orders that a redrive changed, from one revision of the views to another.
type redriven struct {
	before, after int64
	orders        []string
}

// redriving runs a redrive step and records the changed orders before the projector begins again.
// Otherwise every order would be published.
func (p *Publisher) redriving(ctx context.Context, v Quarantine, f *redriveStep) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := v.Redrive(ctx, f.finish); err != nil {
		return err
	}
	signal(p.wake)
	_, at, err := v.SequencesAfter(ctx, "", 0, 1) // without an order: only the revision is needed
	if err != nil && !errors.Is(err, views.ErrNotFound) || at.Revision == f.at.Revision {
		p.redriven = nil
		return nil // done: no order changed, or every order is published
	}
	orders := make([]string, len(f.orders))
	for i, o := range f.orders {
		orders[i] = o.order.ID
	}
	p.redriven = append(p.redriven, redriven{f.at.Revision.Number, at.Revision.Number, orders})
	if len(p.redriven) > maxRedrives {
		p.redriven = nil
	}
	return nil
}

// redrivenSince returns the orders that redrives changed between two revisions, or nil if they are
// unknown.
func (p *Publisher) redrivenSince(before, after int64) (orders []string) {
	all := p.redriven
	p.redriven = nil
	for _, r := range all {
		if r.before == before {
			orders, before = append(orders, r.orders...), r.after
		}
	}
	if before != after {
		return nil
	}
	slices.Sort(orders)
	return slices.Compact(orders)
}

// revise begins a revision of the feed if the views are not those from which it was published.
func (p *Publisher) revise(ctx context.Context, at *views.Status) error {
	s := &p.state
	if s.Generation == at.Generation && s.Revised == at.Revision.Number {
		return nil
	}
	pass := &views.Pass{Cause: at.Revision.Cause, FoldVersions: [2]string{at.FoldVersion, at.FoldVersion}, All: true}
	var only []string
	switch {
	case s.Generation == 0:
		if pass.Cause == "" || s.Revision == 0 {
			pass.Cause = byFeed
		}
	case s.Generation != at.Generation:
		pass.Before, pass.All = s.Generation, s.Revised != at.Revision.Number
		pass.Cause = views.ByRebuild
		if from := p.o.Former.FormerVersion(ctx, s.Generation); from != "" {
			pass.FoldVersions[0] = from
		}
	case at.Revision.Cause == views.ByEpoch: // later sequences may belong to other records than those of the published events
		s.Through = min(s.Through, at.Revision.Sequence)
	default:
		only = p.redrivenSince(s.Revised, at.Revision.Number)
	}
	if s.Pass != nil { // the running revision is never finished
		pass.All, only = true, nil
	}
	pass.Since = s.Through
	s.Revision = max(s.Revision+1, uint64(time.Now().UnixMilli()))
	if err := p.sendRevision(ctx, pass, feed.Started); err != nil {
		return err
	}
	p.log.Info("a revision of the feed begins", zap.Uint64("revision", s.Revision), zap.String("cause", pass.Cause), zap.Bool("every_order", pass.All && only == nil))
	pass.From = s.Sequence
	s.Generation, s.Revised, s.Pass = at.Generation, at.Revision.Number, pass
	p.only, p.skip = only, nil
	return p.keep(ctx)
}

func (p *Publisher) sendRevision(ctx context.Context, pass *views.Pass, state string) error {
	r := feed.Revision{Revision: p.state.Revision, State: state, Cause: pass.Cause, FoldVersions: pass.FoldVersions}
	if state == feed.Finished {
		r.Corrected, r.Withdrawn = &pass.Corrected, &pass.Withdrawn
	}
	return p.send(ctx, []feed.Event{feed.Revise(r, p.state.Through, time.Now().UTC())}, p.state.Through)
}

// resumePass finds out which orders were published beyond the rows that a pass had recorded as
// done.
func (p *Publisher) resumePass(ctx context.Context) error {
	p.skip = nil
	pass := p.state.Pass
	if pass == nil {
		return nil
	}
	skip := map[string]bool{}
	for e, err := range p.o.Events.Read(ctx, pass.From) {
		if err != nil {
			return err
		}
		revision, _, err := placeOf(&e)
		if err != nil || revision != p.state.Revision {
			continue
		}
		switch feed.Type(first(&e, feed.HeaderType)) {
		case feed.Corrected, feed.Withdrawn:
			skip[feed.Decode(first(&e, feed.HeaderSubject))] = true
		case feed.RevisionOf:
			if feed.IsFinished(e.Body) {
				p.state.Pass = nil
				return nil
			}
		}
	}
	p.skip = skip
	return nil
}

// pass publishes the next orders of a revision, or its end.
func (p *Publisher) pass(ctx context.Context) error {
	pass := p.state.Pass
	var events []feed.Event
	var next views.Pass // the pass once the events are published
	var done bool
	var err error
	switch {
	case pass.Withdrawing:
		events, next, done, err = p.withdrawals(ctx)
	case p.only != nil:
		events, next, done, err = p.redrivenOrders(ctx)
	default:
		events, next, done, err = p.corrections(ctx)
	}
	if err != nil {
		return err
	}
	if err := p.send(ctx, events, p.state.Through); err != nil {
		return err
	}
	// Events of rows still to come must not be skipped; another process that finishes a redrive
	// starts with the first row.
	if p.only == nil && len(p.skip) == 0 {
		next.From = p.state.Sequence
	}
	p.state.Pass = &next
	if done {
		if err := p.sendRevision(ctx, &next, feed.Finished); err != nil {
			return err
		}
		p.log.Info("a revision of the feed is finished", zap.Uint64("revision", p.state.Revision), zap.Uint64("corrected", next.Corrected),
			zap.Uint64("withdrawn", next.Withdrawn))
		p.state.Pass, p.only, p.skip = nil, nil, nil
	}
	return p.keep(ctx)
}

// corrections returns the events of the orders in the next rows that must be published again.
func (p *Publisher) corrections(ctx context.Context) (events []feed.Event, next views.Pass, done bool, err error) {
	next = *p.state.Pass
	rows, err := p.o.Views.RowsAfter(ctx, next.Row, passOrders)
	if err == nil {
		err = p.mayCorrect(&rows.At)
	}
	if err != nil {
		return nil, next, false, err
	}
	former, err := p.former(ctx, &next, rows.Orders)
	if err != nil {
		return nil, next, false, err
	}
	for i := range rows.Orders {
		o := &rows.Orders[i]
		before := former[o.ID]
		if p.published(o.ID) {
			next.Corrected++
			continue
		}
		if o.Changed > next.Since || !next.All && before.Equals(o) {
			continue
		}
		events = append(events, feed.Correct(o, before.State, time.Now().UTC(), p.o.Render))
		next.Corrected++
	}
	if rows.Last > 0 {
		next.Row = rows.Last
	}
	if len(rows.Orders) == passOrders {
		return events, next, false, nil
	}
	if next.Before == 0 {
		return events, next, true, nil
	}
	next.Withdrawing, next.Row = true, 0
	return events, next, false, nil
}

// published reports whether the pass has already published that order, and forgets it.
func (p *Publisher) published(id string) bool {
	was := p.skip[id]
	delete(p.skip, id)
	return was
}

// mayCorrect requires the views of the revision, with all records whose events were published.
func (p *Publisher) mayCorrect(at *views.At) error {
	if at.Generation != p.state.Generation || at.Revision.Number != p.state.Revised {
		return errRevised
	}
	if at.Applied < p.state.Pass.Since {
		return errNotYet
	}
	return nil
}

// errNotYet occurs when events were published for records that the views do not have yet.
var errNotYet = errors.New("projector: the views have not come as far as the feed")

// former returns the orders as they were in the previous generation. If that is gone, every order
// is published.
func (p *Publisher) former(ctx context.Context, pass *views.Pass, orders []statemachine.Order) (map[string]views.Former, error) {
	if pass.Before == 0 || len(orders) == 0 {
		return nil, nil
	}
	ids := make([]string, len(orders))
	for i := range orders {
		ids[i] = orders[i].ID
	}
	former, err := p.o.Former.FormerOrders(ctx, pass.Before, ids)
	if errors.Is(err, views.ErrNoPrevious) {
		p.log.Warn("every order is published again: which ones are the same as before is not known", zap.Error(err))
		pass.All, pass.Before = true, 0
		return nil, nil
	}
	return former, err
}

// redrivenOrders returns the events of the orders that redrives changed.
func (p *Publisher) redrivenOrders(ctx context.Context) (events []feed.Event, next views.Pass, done bool, err error) {
	next = *p.state.Pass
	at, err := p.o.Views.RowsAfter(ctx, 0, 1)
	if err == nil {
		err = p.mayCorrect(&at.At)
	}
	if err != nil {
		return nil, next, false, err
	}
	ids := p.only[:min(passOrders, len(p.only))]
	orders, err := p.o.Former.Load(ctx, ids)
	if err != nil {
		return nil, next, false, err
	}
	for _, id := range ids {
		if e, is := orders[id]; is && e.Order.Changed <= next.Since {
			events = append(events, feed.Correct(e.Order, nil, time.Now().UTC(), p.o.Render))
			next.Corrected++
		}
	}
	p.only = p.only[len(ids):]
	return events, next, len(p.only) == 0, nil
}

// withdrawals returns the events of the next orders of the previous generation that no longer
// exist.
func (p *Publisher) withdrawals(ctx context.Context) (events []feed.Event, next views.Pass, done bool, err error) {
	next = *p.state.Pass
	former, last, err := p.o.Former.FormerRows(ctx, next.Before, next.Row, 5*passOrders)
	if errors.Is(err, views.ErrNoPrevious) {
		p.log.Warn("which orders do not exist any more is not known", zap.Error(err))
		return nil, next, true, nil
	}
	if err != nil || len(former) == 0 {
		return nil, next, err == nil, err
	}
	ids := make([]string, len(former))
	for i := range former {
		ids[i] = former[i].ID
	}
	exist, err := p.o.Former.Load(ctx, ids)
	if err != nil {
		return nil, next, false, err
	}
	for i := range former {
		f := &former[i]
		if _, is := exist[f.ID]; is {
			continue
		}
		if next.Withdrawn++; !p.published(f.ID) {
			events = append(events, feed.Withdraw(f.ID, next.Since, f.State, time.Now().UTC()))
		}
	}
	next.Row = last
	return events, next, false, nil
}
