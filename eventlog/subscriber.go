package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StuckAfter is how long a subscriber may request nothing while messages wait for it.
const StuckAfter = time.Hour

// Subscriber is the current state of a subscriber. A time that is not known is zero.
type Subscriber struct {
	Subscription
	Created        time.Time
	Pending        uint64 // messages not delivered yet
	Unacknowledged int    // messages delivered but not acknowledged
	Redelivered    int    // unacknowledged messages that were delivered more than once
	// LastRequest is when the subscriber last requested messages, as far as known: when a message
	// was delivered, or when a waiting request was seen.
	LastRequest time.Time
	StuckSince  time.Time // since when it has requested nothing while messages wait; zero if that is less than StuckAfter
	Problem     string    // why the subscriber cannot be used, and what to do; "": it can
}

// listStream appends the subscribers of a stream to all. It appends none if the stream does not
// exist.
func (s *Subscribers) listStream(ctx context.Context, name string, all []Subscriber) ([]Subscriber, error) {
	const what = "list the subscribers"
	stream, err := s.log.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return all, nil
	}
	if err != nil {
		return nil, unavailable(ctx, what, err)
	}
	list := stream.ListConsumers(ctx)
	var infos []*jetstream.ConsumerInfo
	for info := range list.Info() {
		if info.Config.Metadata[subscriberKey] != "" {
			infos = append(infos, info)
		}
	}
	if err := list.Err(); err != nil {
		return nil, unavailable(ctx, what, err)
	}
	for _, info := range infos {
		sub, err := s.describe(ctx, stream, info)
		if err != nil {
			return nil, unavailable(ctx, what, err)
		}
		all = append(all, sub)
	}
	return all, nil
}

// one returns an existing subscriber.
func (s *Subscribers) one(ctx context.Context, stream, name string) (Subscriber, error) {
	of, err := s.log.js.Stream(ctx, stream)
	if err != nil {
		return Subscriber{}, unavailable(ctx, "look for stream "+stream, err)
	}
	consumer, err := of.Consumer(ctx, name)
	if err != nil {
		return Subscriber{}, unavailable(ctx, "look for the consumer "+name, err)
	}
	sub, err := s.describe(ctx, of, consumer.CachedInfo())
	if err != nil {
		return Subscriber{}, unavailable(ctx, "look for the consumer "+name, err)
	}
	return sub, nil
}

// describe returns the state of the subscriber with a given consumer.
func (s *Subscribers) describe(ctx context.Context, stream jetstream.Stream, info *jetstream.ConsumerInfo) (Subscriber, error) {
	sub := Subscriber{Subscription: subscriptionOf(info.Stream, &info.Config), Created: info.Created.UTC(), Pending: info.NumPending,
		Unacknowledged: info.NumAckPending, Redelivered: info.NumRedelivered, LastRequest: s.lastRequest(info)}
	if sub.Pending == 0 && sub.Unacknowledged == 0 || info.NumWaiting > 0 {
		return sub, nil
	}
	since := latest(sub.LastRequest, sub.Created)
	if sub.Unacknowledged > 0 {
		// The subscriber requested these messages. A server that was restarted since does not know
		// when.
		since = latest(sub.LastRequest, s.began)
	}
	if s.now().Sub(since) < StuckAfter {
		return sub, nil
	}
	if sub.Unacknowledged == 0 {
		waiting, err := firstWaiting(ctx, stream, info)
		if err != nil {
			return sub, err
		}
		since = latest(since, waiting)
	}
	if s.now().Sub(since) >= StuckAfter {
		sub.StuckSince = since.UTC()
	}
	return sub, nil
}

// lastRequest returns when the subscriber last requested messages, as in Subscriber.LastRequest. It
// records when a waiting request was seen, because the server does not report that time.
func (s *Subscribers) lastRequest(info *jetstream.ConsumerInfo) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := info.Stream + "." + info.Name
	if info.NumWaiting > 0 {
		s.asked[key] = s.now()
	}
	at := s.asked[key]
	if info.Delivered.Last != nil {
		at = latest(at, *info.Delivered.Last)
	}
	if at.Before(info.Created) { // at is a request by an earlier subscriber of the same name
		return time.Time{}
	}
	return at.UTC()
}

// forget removes the stored times of subscribers that no longer exist.
func (s *Subscribers) forget(all []Subscriber) {
	there := make(map[string]bool, len(all))
	for i := range all {
		there[all[i].streamOf()+"."+all[i].Name] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.asked {
		if !there[key] {
			delete(s.asked, key)
		}
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// firstWaiting returns when the first undelivered message was stored, or the zero time if there is
// none.
func firstWaiting(ctx context.Context, stream jetstream.Stream, info *jetstream.ConsumerInfo) (first time.Time, err error) {
	filters := filtersOf(&info.Config)
	if len(filters) == 0 {
		filters = []string{">"}
	}
	for _, filter := range filters {
		msg, err := stream.GetMsg(ctx, info.Delivered.Stream+1, jetstream.WithGetMsgSubject(filter))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return first, fmt.Errorf("get the message after %d: %w", info.Delivered.Stream, err)
		}
		if first.IsZero() || msg.Time.Before(first) {
			first = msg.Time
		}
	}
	return first, nil
}
