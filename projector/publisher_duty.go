package projector

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/views"
)

// Duty is the right to publish the feed, which at most one process has at a time. *eventlog.Lease
// implements it.
type Duty interface {
	// Held reports whether this process has the duty now.
	Held() bool
}

// Revisions finds the last event of a revision. A feed that several processes may publish
// implements it.
type Revisions interface {
	LastRevision(ctx context.Context) (eventlog.Event, error)
}

// errNotMine occurs when another process may publish.
var errNotMine = errors.New("projector: another process has the duty to publish")

// mine reports whether this process may publish.
func (p *Publisher) mine() bool { return p.o.Duty == nil || p.o.Duty.Held() }

// standBy makes the publisher wait for the duty.
func (p *Publisher) standBy() {
	p.mode.Store(standby)
	p.unsure, p.back, p.ahead, p.state.Reason = true, nil, nil, ""
}

// watch stores in the views the position up to which another process has published the feed. The
// views must not report events of records that they do not have, so a later position is stored once
// they have its record.
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
		if bounds.Last < s.Sequence { // the feed was recreated
			s = views.Feed{}
		}
		if bounds.Last > s.Sequence {
			if s, err = p.last(ctx, s, bounds.Last, at); err != nil {
				return err
			}
		}
		if s.Generation == 0 { // another revision, which its publisher will finish
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

// succeed examines the state that the previous publisher left. If its last revision is unfinished,
// or was made by other rules, every order is published again.
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
	_ = json.Unmarshal(e.Body, &last) // a revision that cannot be read is published again, like an unfinished one
	if last.State != feed.Finished && p.state.Pass == nil || last.FoldVersions[1] != at.FoldVersion {
		p.state.Generation = 0
	}
	p.succeeded = false
	return nil
}
