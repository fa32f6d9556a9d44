package projector

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// run publishes missed events and revisions, beside the projector, until ctx ends.
func (p *Publisher) run(ctx context.Context) {
	timer := time.NewTimer(feedPause)
	defer timer.Stop()
	for ctx.Err() == nil {
		pause := p.step(ctx)
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-p.wake:
		case <-ctx.Done():
		}
	}
}

// step does one piece of work, and returns how long to wait before the next one.
func (p *Publisher) step(ctx context.Context) (pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode.Load() == idle {
		return feedPause
	}
	at, err := p.o.Views.Status(ctx)
	if err == nil {
		pause, err = p.stepAt(ctx, &at)
	}
	switch {
	case err == nil:
		return pause
	case errors.Is(err, views.ErrSwitched) || errors.Is(err, errRevised):
		signal(p.again)
	case errors.Is(err, errNotYet):
		return pause + passPause
	case ctx.Err() == nil && p.mode.Load() != standby && !errors.Is(err, views.ErrNoViews):
		p.fail(ctx, at.Generation, err)
		return p.pause
	}
	return feedPause
}

func (p *Publisher) stepAt(ctx context.Context, at *views.Status) (pause time.Duration, err error) {
	mode := p.mode.Load()
	switch mine := p.mine(); {
	case !mine && mode != standby:
		p.standBy()
		signal(p.again) // the projector begins again, and makes no more events
		return feedPause, nil
	case !mine:
		return feedPause, p.watch(ctx, at)
	case mode == standby:
		p.log.Info("this process publishes the feed from now on")
		p.succeeded = true
		p.beginAgain()
		return feedPause, nil
	}
	if mode == behind && p.unsure {
		bounds, err := p.o.Log.Bounds(ctx)
		if err != nil {
			return feedPause, err
		}
		if err := p.resume(ctx, at, bounds.Last); err != nil {
			return feedPause, err
		}
	}
	if p.state.Generation != at.Generation || p.state.Revised != at.Revision.Number {
		signal(p.again)
		return max(feedPause, p.pause), nil
	}
	switch {
	case mode == live && p.state.Pass != nil:
		return time.Millisecond, p.pass(ctx)
	case mode == live:
		return feedPause, nil
	case at.Checkpoint.Sequence <= p.state.Through: // the projector begins again, and publishes what it has folded meanwhile
		signal(p.again)
		return feedPause, nil
	}
	if err := p.catchUp(ctx, at.Checkpoint.Sequence); err != nil {
		return feedPause, err
	}
	return 0, p.keep(ctx)
}

// beginAgain makes the projector begin again, as if no other process published.
func (p *Publisher) beginAgain() {
	p.mode.Store(behind)
	p.unsure, p.back = true, nil
	signal(p.again)
}

const (
	// hindsightOrders is the number of orders kept decoded, and hindsightBytes the bytes read at
	// once.
	hindsightOrders = 10_000
	hindsightBytes  = 8 << 20
)

// hindsight repeats the fold of records that the views already contain, with the orders as they
// were at the time.
type hindsight struct {
	historian *Historian
	through   uint64
	batcher   *fold.Batcher
}

// Load returns the orders as they were at the time.
func (h *hindsight) Load(ctx context.Context, ids []string) (map[string]views.Entry, error) {
	orders := map[string]views.Entry{}
	if h.through == 0 {
		return orders, nil
	}
	for _, id := range ids {
		past, err := h.historian.AsOf(ctx, id, statemachine.AsOf{Sequence: h.through})
		if errors.Is(err, views.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if past.Order.Count > 0 {
			orders[id] = views.Entry{Order: &past.Order}
		}
	}
	return orders, nil
}

// catchUp publishes the events of some of the next records up to until.
func (p *Publisher) catchUp(ctx context.Context, until uint64) error {
	events, through, err := p.foldAgain(ctx, until)
	if err != nil {
		return err
	}
	if err := p.send(ctx, events, 0); err != nil {
		return err
	}
	p.state.Through = through
	return nil
}

// foldAgain folds the next records again, at most a thousand.
func (p *Publisher) foldAgain(ctx context.Context, until uint64) (events []feed.Event, through uint64, err error) {
	if p.back == nil || p.back.through != p.state.Through {
		p.back = &hindsight{historian: p.historian, through: p.state.Through}
		p.back.batcher = fold.NewBatcher(p.back, hindsightOrders)
		p.back.batcher.Publish(p.o.Render, 0)
	}
	back := p.back
	p.back = nil // unusable after an error
	var records []eventlog.Record
	bytes := 0
	for r, err := range p.o.Log.Read(ctx, eventlog.Position{Sequence: back.through}) {
		if err != nil {
			return nil, 0, err
		}
		if r.Sequence > until {
			break
		}
		records = append(records, r)
		if bytes += len(r.Body); uint64(len(records)) == nearFeed || bytes > hindsightBytes {
			break
		}
	}
	// Without records, the remaining ones are missing from the log, and their loss was accepted.
	if len(records) == 0 {
		return nil, until, ctx.Err()
	}
	m, err := back.batcher.Fold(ctx, records)
	if err != nil {
		return nil, 0, err
	}
	back.through = records[len(records)-1].Sequence
	p.back = back
	return m.Events, back.through, nil
}
