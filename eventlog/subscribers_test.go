package eventlog_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// usual returns a subscription to every event of the feed.
func usual(name string) eventlog.Subscription {
	return eventlog.Subscription{Name: name, Stream: eventlog.SubscribeOrders, From: eventlog.FromStart, MaxPending: 100}
}

// listening opens a log of five records and a feed of five events, on an embedded server that listens.
func listening(t *testing.T) (*place, *eventlog.Log, *eventlog.Feed) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	l := open(t, p.options)
	f := l.Feed(eventlog.FeedOptions{})
	appendAll(t, l, numbered(1, 5)...)
	publish(t, f, 0, events(1, 5))
	return p, l, f
}

// add adds a subscriber, and returns the path of its URL file.
func add(t *testing.T, l *eventlog.Log, s eventlog.Subscription) string {
	t.Helper()
	added, grant, err := l.Subscribers().Add(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, s, added.Subscription)
	return grant.File
}

// client is a connection of a subscriber.
type client struct {
	*nats.Conn
	js       jetstream.JetStream
	refusals chan error    // receives an error for each request that the server refuses
	closed   chan struct{} // closed when the connection is
}

// dial connects as a subscriber does.
func dial(t *testing.T, url, name string) *client {
	t.Helper()
	c := &client{refusals: make(chan error, 100), closed: make(chan struct{})}
	var err error
	c.Conn, err = nats.Connect(url, nats.CustomInboxPrefix("_INBOX_"+name), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.refusals <- err }),
		nats.ClosedHandler(func(*nats.Conn) { close(c.closed) }))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	c.js, err = jetstream.New(c.Conn)
	require.NoError(t, err)
	return c
}

// urlIn returns the URL in a file.
func urlIn(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}

// take receives n messages from a consumer, acknowledges them if acknowledge is set, and returns their
// bodies.
func (c *client) take(t *testing.T, stream, name string, n int, acknowledge bool) (bodies []string) {
	t.Helper()
	consumer, err := c.js.Consumer(t.Context(), stream, name)
	require.NoError(t, err)
	for len(bodies) < n {
		batch, err := consumer.Fetch(n-len(bodies), jetstream.FetchMaxWait(30*time.Second))
		require.NoError(t, err)
		for m := range batch.Messages() {
			bodies = append(bodies, string(m.Data()))
			if acknowledge {
				require.NoError(t, m.DoubleAck(t.Context()))
			}
		}
		require.NoError(t, batch.Error())
	}
	return bodies
}

// consume receives messages from a consumer of the feed, so that a request waits all the time.
func (c *client) consume(t *testing.T, name string) <-chan jetstream.Msg {
	t.Helper()
	consumer, err := c.js.Consumer(t.Context(), "ORDERS", name)
	require.NoError(t, err)
	messages := make(chan jetstream.Msg, 100)
	consuming, err := consumer.Consume(func(m jetstream.Msg) { messages <- m })
	require.NoError(t, err)
	t.Cleanup(consuming.Stop)
	return messages
}

// receive returns the next message.
func receive(t *testing.T, messages <-chan jetstream.Msg) jetstream.Msg {
	t.Helper()
	select {
	case m := <-messages:
		return m
	case <-time.After(time.Minute):
		require.FailNow(t, "no message arrived")
		return nil
	}
}

// counted returns the bodies of events with the numbers from one to another.
func counted(from, to int) (bodies []string) {
	for _, e := range events(from, to) {
		bodies = append(bodies, string(e.Body))
	}
	return bodies
}

// listed returns the subscribers by name.
func listed(t *testing.T, s *eventlog.Subscribers) map[string]eventlog.Subscriber {
	t.Helper()
	all, err := s.List(t.Context())
	require.NoError(t, err)
	byName := map[string]eventlog.Subscriber{}
	for _, one := range all {
		byName[one.Name] = one
	}
	require.Len(t, byName, len(all))
	return byName
}

func TestASubscriberReceivesTheMessagesItSubscribedTo(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	l := open(t, p.options)
	append := func(number int, object string) {
		_, err := l.Append(t.Context(), eventlog.Record{Object: object, Body: fmt.Appendf(nil, "record %d", number)})
		require.NoError(t, err)
	}
	f := l.Feed(eventlog.FeedOptions{})
	feed := func(number uint64, class string) {
		publish(t, f, number-1, []eventlog.Event{{Class: class, Order: "a", Header: map[string][]string{}, Body: fmt.Appendf(nil, "event %d", number)}})
	}
	for i, object := range []string{"traditional-asset-order", "digital-asset-order", "customer", "tokenized-asset-order", "digital-asset-order"} {
		append(i+1, object)
	}
	for i, class := range []string{"traditional", "digital", "", "tokenized", "other"} {
		feed(uint64(i+1), class)
	}
	const orders, notifications = eventlog.SubscribeOrders, eventlog.SubscribeNotifications
	tests := []struct {
		name string
		s    eventlog.Subscription
		want string // the numbers of the messages
	}{
		{"all events", eventlog.Subscription{Stream: orders, From: eventlog.FromStart}, "123456"},
		{"events from a sequence", eventlog.Subscription{Stream: orders, From: 4}, "456"},
		{"events from now", eventlog.Subscription{Stream: orders, From: eventlog.FromNow}, "6"},
		{"events of one asset class", eventlog.Subscription{Stream: orders, From: eventlog.FromStart, AssetClasses: []string{"digital"}}, "26"},
		{"events of two asset classes", eventlog.Subscription{Stream: orders, From: eventlog.FromStart, AssetClasses: []string{"other", "tokenized"}}, "45"},
		{"all notifications", eventlog.Subscription{Stream: notifications, From: eventlog.FromStart}, "123456"},
		{"notifications from now", eventlog.Subscription{Stream: notifications, From: eventlog.FromNow}, "6"},
		{"notifications from the next one", eventlog.Subscription{Stream: notifications, From: 6}, "6"},
		{"notifications of one asset class", eventlog.Subscription{Stream: notifications, From: 3, AssetClasses: []string{"digital"}}, "56"},
	}
	files := make([]string, len(tests))
	for i := range tests {
		tests[i].s.Name, tests[i].s.MaxPending = fmt.Sprint("s-", i), 7
		files[i] = add(t, l, tests[i].s)
	}
	append(6, "digital-asset-order")
	feed(6, "digital")
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want []string
			for _, number := range test.want {
				want = slices.Concat(want, []string{map[string]string{orders: "event ", notifications: "record "}[test.s.Stream] + string(number)})
			}
			stream := map[string]string{orders: "ORDERS", notifications: "NOTIFICATIONS"}[test.s.Stream]
			got := dial(t, urlIn(t, files[i]), test.s.Name).take(t, stream, test.s.Name, len(want), true)
			require.Equal(t, want, got)
			after := listed(t, l.Subscribers())[test.s.Name]
			require.Equal(t, test.s, after.Subscription)
			require.Zero(t, after.Pending, "there are no other messages")
			require.Zero(t, after.Unacknowledged)
		})
	}
}

func TestAddReturnsAnExistingSubscriberOrRefusesOtherSettings(t *testing.T) {
	p, l, _ := listening(t)
	s := l.Subscribers()
	first := usual("billing")
	first.AssetClasses = []string{"digital", "other"}
	file := add(t, l, first)
	password := urlIn(t, file)

	again := first
	again.AssetClasses = []string{"other", "digital", "digital"}
	have, grant, err := s.Add(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, first, have.Subscription)
	require.Equal(t, file, grant.File)
	require.Equal(t, password, urlIn(t, file), "the user is the same")

	_, operator, _ := as(t, p, "operator")
	_, err = operator.CreateConsumer(t.Context(), "NOTIFICATIONS", jetstream.ConsumerConfig{Durable: "byhand", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)
	for _, test := range []struct {
		name   string
		change func(s *eventlog.Subscription)
		is     error
		says   string
	}{
		{"another stream", func(s *eventlog.Subscription) { s.Stream, s.AssetClasses = eventlog.SubscribeNotifications, nil }, eventlog.ErrSubscriberTaken, "--stream orders"},
		{"other asset classes", func(s *eventlog.Subscription) { s.AssetClasses = nil }, eventlog.ErrSubscriberTaken, "--asset-class digital --asset-class other: remove it first"},
		{"another first message", func(s *eventlog.Subscription) { s.From = eventlog.FromNow }, eventlog.ErrSubscriberTaken, "--from start"},
		{"another number of pending messages", func(s *eventlog.Subscription) { s.MaxPending = 9 }, eventlog.ErrSubscriberTaken, "--max-pending 100"},
		{"the name of a consumer created by hand", func(s *eventlog.Subscription) { s.Name = "byhand" }, eventlog.ErrSubscriberTaken, "created by hand"},
		{"no name", func(s *eventlog.Subscription) { s.Name = "" }, eventlog.ErrSubscription, "a name has"},
		{"a name that is a path", func(s *eventlog.Subscription) { s.Name = "../operator" }, eventlog.ErrSubscription, "a name has"},
		{"a name with a dot", func(s *eventlog.Subscription) { s.Name = "a.b" }, eventlog.ErrSubscription, "a name has"},
		{"a wildcard as a name", func(s *eventlog.Subscription) { s.Name = ">" }, eventlog.ErrSubscription, "a name has"},
		{"a name with a line break", func(s *eventlog.Subscription) { s.Name = "a\n" }, eventlog.ErrSubscription, "a name has"},
		{"a name that is too long", func(s *eventlog.Subscription) { s.Name = strings.Repeat("a", 65) }, eventlog.ErrSubscription, "1 to 64"},
		{"the name of another user", func(s *eventlog.Subscription) { s.Name = "operator" }, eventlog.ErrSubscription, "choose another name"},
		{"an unknown stream", func(s *eventlog.Subscription) { s.Stream = "ORDERS" }, eventlog.ErrSubscription, "orders or notifications"},
		{"an unknown asset class", func(s *eventlog.Subscription) { s.Name, s.AssetClasses = "new", []string{"*"} }, eventlog.ErrSubscription, "digital, tokenized, traditional, other"},
		{"an asset class that notifications do not have", func(s *eventlog.Subscription) {
			s.Name, s.Stream, s.AssetClasses = "new", eventlog.SubscribeNotifications, []string{"other"}
		}, eventlog.ErrSubscription, "the stream notifications has no asset class"},
		{"a first message that does not exist yet", func(s *eventlog.Subscription) { s.Name, s.From = "new", 7 }, eventlog.ErrSubscription, "the last message is 5: begin at 6 or before"},
		{"no pending messages", func(s *eventlog.Subscription) { s.Name, s.MaxPending = "new", 0 }, eventlog.ErrSubscription, "pending"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := first
			test.change(&want)
			_, grant, err := s.Add(t.Context(), want)
			require.ErrorIs(t, err, test.is)
			require.ErrorContains(t, err, test.says)
			require.Zero(t, grant)
		})
	}
	require.Len(t, listed(t, s), 1, "nothing was created")
	require.Equal(t, password, urlIn(t, file))
	for _, name := range []string{"nobody", "byhand", "operator", "../operator", ""} {
		require.ErrorIs(t, s.Remove(t.Context(), name), eventlog.ErrNoSubscriber, name)
	}
	_, err = operator.Consumer(t.Context(), "NOTIFICATIONS", "byhand")
	require.NoError(t, err)
}

func TestAddRefusesASubscriberOfAMissingFeed(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	s := open(t, p.options).Subscribers()
	_, _, err := s.Add(t.Context(), usual("billing"))
	require.ErrorIs(t, err, eventlog.ErrNoStream)
	require.ErrorContains(t, err, "--feed creates it")
	require.Empty(t, listed(t, s))
	require.NoDirExists(t, filepath.Join(p.options.Dir, "subscribers"))
}

func TestAddRefusesASubscriberWithoutAListener(t *testing.T) {
	p := embeddedPlace(t)
	s := open(t, p.options).Subscribers()
	want := usual("billing")
	want.Stream = eventlog.SubscribeNotifications
	_, _, err := s.Add(t.Context(), want)
	require.ErrorContains(t, err, "start it with --nats-addr")
	require.Empty(t, listed(t, s), "the consumer was deleted again")
}

func TestAddRefusesMoreThanMaxSubscribers(t *testing.T) {
	_, l, _ := listening(t)
	s := l.Subscribers()
	for i := range eventlog.MaxSubscribers {
		add(t, l, usual(fmt.Sprint("s-", i)))
	}
	_, _, err := s.Add(t.Context(), usual("another"))
	require.ErrorIs(t, err, eventlog.ErrSubscriberTaken)
	require.ErrorContains(t, err, "remove one")
	add(t, l, usual("s-7"))
	require.NoError(t, eventlog.JetStream(l).DeleteConsumer(t.Context(), "ORDERS", "s-7"))
	add(t, l, usual("s-7")) // its user still exists
	require.NoError(t, s.Remove(t.Context(), "s-7"))
	add(t, l, usual("another"))
}

func TestListReportsTheMessagesThatWaitForASubscriber(t *testing.T) {
	_, l, f := listening(t)
	s := l.Subscribers()
	url := urlIn(t, add(t, l, usual("billing")))
	add(t, l, usual("idle"))
	before := listed(t, s)["billing"]
	require.Equal(t, uint64(5), before.Pending)
	require.Zero(t, before.LastRequest, "there was no request yet")
	require.WithinDuration(t, time.Now(), before.Created, time.Minute)

	c := dial(t, url, "billing")
	require.Equal(t, counted(1, 2), c.take(t, "ORDERS", "billing", 2, true))
	require.Equal(t, counted(3, 4), c.take(t, "ORDERS", "billing", 2, false))
	got := listed(t, s)["billing"]
	require.Equal(t, []any{uint64(1), 2, 0}, []any{got.Pending, got.Unacknowledged, got.Redelivered})
	require.WithinDuration(t, time.Now(), got.LastRequest, time.Minute)
	require.Equal(t, uint64(5), listed(t, s)["idle"].Pending, "subscribers do not affect each other")

	consumer, err := c.js.Consumer(t.Context(), "ORDERS", "billing")
	require.NoError(t, err)
	msg, err := consumer.Next(jetstream.FetchMaxWait(30 * time.Second))
	require.NoError(t, err)
	require.NoError(t, msg.Nak())
	msg, err = consumer.Next(jetstream.FetchMaxWait(30 * time.Second))
	require.NoError(t, err)
	require.Equal(t, counted(5, 5)[0], string(msg.Data()))
	got = listed(t, s)["billing"]
	require.Equal(t, []any{uint64(0), 3, 1}, []any{got.Pending, got.Unacknowledged, got.Redelivered})

	// A waiting request counts, although no message is delivered for it.
	idle := dial(t, urlIn(t, add(t, l, usual("idle"))), "idle")
	require.Equal(t, counted(1, 5), idle.take(t, "ORDERS", "idle", 5, true))
	delivered := listed(t, s)["idle"].LastRequest
	messages := idle.consume(t, "idle")
	require.Eventually(t, func() bool { return listed(t, s)["idle"].LastRequest.After(delivered) }, 30*time.Second, 10*time.Millisecond)
	publish(t, f, 5, events(6, 6))
	require.Equal(t, counted(6, 6)[0], string(receive(t, messages).Data()))
}

func TestASubscriberGetsNoMoreThanMaxPendingMessages(t *testing.T) {
	_, l, _ := listening(t)
	want := usual("billing")
	want.MaxPending = 2
	c := dial(t, urlIn(t, add(t, l, want)), "billing")
	require.Equal(t, counted(1, 2), c.take(t, "ORDERS", "billing", 2, false))
	consumer, err := c.js.Consumer(t.Context(), "ORDERS", "billing")
	require.NoError(t, err)
	batch, err := consumer.FetchNoWait(5)
	require.NoError(t, err)
	require.Empty(t, batch.Messages(), "no more messages are delivered until one is acknowledged")
	got := listed(t, l.Subscribers())["billing"]
	require.Equal(t, []any{uint64(3), 2}, []any{got.Pending, got.Unacknowledged})
}

func TestASubscriberIsStuckAfterAnHourWithoutARequestWhileMessagesWait(t *testing.T) {
	_, l, f := listening(t)
	s := l.Subscribers()
	var ahead time.Duration
	eventlog.SetClock(s, func() time.Time { return time.Now().Add(ahead) })
	others := usual("tokenized")
	others.AssetClasses = []string{"tokenized"}
	for _, want := range []eventlog.Subscription{usual("never"), usual("reads"), usual("holds"), others} {
		add(t, l, want)
	}
	dial(t, urlIn(t, add(t, l, usual("reads"))), "reads").take(t, "ORDERS", "reads", 5, true)
	dial(t, urlIn(t, add(t, l, usual("holds"))), "holds").take(t, "ORDERS", "holds", 5, false)

	stuck := func() (names []string) {
		all, err := s.List(t.Context())
		require.NoError(t, err)
		for _, one := range all {
			if !one.StuckSince.IsZero() {
				names = append(names, one.Name)
				require.GreaterOrEqual(t, time.Now().Add(ahead).Sub(one.StuckSince), eventlog.StuckAfter)
			}
		}
		return names
	}
	ahead = eventlog.StuckAfter - time.Minute
	require.Empty(t, stuck(), "not before an hour has passed")
	ahead = eventlog.StuckAfter + time.Minute
	require.Equal(t, []string{"holds", "never"}, stuck(), "a subscriber for which no message waits is not stuck")
	require.Equal(t, listed(t, s)["holds"].LastRequest, listed(t, s)["holds"].StuckSince)

	publish(t, f, 5, events(6, 6))
	ahead = eventlog.StuckAfter - time.Minute
	require.NotContains(t, stuck(), "reads", "the message has not waited for an hour")
	ahead = eventlog.StuckAfter + time.Minute
	require.Contains(t, stuck(), "reads")

	c := dial(t, urlIn(t, add(t, l, usual("never"))), "never")
	c.take(t, "ORDERS", "never", 6, false)
	c.consume(t, "never")
	require.Eventually(t, func() bool { return !slices.Contains(stuck(), "never") }, 30*time.Second, 10*time.Millisecond, "a subscriber with a waiting request is not stuck")
}

func TestOnlyTheProcessWithTheEmbeddedServerCanChangeSubscribers(t *testing.T) {
	p, l, _ := listening(t)
	add(t, l, usual("billing"))
	text, err := os.ReadFile(filepath.Join(p.options.Dir, "operator.url"))
	require.NoError(t, err)
	s := open(t, eventlog.Options{URL: strings.TrimSpace(string(text)), Guest: true}).Subscribers()
	require.Equal(t, usual("billing"), listed(t, s)["billing"].Subscription)
	_, _, err = s.Add(t.Context(), usual("risk"))
	require.ErrorIs(t, err, eventlog.ErrNotHere)
	require.ErrorContains(t, err, "use the API of that process")
	require.ErrorIs(t, s.Remove(t.Context(), "billing"), eventlog.ErrNotHere)
	require.Len(t, listed(t, l.Subscribers()), 1, "nothing was changed")
}

func TestSubscribersReturnsAnErrorWithoutTheServer(t *testing.T) {
	p := separatePlace(t, "")
	s := open(t, p.options).Subscribers()
	require.Empty(t, listed(t, s))
	p.stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := s.List(ctx)
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	require.ErrorIs(t, s.Remove(ctx, "billing"), eventlog.ErrUnavailable)
	_, _, err = s.Add(ctx, usual("billing"))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
}
