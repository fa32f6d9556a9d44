package projector

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/views"
)

// Duty is the right to publish the feed, which one process at a time has. *eventlog.Lease is one.
type Duty interface {
	// Held reports whether this process has it now.
	Held() bool
}

// Revisions finds the last event of a revision in the feed. A feed of which more than one process can be the publisher has it.
type Revisions interface {
	LastRevision(ctx context.Context) (eventlog.Event, error)
}

// errNotMine: another process may publish.
var errNotMine = errors.New("projector: another process has the duty to publish")

// mine reports whether this process may publish.
func (p *Publisher) mine() bool { return p.o.Duty == nil || p.o.Duty.Held() }

// standBy has the publisher wait for the duty.
func (p *Publisher) standBy() {
	p.mode.Store(standby)
	p.unsure, p.back, p.ahead, p.state.Reason = true, nil, nil, ""
}

// watch has the views note how far the feed is that another process publishes. The place of the feed in the views is never before
// what they have, so an event of a later record waits until they have that.
func (p *Publisher) watch(ctx context.Context, at *views.Status) error {
	if p.ahead == nil {
		bounds, err := p.o.Events.Bounds(ctx)
		if err != nil {
			return err
		}
		s := at.Feed
		if bounds.Last == s.Sequence && s.On && s.Elsewhere && s.Reason == "" {
			return nil
		}
		if bounds.Last < s.Sequence { // it was made again
			s = views.Feed{}
		}
		if bounds.Last > s.Sequence {
			if s, err = p.last(ctx, s, bounds.Last, at); err != nil {
				return err
			}
		}
		if s.Generation == 0 { // another revision: the publisher has begun it, and ends it
			s.Generation, s.Revised = at.Generation, at.Revision.Number
		}
		s.On, s.Elsewhere, s.Reason = true, true, ""
		p.ahead = &s
	}
	if p.ahead.Through > at.Checkpoint.Sequence {
		return nil
	}
	s := *p.ahead
	p.ahead = nil
	return p.o.Views.SetFeed(ctx, at.Generation, s)
}

// succeed looks what the publisher before has left: after a revision that is not finished, or of other rules, all orders are published
// again. What resume found out stays.
func (p *Publisher) succeed(ctx context.Context, at *views.Status) error {
	revisions, has := p.o.Events.(Revisions)
	if !p.succeeded || !has {
		return nil
	}
	e, err := revisions.LastRevision(ctx)
	if errors.Is(err, eventlog.ErrNotFound) {
		p.succeeded = false
		return nil
	}
	if err != nil {
		return err
	}
	var last feed.Revision
	if err := json.Unmarshal(e.Body, &last); err != nil {
		return err
	}
	if last.State != feed.Finished && p.state.Pass == nil || last.FoldVersions[1] != at.FoldVersion {
		p.state.Generation = 0
	}
	p.succeeded = false
	return nil
}
