package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Get returns one event. Errors: ErrNotFound, also for a dropped event; ErrUnavailable.
func (f *Feed) Get(ctx context.Context, sequence uint64) (Event, error) {
	ctx, cancel := context.WithTimeout(ctx, feedPatience)
	defer cancel()
	if err := f.open(ctx); err != nil {
		return Event{}, err
	}
	stream, err := f.log.js.Stream(ctx, feedName)
	if err == nil && sequence > 0 {
		var msg *jetstream.RawStreamMsg
		if msg, err = stream.GetMsg(ctx, sequence); err == nil {
			return stored(msg), nil
		}
	}
	if sequence == 0 || errors.Is(err, jetstream.ErrMsgNotFound) {
		return Event{}, fmt.Errorf("%w: event %d", ErrNotFound, sequence)
	}
	return Event{}, f.failed(ctx, fmt.Sprintf("get event %d", sequence), err)
}

// Read yields the events after a sequence, up to the current end of the feed. Dropped events are
// skipped. Errors: ErrUnavailable.
func (f *Feed) Read(ctx context.Context, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		bounds, err := f.Bounds(ctx)
		if err == nil && bounds.Last > after && bounds.First <= bounds.Last {
			err = f.read(ctx, max(after+1, bounds.First), bounds.Last, yield)
		}
		if err != nil {
			yield(Event{}, err)
		}
	}
}

// Follow yields the events after a sequence, and then each new one, until ctx ends or an error
// occurs. The error wraps ErrUnavailable, and the cause of ctx if ctx ended.
func (f *Feed) Follow(ctx context.Context, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		_, err := f.Bounds(ctx)
		if err == nil {
			err = f.read(ctx, after+1, 0, yield)
		}
		if err != nil {
			yield(Event{}, err)
		}
	}
}

// read yields events from one sequence to another, or without end if until is 0.
func (f *Feed) read(ctx context.Context, from, until uint64, yield func(Event, error) bool) error {
	pull, err := f.log.pull(ctx, longestPatience, feedName, from)
	if err != nil {
		return err
	}
	defer pull.close()
	for quiet := 0; until == 0 || from <= until; {
		msg, err := pull.next(ctx)
		if err != nil {
			return err
		}
		if msg == nil { // a heartbeat: the server has nothing to deliver
			quiet++
			if from, err = f.dropped(ctx, from, until, quiet); err != nil {
				return err
			}
			continue
		}
		quiet = 0
		e, err := event(msg)
		if err != nil {
			return err
		}
		from = e.Sequence + 1
		if until != 0 && e.Sequence > until || !yield(e, nil) {
			return nil
		}
	}
	return nil
}

// dropped is called at a heartbeat, when the server has nothing to deliver. It returns from, or the
// sequence of the first event if the server has dropped those before it. quiet is the number of
// heartbeats since the last event.
func (f *Feed) dropped(ctx context.Context, from, until uint64, quiet int) (uint64, error) {
	if until == 0 {
		return from, nil
	}
	bounds, err := f.Bounds(ctx)
	if err == nil && bounds.First <= from && quiet > 1 {
		err = f.failed(ctx, "read the feed", fmt.Errorf("event %d is in the feed but was not delivered", from))
	}
	return max(from, bounds.First), err
}

func event(msg *nats.Msg) (Event, error) {
	sequence, stored, err := delivery(msg.Reply)
	if err != nil {
		return Event{}, fmt.Errorf("eventlog: read the feed: %w", err)
	}
	return Event{Sequence: sequence, Stored: stored.UTC(), Subject: msg.Subject, Header: msg.Header, Body: msg.Data}, nil
}

// LastRevision returns the last event about a revision. Errors: ErrNotFound, ErrUnavailable.
func (f *Feed) LastRevision(ctx context.Context) (Event, error) {
	ctx, cancel := context.WithTimeout(ctx, feedPatience)
	defer cancel()
	if err := f.open(ctx); err != nil {
		return Event{}, err
	}
	stream, err := f.log.js.Stream(ctx, feedName)
	if err == nil {
		var msg *jetstream.RawStreamMsg
		if msg, err = stream.GetLastMsgForSubject(ctx, revisionSubject); err == nil {
			return stored(msg), nil
		}
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Event{}, fmt.Errorf("%w: no revision", ErrNotFound)
	}
	return Event{}, f.failed(ctx, "get the last revision", err)
}

func stored(msg *jetstream.RawStreamMsg) Event {
	return Event{Sequence: msg.Sequence, Stored: msg.Time.UTC(), Subject: msg.Subject, Header: msg.Header, Body: msg.Data}
}
