package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// Subscribers manages the services that follow the log or the feed, each with its own durable
// consumer. Its methods may be called from any goroutine.
type Subscribers struct {
	log   *Log
	feed  *Feed
	now   func() time.Time
	began time.Time // when this process began to observe subscribers

	changing sync.Mutex // held while a subscriber is added or removed

	mu    sync.Mutex
	asked map[string]time.Time // when a waiting request was last seen, by stream and name
}

// Subscribers returns the subscribers of the log and of its feed. No request is sent before a
// method is called.
func (l *Log) Subscribers() *Subscribers {
	return &Subscribers{log: l, feed: l.Feed(FeedOptions{Keep: true}), now: time.Now, began: time.Now(),
		asked: map[string]time.Time{}}
}

// Grant is what a new subscriber needs in order to connect. One of the two fields is set.
type Grant struct {
	File        string // the path of a file with the URL, including the credentials, for the embedded server
	Permissions string // what to add to the configuration of an external server
}

// Add creates the consumer of a subscriber and, on the embedded server, its user. For an existing
// subscriber with the same settings, Add creates whichever of the two is missing. Errors:
// ErrSubscription, ErrSubscriberTaken, ErrNotHere, ErrNoStream if the feed does not exist,
// ErrUnavailable. An error that an operator can correct is a *Fault.
func (s *Subscribers) Add(ctx context.Context, want Subscription) (Subscriber, Grant, error) {
	want.AssetClasses = inOrder(want.AssetClasses)
	if err := want.check(); err != nil {
		return Subscriber{}, Grant{}, err
	}
	if err := s.changeable(); err != nil {
		return Subscriber{}, Grant{}, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	created, err := s.addConsumer(ctx, &want)
	if err != nil {
		return Subscriber{}, Grant{}, err
	}
	grant := Grant{Permissions: want.permissions()}
	if s.log.embedded != nil {
		grant.Permissions = ""
		if grant.File, err = s.log.embedded.AddSubscriber(want.Name, want.streamOf()); err != nil {
			if created {
				err = errors.Join(err, s.log.js.DeleteConsumer(ctx, want.streamOf(), want.Name))
			}
			return Subscriber{}, Grant{}, err
		}
	}
	if created {
		s.log.logger.Info("subscriber added", zap.String("name", want.Name), zap.String("stream", want.Stream))
	}
	added, err := s.one(ctx, want.streamOf(), want.Name)
	return added, grant, err
}

// changeable returns an error if the log is not open, or its server is embedded in another process.
func (s *Subscribers) changeable() error {
	if err := s.log.notOpen(); err != nil {
		return err
	}
	if s.log.embedded != nil || s.log.conn.ConnectedServerName() != embedded.ServerName {
		return nil
	}
	return &Fault{Err: fmt.Errorf("%w: the log is in the embedded server of another process, and only that process can change its users", ErrNotHere),
		Hint: "use the API of that process (orderfold serve), or keep the log on a separate NATS server"}
}

// addConsumer creates the consumer, unless one with the same settings exists.
func (s *Subscribers) addConsumer(ctx context.Context, want *Subscription) (created bool, err error) {
	for _, stream := range []string{streamName, feedName} {
		have, err := s.consumer(ctx, stream, want.Name)
		if err != nil {
			return false, err
		}
		if have == nil {
			continue
		}
		if have.Config.Metadata[subscriberKey] == "" {
			return false, &Fault{Err: fmt.Errorf("%w: the stream %s has a consumer %s that was created by hand", ErrSubscriberTaken, stream, want.Name),
				Hint: "choose another name, or delete that consumer"}
		}
		if is := subscriptionOf(stream, &have.Config); !is.equal(want) {
			return false, &Fault{Err: fmt.Errorf("%w: %s exists with other settings: %s", ErrSubscriberTaken, want.Name, is.String()),
				Hint: "remove it first, or choose another name"}
		}
		return false, nil
	}
	if err := s.fits(ctx, want); err != nil {
		return false, err
	}
	if _, err = s.log.js.CreateConsumer(ctx, want.streamOf(), want.consumer()); err != nil {
		return false, unavailable(ctx, "create a consumer for "+want.Name, err)
	}
	return true, nil
}

// fits returns an error if there are too many subscribers, or the subscription begins after the end
// of its stream.
func (s *Subscribers) fits(ctx context.Context, want *Subscription) error {
	have, err := s.List(ctx)
	if err != nil {
		return err
	}
	have = slices.DeleteFunc(have, func(one Subscriber) bool { return one.Name == want.Name }) // it lost its consumer
	if len(have) >= MaxSubscribers {
		return &Fault{Err: fmt.Errorf("%w: there are already %d subscribers, the most allowed", ErrSubscriberTaken, MaxSubscribers), Hint: "remove one"}
	}
	last := uint64(0)
	if want.Stream == SubscribeOrders {
		bounds, err := s.feed.Bounds(ctx)
		if err != nil {
			return err
		}
		last = bounds.Last
	} else {
		bounds, err := s.log.Bounds(ctx)
		if err != nil {
			return err
		}
		last = bounds.Last
	}
	if want.From > last+1 {
		return fmt.Errorf("%w: it cannot begin at %d, because the last message is %d: begin at %d or before, or from now", ErrSubscription, want.From, last, last+1)
	}
	return nil
}

// consumer returns the consumer of that name, or nil if there is none.
func (s *Subscribers) consumer(ctx context.Context, stream, name string) (*jetstream.ConsumerInfo, error) {
	c, err := s.log.js.Consumer(ctx, stream, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(ctx, "look for the consumer "+name, err)
	}
	return c.CachedInfo(), nil
}

// Remove deletes the user and the consumer of a subscriber, and ends its connections. Errors:
// ErrNoSubscriber, ErrNotHere, ErrUnavailable.
func (s *Subscribers) Remove(ctx context.Context, name string) error {
	if CheckSubscriber(name) != nil {
		return ErrNoSubscriber
	}
	if err := s.changeable(); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	var found bool
	var err error
	if s.log.embedded != nil {
		if found, err = s.log.embedded.RemoveSubscriber(name); err != nil {
			return err
		}
	}
	for _, stream := range []string{streamName, feedName} {
		have, err := s.consumer(ctx, stream, name)
		if err != nil {
			return err
		}
		if have == nil || have.Config.Metadata[subscriberKey] == "" {
			continue
		}
		found = true
		if err := s.log.js.DeleteConsumer(ctx, stream, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return unavailable(ctx, "delete the consumer "+name, err)
		}
	}
	if !found {
		return ErrNoSubscriber
	}
	s.log.logger.Info("subscriber removed", zap.String("name", name))
	return nil
}

// List returns all subscribers, sorted by name. Errors: ErrUnavailable.
func (s *Subscribers) List(ctx context.Context) (all []Subscriber, err error) {
	if err := s.log.notOpen(); err != nil {
		return nil, err
	}
	for _, stream := range []string{streamName, feedName} {
		if all, err = s.listStream(ctx, stream, all); err != nil {
			return nil, err
		}
	}
	s.forget(all)
	if s.log.embedded != nil {
		all = withUsers(all, s.log.embedded.Subscribers())
	}
	slices.SortFunc(all, func(a, b Subscriber) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Stream, b.Stream))
	})
	return all, nil
}

// withUsers reports a problem for each subscriber without a user, and appends the users without a
// consumer.
func withUsers(all []Subscriber, users map[string]string) []Subscriber {
	for i := range all {
		if users[all[i].Name] != all[i].streamOf() {
			all[i].Problem = "it has no user, so nobody can connect as this subscriber: add it again with the same settings"
		}
	}
	for name, stream := range users {
		lost := Subscriber{Subscription: subscriptionOf(stream, &jetstream.ConsumerConfig{Durable: name}),
			Problem: "its consumer is gone, for example because the stream was deleted: add it again"}
		if !slices.ContainsFunc(all, func(have Subscriber) bool { return have.Name == name && have.Stream == lost.Stream }) {
			all = append(all, lost)
		}
	}
	return all
}
