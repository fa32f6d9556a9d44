package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/eventlog"
)

// Names of the ends of a stream in a subscription.
const (
	fromNow   = "now"
	fromStart = "start"
)

// apiSubscribers adapts the subscribers to the API.
type apiSubscribers struct{ subscribers *eventlog.Subscribers }

func (a apiSubscribers) Subscribers(ctx context.Context) ([]api.Subscriber, error) {
	all, err := a.subscribers.List(ctx)
	if err != nil {
		return nil, subscriberError(err)
	}
	shown := make([]api.Subscriber, len(all))
	for i := range all {
		shown[i] = newSubscriber(&all[i])
	}
	return shown, nil
}

func (a apiSubscribers) Subscribe(ctx context.Context, s api.SubscriberSettings) (added api.AddedSubscriber, err error) {
	want := eventlog.Subscription{Name: s.Name, Stream: s.Stream, MaxPending: s.MaxPending}
	switch s.From {
	case fromNow:
		want.From = eventlog.FromNow
	case fromStart:
		want.From = eventlog.FromStart
	default:
		if want.From, err = strconv.ParseUint(s.From, 10, 64); err != nil {
			return added, fmt.Errorf("the beginning %q: %w", s.From, err)
		}
	}
	for _, class := range s.AssetClass {
		want.AssetClasses = append(want.AssetClasses, strings.ToLower(class))
	}
	is, grant, err := a.subscribers.Add(ctx, want)
	if err != nil {
		return added, subscriberError(err)
	}
	return api.AddedSubscriber{Subscriber: newSubscriber(&is), CredentialsFile: textOrNil(grant.File), Permissions: textOrNil(grant.Permissions)}, nil
}

func (a apiSubscribers) Unsubscribe(ctx context.Context, name string) error {
	return subscriberError(a.subscribers.Remove(ctx, name))
}

// subscriberError translates an error for the API.
func subscriberError(err error) error {
	settings := errors.Is(err, eventlog.ErrSubscription)
	fault := (*eventlog.Fault)(nil)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, eventlog.ErrNoSubscriber):
		return api.ErrNoSubscriber
	case errors.Is(err, eventlog.ErrUnavailable):
		return fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	case settings || errors.Is(err, eventlog.ErrNoStream) || errors.Is(err, eventlog.ErrForeignFeed) || errors.As(err, &fault):
		text := strings.ReplaceAll(err.Error(), "eventlog: ", "")
		return &api.SubscriberRefusal{Settings: settings, Detail: strings.ToUpper(text[:1]) + text[1:] + "."}
	}
	return err
}

func newSubscriber(s *eventlog.Subscriber) api.Subscriber {
	shown := api.Subscriber{Name: s.Name, Stream: s.Stream, AssetClasses: []string{}, From: strconv.FormatUint(s.From, 10), MaxPending: s.MaxPending,
		Pending: s.Pending, Unacknowledged: s.Unacknowledged, Redelivered: s.Redelivered, CreatedAt: instant(s.Created),
		LastRequestAt: instant(s.LastRequest), StuckSince: instant(s.StuckSince), Problem: textOrNil(s.Problem)}
	switch s.From {
	case eventlog.FromNow:
		shown.From = fromNow
	case eventlog.FromStart:
		shown.From = fromStart
	}
	for _, class := range s.AssetClasses {
		shown.AssetClasses = append(shown.AssetClasses, strings.ToUpper(class))
	}
	return shown
}

// apiEvents adapts the feed to the API.
type apiEvents struct{ feed *eventlog.Feed }

func (a apiEvents) Place(ctx context.Context, sequence uint64) (p api.FeedPlace, err error) {
	bounds, err := a.feed.Bounds(ctx)
	if err != nil {
		return p, eventsError(err)
	}
	p = api.FeedPlace{FirstSequence: bounds.First, LastSequence: bounds.Last}
	if sequence == 0 {
		return p, nil
	}
	e, err := a.feed.Get(ctx, sequence)
	if errors.Is(err, eventlog.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return p, eventsError(err)
	}
	id := ""
	if values := e.Header["ce-id"]; len(values) > 0 {
		id = values[0]
	}
	if decoded, err := url.PathUnescape(id); err == nil {
		id = decoded
	}
	p.Event = &api.FeedEvent{Sequence: e.Sequence, ID: id}
	return p, nil
}

func eventsError(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrNoStream), errors.Is(err, eventlog.ErrForeignFeed):
		return fmt.Errorf("%w: %w", api.ErrNoFeed, err)
	case errors.Is(err, eventlog.ErrUnavailable):
		return fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	return err
}
