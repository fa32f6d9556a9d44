package api

import (
	"context"

	"github.com/orderfold/orderfold/projector/views"
)

// snapshotWalk walks through the list, newest first. An order that changes meanwhile leaves the
// remaining part and is sent as a change afterwards, so the remaining part is as it was when the
// walk began.
type snapshotWalk struct {
	query   views.Query
	page    int
	applied uint64
	last    bool
}

func (r *streamReader) sendSnapshot(ctx context.Context) error {
	s := snapshotWalk{query: r.query}
	s.query.Limit = walkPage
	for !s.last {
		err := r.walk(ctx, func() error { return r.sendSnapshotPage(ctx, &s) })
		if replaced(err) {
			s = snapshotWalk{query: s.query}
			s.query.Cursor = ""
			continue
		}
		if err != nil {
			return err
		}
	}
	r.at, r.sent = s.applied, s.applied
	return nil
}

func (r *streamReader) sendSnapshotPage(ctx context.Context, s *snapshotWalk) error {
	page, err := r.views.Orders(ctx, s.query)
	if err != nil {
		return err
	}
	if s.page == 0 {
		s.applied = page.Applied
	}
	s.query.Cursor, s.last = page.Next, page.Next == ""
	for rest := page.Orders; ; {
		event := StreamSnapshot{Orders: []Order{}, Applied: s.applied}
		for size := 0; len(rest) > 0 && size < snapshotBytes; rest = rest[1:] {
			if rest[0].Last.Sequence > s.applied {
				continue // changed meanwhile, and sent as a change
			}
			event.Orders = append(event.Orders, newOrder(&rest[0], r.query.Settling))
			size += sizeOf(&rest[0])
		}
		s.page++
		event.Page, event.Last = s.page, s.last && len(rest) == 0
		id := ""
		if event.Last {
			id = r.hub.ids.of(ctx, s.applied)
		}
		if err := r.write(appendEvent(nil, eventSnapshot, id, eventData(event))); err != nil {
			return err
		}
		r.hub.metrics.events.WithLabelValues(eventSnapshot).Inc()
		if len(rest) == 0 {
			return nil
		}
	}
}
