package subscribe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/orderfold/orderfold/api/client"
)

const (
	stream = "ORDERS"
	// most is the largest number of events in a batch.
	most = 500
	// gather is how long a batch waits for another event.
	gather = time.Millisecond
	// inboxes is the inbox prefix of a subscriber with its own user, because others may listen to
	// the default prefix of NATS.
	inboxes = "_INBOX_"
	// pause is the pause between two attempts, and before an early event is delivered again.
	pause = 500 * time.Millisecond
)

// ErrNoConsumer means that the stream ORDERS, or the durable consumer of the subscriber, does not exist. The
// operator adds a subscriber once, with orderfold subscribers add NAME.
var ErrNoConsumer = errors.New("subscribe: there is no such consumer of the feed")

// Options configure Run. All but Credentials and Retrying are required.
type Options struct {
	URL         string         // of the NATS server, as in data/subscribers/NAME.url: nats://user:password@127.0.0.1:4222
	Credentials string         // a NATS credentials file; "": the credentials are in URL
	Name        string         // of the subscriber and of its durable pull consumer of the stream ORDERS
	API         *client.Client // returns snapshots and the range of the feed
	Store       Store
	Retrying    func(cause error) // called when the feed or the API cannot be reached, before the next attempt; may be nil
}

// Run calls f with batches of events in order until ctx ends, and then returns nil. It begins with
// a snapshot if the feed does not contain all events since the position in the store: SnapshotBegins,
// one SnapshotOrder for each order, SnapshotEnds. An event is skipped if the store has the same or a
// later state of its order. When f has returned nil, the position is saved and the events are
// acknowledged. After a crash between f and the save, f is called with the same events again, unless
// the store saves the position in the same transaction as the changes of f.
//
// Run returns errors of f and of the store, ErrNoConsumer, and errors in the options or the events.
// After any other failure it tries again.
func Run(ctx context.Context, o Options, f func(ctx context.Context, events []Event) error) error {
	if o.URL == "" || o.Name == "" || o.API == nil || o.Store == nil || f == nil {
		return errors.New("subscribe: URL, Name, API, Store and a function are required")
	}
	options := []nats.Option{nats.Name("orderfold subscriber " + o.Name), nats.MaxReconnects(-1)}
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	if u, err := url.Parse(o.URL); o.Credentials != "" || err == nil && u.User.Username() == o.Name {
		options = append(options, nats.CustomInboxPrefix(inboxes+o.Name))
	}
	for ctx.Err() == nil {
		err := connected(ctx, &o, options, f)
		if ctx.Err() != nil {
			return nil
		}
		var again *retry
		if !errors.As(err, &again) {
			return err
		}
		if o.Retrying != nil {
			o.Retrying(again.cause)
		}
		wait(ctx, pause)
	}
	return nil
}

// retry is an error after which Run connects again.
type retry struct{ cause error }

func (r *retry) Error() string { return "subscribe: " + r.cause.Error() }
func (r *retry) Unwrap() error { return r.cause }

func connected(ctx context.Context, o *Options, options []nats.Option, f func(context.Context, []Event) error) error {
	nc, err := nats.Connect(o.URL, options...)
	if errors.Is(err, nats.ErrAuthorization) {
		return fmt.Errorf("subscribe: the server refuses the credentials: %w", err)
	}
	if err != nil {
		return &retry{err}
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	s := &subscriber{o: o, f: f}
	s.consumer, err = js.Consumer(ctx, stream, o.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("%w: %q: %w", ErrNoConsumer, o.Name, err)
	}
	if err != nil {
		return &retry{err}
	}
	s.whole = len(s.consumer.CachedInfo().Config.FilterSubjects) == 0 && s.consumer.CachedInfo().Config.FilterSubject == ""
	return s.follow(ctx)
}

// subscriber is the state of one connection.
type subscriber struct {
	o        *Options
	f        func(context.Context, []Event) error
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
	whole    bool // the consumer has no filter, so that the events are contiguous
	at       Place
}

func (s *subscriber) follow(ctx context.Context) (err error) {
	if s.at, err = s.o.Store.Load(ctx); err != nil {
		return fmt.Errorf("subscribe: load the position: %w", err)
	}
	fits, err := s.fits(ctx)
	if err != nil {
		return &retry{err}
	}
	if !fits {
		if err := s.snapshot(ctx); err != nil {
			return err
		}
	}
	if s.messages, err = s.consumer.Messages(jetstream.PullMaxMessages(most)); err != nil {
		return &retry{err}
	}
	defer s.messages.Stop()
	for ctx.Err() == nil {
		if err := s.batch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fits reports whether the feed has every event after the position, and has the processed event at
// the position.
func (s *subscriber) fits(ctx context.Context) (bool, error) {
	feed, err := s.o.API.FeedPlace(ctx, s.at.Sequence)
	if err != nil {
		return false, err
	}
	floor, err := s.consumer.Info(ctx)
	if err != nil {
		return false, err
	}
	switch first := feed.FirstSequence; {
	case !s.at.Began && first <= 1 && floor.AckFloor.Stream == 0: // the first event that was ever published is still there
		s.at.Began = true
		return true, nil
	case !s.at.Began || s.at.Sequence+1 < first || s.at.Sequence > feed.LastSequence || floor.AckFloor.Stream > s.at.Sequence && s.at.ID != "":
		return false, nil
	case s.at.ID == "":
		return true, nil
	case feed.Event == nil:
		return s.at.Sequence+1 == first, nil // the feed dropped the event, but not the next one
	}
	return feed.Event.ID == s.at.ID, nil
}

// snapshot calls the function with all orders, and sets the position to their place in the feed.
func (s *subscriber) snapshot(ctx context.Context) error {
	export, err := s.o.API.Export(ctx)
	if err != nil {
		return &retry{err}
	}
	defer func() { _ = export.Close() }() // all orders were read, or another error is returned
	if !export.Fed {
		return &retry{errors.New("the feed is off, so orders have no position in it: start the service with --feed")}
	}
	if err := s.o.Store.Clear(ctx); err != nil {
		return fmt.Errorf("subscribe: clear the store: %w", err)
	}
	s.at = Place{}
	events := []Event{{Type: SnapshotBegins}}
	for order, err := range export.Orders() {
		if err != nil {
			return &retry{err}
		}
		e, err := shown(export.Revision, order)
		if err != nil {
			return err
		}
		if events = append(events, e); len(events) < most {
			continue
		}
		if err := s.tell(ctx, events, Place{}); err != nil {
			return err
		}
		events = nil
	}
	return s.tell(ctx, append(events, Event{Type: SnapshotEnds}), Place{Began: true, Sequence: export.FeedSequence})
}

// tell calls the function with events and then saves the position.
func (s *subscriber) tell(ctx context.Context, events []Event, at Place) error {
	pairs := make(map[string]Pair, len(events))
	for i := range events {
		if id := events[i].Order; id != "" {
			pairs[id] = events[i].Pair
		}
	}
	if len(events) > 0 {
		if err := s.f(ctx, events); err != nil {
			return err
		}
	}
	if err := s.o.Store.Save(ctx, at, pairs); err != nil {
		return fmt.Errorf("subscribe: save the position: %w", err)
	}
	s.at = at
	return nil
}

// arrived is a message with its sequence in the feed.
type arrived struct {
	jetstream.Msg
	sequence uint64
}

// batch processes the messages that are available.
func (s *subscriber) batch(ctx context.Context) error {
	messages, err := s.fetch(ctx)
	if err != nil || len(messages) == 0 {
		return err
	}
	due := messages
	if s.whole {
		var early int
		due, early = s.due(messages)
		for _, m := range messages[len(messages)-early:] {
			if err := m.NakWithDelay(pause); err != nil {
				return &retry{err}
			}
		}
		if early > 0 {
			fits, err := s.coming(ctx)
			if err != nil {
				return &retry{err}
			}
			if !fits {
				return s.snapshot(ctx)
			}
		}
	}
	if err := s.deal(ctx, due); err != nil {
		return err
	}
	for _, m := range due {
		if err := m.Ack(); err != nil {
			return &retry{err}
		}
	}
	return nil
}

// fetch waits for a message, and returns all available messages in the order of the feed.
func (s *subscriber) fetch(ctx context.Context) (messages []arrived, err error) {
	option := jetstream.NextContext(ctx)
	for len(messages) < most {
		m, err := s.messages.Next(option)
		if len(messages) > 0 && errors.Is(err, nats.ErrTimeout) {
			break
		}
		if err != nil {
			return nil, &retry{err}
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, fmt.Errorf("subscribe: %w", err)
		}
		messages = append(messages, arrived{m, meta.Sequence.Stream})
		option = jetstream.NextMaxWait(gather)
	}
	slices.SortFunc(messages, func(a, b arrived) int { return cmp.Compare(a.sequence, b.sequence) })
	return messages, nil
}

// due returns the messages that follow the position without a gap, and the number of messages after a gap,
// which are early. The missing messages were delivered to a process that was killed, and will be delivered
// again, or the feed has dropped them.
func (s *subscriber) due(messages []arrived) (due []arrived, early int) {
	next := s.at.Sequence + 1
	for i, m := range messages {
		if m.sequence > next {
			return messages[:i], len(messages) - i
		}
		next = max(next, m.sequence+1)
	}
	return messages, 0
}

// coming waits for pause, and then reports whether the next event is still in the feed and not
// acknowledged, so that it will be delivered again.
func (s *subscriber) coming(ctx context.Context) (bool, error) {
	wait(ctx, pause)
	feed, err := s.o.API.FeedPlace(ctx, 0)
	if err != nil {
		return false, err
	}
	consumer, err := s.consumer.Info(ctx)
	if err != nil {
		return false, err
	}
	return feed.FirstSequence <= s.at.Sequence+1 && consumer.AckFloor.Stream <= s.at.Sequence, nil
}

// deal calls the function with the events that have a later state of their order than the store.
func (s *subscriber) deal(ctx context.Context, messages []arrived) error {
	if len(messages) == 0 {
		return nil
	}
	events := make([]Event, len(messages))
	ids := make([]string, 0, len(messages))
	for i, m := range messages {
		e, err := eventOf(m.sequence, m.Headers(), m.Data())
		if err != nil {
			return err
		}
		if events[i] = e; e.Order != "" {
			ids = append(ids, e.Order)
		}
	}
	known, err := s.o.Store.Pairs(ctx, ids)
	if err != nil {
		return fmt.Errorf("subscribe: read the pairs: %w", err)
	}
	at := s.at
	fresh := events[:0]
	for _, e := range events {
		if e.Sequence > at.Sequence {
			at = Place{Began: true, Sequence: e.Sequence, ID: e.ID}
		} else if e.Order == "" {
			continue
		}
		if e.Order != "" && !e.Pair.After(known[e.Order]) {
			continue
		}
		if e.Order != "" {
			known[e.Order] = e.Pair
		}
		fresh = append(fresh, e)
	}
	return s.tell(ctx, fresh, at)
}

func wait(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
