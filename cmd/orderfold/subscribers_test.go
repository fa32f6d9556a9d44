package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/api/client/subscribe"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/stretchr/testify/require"
)

// subscribers runs a subscribers command against the process, and requires that it exits with 0.
func (p *process) subscribers(args ...string) string {
	p.t.Helper()
	code, stdout, stderr := execute(p.t, nil, append(append([]string{"subscribers"}, args...), "--api-url", p.addrs["api"])...)
	require.Equal(p.t, exitOK, code, stderr)
	return stdout
}

// subscriber returns the entry of one subscriber in the list.
func (p *process) subscriber(name string) (found client.Subscriber) {
	p.t.Helper()
	for _, s := range decoded[client.Page[client.Subscriber]](p.t, []byte(p.subscribers("list", "--json"))).Data {
		if s.Name == name {
			found = s
		}
	}
	require.Equal(p.t, name, found.Name, "it is listed")
	return found
}

// subscribed is a connection with the credentials of a subscriber.
type subscribed struct {
	*nats.Conn
	consumer jetstream.Consumer
	refusals chan error
}

func connectSubscriber(t testing.TB, data, stream, name string) *subscribed {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "subscribers", name+".url"))
	require.NoError(t, err)
	s := &subscribed{refusals: make(chan error, 100)}
	s.Conn, err = nats.Connect(strings.TrimSpace(string(text)), nats.CustomInboxPrefix("_INBOX_"+name), nats.ReconnectWait(10*time.Millisecond),
		nats.MaxReconnects(-1), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { s.refusals <- err }))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	js, err := jetstream.New(s.Conn)
	require.NoError(t, err)
	s.consumer, err = js.Consumer(t.Context(), stream, name)
	require.NoError(t, err)
	return s
}

func (s *subscribed) next(t testing.TB) jetstream.Msg {
	t.Helper()
	m, err := s.consumer.Next(jetstream.FetchMaxWait(patience))
	require.NoError(t, err)
	return m
}

func TestSubscribersAreAddedUsedListedAndRemoved(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveFeed(t, data)
	play(t, p.addrs["receiver"], "--orders", "20", "--seed", "3")
	requireFed(t, p)

	_, _, stderr := execute(t, nil, "subscribers", "list", "--api-url", p.addrs["api"])
	require.Contains(t, stderr, "there is no subscriber; orderfold subscribers add NAME adds one")
	said := p.subscribers("add", "billing", "--max-pending", "1")
	file := filepath.Join(data, "subscribers", "billing.url")
	require.Contains(t, said, "its URL is in "+file)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	require.Equal(t, said, p.subscribers("add", "billing", "--max-pending", "1", "--from", "start", "--stream", "orders"), "it exists already")
	p.subscribers("add", "tax", "--stream", "notifications", "--asset-class", "digital", "--asset-class", "tokenized", "--from", "2")
	tax := p.subscriber("tax")
	require.Equal(t, []any{"notifications", []string{"DIGITAL", "TOKENIZED"}, "2", 1000}, []any{tax.Stream, tax.AssetClasses, tax.From, tax.MaxPending})

	c := connectSubscriber(t, data, "ORDERS", "billing")
	before := p.subscriber("billing")
	for range 2 {
		require.NoError(t, c.next(t).DoubleAck(t.Context()))
	}
	held := c.next(t) // and no other message until this one is delivered again, because only one may be pending
	require.NoError(t, held.Nak())
	require.Equal(t, held.Headers().Get("ce-id"), c.next(t).Headers().Get("ce-id"), "it is delivered again")
	eventually(t, "the list shows it", func() bool {
		s := p.subscriber("billing")
		return s.Pending == before.Pending-3 && s.Unacknowledged == 1 && s.Redelivered == 1 && s.LastRequestAt != ""
	})
	table := p.subscribers("list")
	require.Regexp(t, `(?m)^NAME +STREAM +PENDING +UNACKNOWLEDGED +REDELIVERED +LAST REQUEST +STUCK SINCE`, table)
	require.Regexp(t, `(?m)^billing +orders +\d+ +1 +1 +20`, table)
	require.Equal(t, before.Pending, uint64(p.subscriber("billing").Pending)+3)
	requireSubscriberMetrics(t, string(p.get("/metrics")))

	// Subscribers and their progress survive a restart.
	p.stop()
	p = serveFeed(t, data)
	s := p.subscriber("billing")
	require.Equal(t, []any{before.Pending - 3, 1, ""}, []any{s.Pending, s.Unacknowledged, s.Problem})
	c = connectSubscriber(t, data, "ORDERS", "billing")
	tax2 := connectSubscriber(t, data, "NOTIFICATIONS", "tax")
	require.Regexp(t, `^notifications\.(digital|tokenized)-asset-order\.`, tax2.next(t).Subject())

	secret := passwordIn(t, file)
	require.Contains(t, p.subscribers("remove", "billing"), "subscriber billing removed")
	eventually(t, "its connection ends", func() bool { return c.IsClosed() })
	require.ErrorIs(t, c.LastError(), nats.ErrAuthorization)
	require.NoFileExists(t, file)
	code, _, stderr := execute(t, nil, "subscribers", "remove", "billing", "--api-url", p.addrs["api"])
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `there is no subscriber "billing"; orderfold subscribers list lists them`)
	require.NoError(t, tax2.next(t).DoubleAck(t.Context()), "the other one does not notice")
	require.Zero(t, tax2.Stats().Reconnects)

	p.stop()
	for _, text := range []string{said, table, p.stdout.String(), p.stderr.String()} {
		require.NotContains(t, text, secret)
	}
}

func passwordIn(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "nats://billing:")
	require.True(t, found)
	password, _, found := strings.Cut(rest, "@")
	require.True(t, found)
	return password
}

func requireSubscriberMetrics(t testing.TB, text string) {
	t.Helper()
	for _, line := range []string{`orderfold_subscriber_unacknowledged{stream="orders",subscriber="billing"} 1`,
		`orderfold_subscriber_redelivered{stream="orders",subscriber="billing"} 1`, `orderfold_subscriber_stuck{stream="orders",subscriber="billing"} 0`,
		`orderfold_subscriber_pending{stream="notifications",subscriber="tax"}`, `orderfold_subscriber_last_request_timestamp_seconds{stream="orders",subscriber="billing"}`} {
		require.Contains(t, text, "\n"+line)
	}
	require.NotContains(t, text, `orderfold_subscriber_last_request_timestamp_seconds{stream="notifications"`, "it requested nothing")
}

// This test tries forbidden requests with the credentials that the command made. The complete list is tested in
// eventlog.
func TestASubscriberMayOnlyUseItsOwnConsumer(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveFeed(t, data)
	play(t, p.addrs["receiver"], "--orders", "20", "--seed", "3")
	requireFed(t, p)
	p.subscribers("add", "billing")
	p.subscribers("add", "risk")
	p.subscribers("add", "tax", "--stream", "notifications")
	c := connectSubscriber(t, data, "ORDERS", "billing")
	require.NoError(t, c.next(t).DoubleAck(t.Context()))
	before := decoded[statusAnswer](t, p.get("/v1/status"))
	for _, try := range []struct{ act, subject, request string }{
		{"it reads the messages of another subscriber", "$JS.API.CONSUMER.MSG.NEXT.ORDERS.risk", `{"batch":1}`},
		{"it acknowledges the messages of another subscriber", "$JS.ACK.ORDERS.risk.1.1.1.1.0", "+ACK"},
		{"it reads events without its consumer", "$JS.API.DIRECT.GET.ORDERS", `{"seq":1}`},
		{"it publishes an event", "orders.digital.00", "{}"},
		{"it publishes a notification", "notifications.customer.00", "{}"},
		{"it purges the feed", "$JS.API.STREAM.PURGE.ORDERS", ""},
		{"it deletes an event", "$JS.API.STREAM.MSG.DELETE.ORDERS", `{"seq":1}`},
		{"it deletes the feed", "$JS.API.STREAM.DELETE.ORDERS", ""},
		{"it deletes its consumer", "$JS.API.CONSUMER.DELETE.ORDERS.billing", ""},
		{"it rewinds its consumer", "$JS.API.CONSUMER.RESET.ORDERS.billing", `{"seq":1}`},
		{"it changes its consumer", "$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.billing", `{"stream_name":"ORDERS","config":{"durable_name":"billing"}}`},
		{"it pauses its consumer", "$JS.API.CONSUMER.PAUSE.ORDERS.billing", `{"pause_until":"2100-01-01T00:00:00Z"}`},
		{"it reads the log as a subscriber of the log", "$JS.API.CONSUMER.MSG.NEXT.NOTIFICATIONS.tax", `{"batch":1}`},
		{"it reads a record of the log", "$JS.API.STREAM.MSG.GET.NOTIFICATIONS", `{"seq":1}`},
		{"it backs up the log", "$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", `{"deliver_subject":"_INBOX_billing.x"}`},
		{"it changes the limit of the log", "orderfold.limit", "1073741824"},
	} {
		t.Run(try.act, func(t *testing.T) {
			require.NoError(t, c.PublishRequest(try.subject, c.NewInbox(), []byte(try.request)))
			requireNotAllowed(t, c, `Publish to "`+try.subject+`"`)
		})
	}
	for _, subject := range []string{">", "_INBOX_risk.>", "_INBOX.>", "orders.>"} {
		t.Run("it listens at "+subject, func(t *testing.T) {
			_, err := c.SubscribeSync(subject)
			require.NoError(t, err)
			requireNotAllowed(t, c, `Subscription to "`+subject+`"`)
		})
	}
	require.NoError(t, c.next(t).DoubleAck(t.Context()), "its own messages come as before")
	require.Equal(t, before.Log.LastSequence, decoded[statusAnswer](t, p.get("/v1/status")).Log.LastSequence)
	require.Zero(t, p.subscriber("risk").Unacknowledged)
	require.Zero(t, p.subscriber("tax").Unacknowledged)
}

func requireNotAllowed(t testing.TB, c *subscribed, what string) {
	t.Helper()
	select {
	case err := <-c.refusals:
		require.ErrorIs(t, err, nats.ErrPermissionViolation)
		require.ErrorContains(t, err, what)
	case <-time.After(patience):
		require.Fail(t, "not refused", what)
	}
}

func TestSubscribersReportsWhyASubscriberIsRefused(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data, "--api-key", "r:reader:read", "--api-key", "o:operator:operate"}, freePorts...)...)
	url := []string{"--api-url", p.addrs["api"]}
	operate := append([]string{"--api-key", "operate"}, url...)
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"the feed is off", append([]string{"add", "billing"}, operate...), exitFailed, "The feed of order events is off: start the service (the process with the projector) with --feed"},
		{"no key", append([]string{"list"}, url...), exitFailed, "ORDERFOLD_API_KEY"},
		{"a key of the role reader adds", append([]string{"add", "billing", "--stream", "notifications", "--api-key", "read"}, url...), exitFailed, "403 Forbidden"},
		{"a key of the role reader removes", append([]string{"remove", "billing", "--api-key", "read"}, url...), exitFailed, "403 Forbidden"},
		{"a sequence after the end", append([]string{"add", "tax", "--stream", "notifications", "--from", "7"}, operate...), exitFailed, "begin at 1 or before, or from now"},
		{"no service", []string{"add", "billing", "--api-url", "http://127.0.0.1:1"}, exitFailed, "check that orderfold serve is running and that --api-url names it"},
		{"no name", append([]string{"add"}, operate...), exitUsage, "usage: orderfold subscribers add NAME"},
		{"a name that is a path", append([]string{"add", "../x"}, operate...), exitUsage, "lower-case letters"},
		{"the name of another user", append([]string{"add", "operator"}, operate...), exitUsage, "choose another name"},
		{"an unknown stream", append([]string{"add", "tax", "--stream", "order"}, operate...), exitUsage, "did you mean orders?"},
		{"an unknown asset class", append([]string{"add", "tax", "--asset-class", "paper"}, operate...), exitUsage, "--asset-class"},
		{"an unknown beginning", append([]string{"add", "tax", "--from", "0"}, operate...), exitUsage, "neither now nor start nor the sequence of a message"},
		{"nothing pending", append([]string{"add", "tax", "--max-pending", "0"}, operate...), exitUsage, "at least 1"},
		{"an unknown command", []string{"stop"}, exitUsage, "add"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := execute(t, nil, append([]string{"subscribers"}, c.args...)...)
			require.Equal(t, c.code, code, stdout+stderr)
			require.Contains(t, stderr, c.says)
		})
	}
	code, body := p.request(http.MethodPost, "/v1/subscribers?name=tax&stream=notifications", "operate")
	require.Equal(t, http.StatusOK, code, string(body))
	code, body = p.request(http.MethodPost, "/v1/subscribers?name=tax&stream=notifications&from=now", "operate")
	require.Equal(t, http.StatusConflict, code)
	require.Equal(t, "conflict", decoded[client.Error](t, body).Code.Error())
	require.Contains(t, decoded[client.Error](t, body).Detail, "tax exists with other settings: --stream notifications --from start --max-pending 1000: remove it first")
	code, body = p.request(http.MethodPost, "/v1/subscribers?name=Tax&stream=notifications", "operate")
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, string(body), "1 to 64 lower-case letters")
	code, body = p.request(http.MethodGet, "/v1/subscribers", "read")
	require.Equal(t, http.StatusOK, code)
	require.Len(t, decoded[api.List[api.Subscriber]](t, body).Data, 1, "nothing else was added")
	code, _ = p.request(http.MethodDelete, "/v1/subscribers/..%2Foperator", "operate")
	require.Equal(t, http.StatusNotFound, code)
	code, _ = p.request(http.MethodDelete, "/v1/subscribers/tax", "operate")
	require.Equal(t, http.StatusNoContent, code)
	code, _ = p.request(http.MethodDelete, "/v1/subscribers/tax", "operate")
	require.Equal(t, http.StatusNotFound, code)
	_, err := os.Stat(filepath.Join(data, "operator.url"))
	require.NoError(t, err)
}

// The Go package follows the feed with the credentials of a subscriber, after a kill as well, and for a single asset
// class.
func TestTheSubscribePackageFollowsTheFeedAsASubscriber(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveFeed(t, data)
	play(t, p.addrs["receiver"], "--orders", "30", "--seed", "1")
	requireFed(t, p)
	p.subscribers("add", "billing")
	p.subscribers("add", "late", "--from", "now")
	p.subscribers("add", "digital", "--asset-class", "digital")
	stores := map[string]subscribe.Store{"billing": &subscribe.Memory{}, "late": &subscribe.Memory{}, "digital": &subscribe.Memory{}}
	known := map[string]*subscriberState{"billing": {}, "late": {}, "digital": {}}
	for _, seed := range []string{"2", "3"} {
		play(t, p.addrs["receiver"], "--orders", "30", "--repeats", "0.2", "--seed", seed)
		requireFed(t, p)
		for name, store := range stores {
			known[name].follow(t, p, data, name, store)
		}
		p.kill()
		p = serveFeed(t, data)
		requireFed(t, p)
	}
	for name, snapshots := range map[string]int{"billing": 0, "late": 1} {
		require.Equal(t, snapshots, known[name].snapshots, name)
		c := newConsumer(t)
		for id, order := range known[name].orders {
			c.orders[id] = consumed{order: order}
		}
		c.requireSame(p)
	}
	require.NotEmpty(t, known["digital"].orders)
	for id, order := range known["digital"].orders {
		require.Equal(t, "DIGITAL", order["assetClass"], id)
	}
}

// subscriberState is the data that a service derives from events.
type subscriberState struct {
	orders    map[string]map[string]any
	snapshots int
}

// follow runs a subscriber until nothing waits for it.
func (k *subscriberState) follow(t testing.TB, p *process, data, name string, store subscribe.Store) {
	t.Helper()
	url, err := os.ReadFile(filepath.Join(data, "subscribers", name+".url"))
	require.NoError(t, err)
	c, err := client.New(client.Options{URL: p.addrs["api"]})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- subscribe.Run(ctx, subscribe.Options{URL: strings.TrimSpace(string(url)), Name: name, API: c, Store: store,
			Retrying: func(cause error) { t.Log(name, cause) }}, k.take)
	}()
	eventually(t, "nothing waits for "+name, func() bool {
		s := p.subscriber(name)
		return s.Pending == 0 && s.Unacknowledged == 0 && s.LastRequestAt != ""
	})
	cancel()
	require.NoError(t, <-ended)
}

func (k *subscriberState) take(_ context.Context, events []subscribe.Event) error {
	if k.orders == nil {
		k.orders = map[string]map[string]any{}
	}
	for _, e := range events {
		switch e.Type {
		case subscribe.SnapshotBegins:
			k.orders = map[string]map[string]any{}
			k.snapshots++
		case subscribe.SnapshotOrder, subscribe.Changed, subscribe.Corrected:
			var order map[string]any
			if err := json.Unmarshal(e.State, &order); err != nil {
				return err
			}
			k.orders[e.Order] = order
		case subscribe.Withdrawn:
			delete(k.orders, e.Order)
		}
	}
	return nil
}

func TestSubscribersAddPrintsThePermissionsForAnExternalServer(t *testing.T) {
	t.Parallel()
	url := startNATS(t, t.TempDir())
	p := start(t, []string{"receiver", "api"}, append([]string{"serve", "--feed", "--data", filepath.Join(t.TempDir(), "data"), "--nats-url", url}, freePorts...)...)
	play(t, p.addrs["receiver"], "--orders", "5")
	requireFed(t, p)
	said := p.subscribers("add", "billing")
	for _, line := range []string{`{service: "$JS.API.CONSUMER.MSG.NEXT.ORDERS.billing", response: stream}`, `{user: "billing", password: "PASSWORD", permissions: {`,
		`"$JS.ACK.ORDERS.billing.>"`, `subscribe: {allow: ["_INBOX_billing.>"]}`} {
		require.Contains(t, said, line)
	}
	added := decoded[api.AddedSubscriber](t, []byte(p.subscribers("add", "billing", "--json")))
	require.Nil(t, added.CredentialsFile)
	require.Contains(t, said, *added.Permissions)
	js := jetStreamAt(t, url)
	consumer, err := js.Consumer(t.Context(), "ORDERS", "billing")
	require.NoError(t, err)
	m, err := consumer.Next(jetstream.FetchMaxWait(patience))
	require.NoError(t, err)
	require.NoError(t, m.DoubleAck(t.Context()))
	require.Equal(t, added.Pending-1, p.subscriber("billing").Pending)
	p.subscribers("remove", "billing")
	_, err = js.Consumer(t.Context(), "ORDERS", "billing")
	require.ErrorIs(t, err, jetstream.ErrConsumerNotFound)
}

// A backup contains the consumers of the log but no users: the list reports that, and adding a subscriber again makes
// its user.
func TestASubscriberOfARestoredLogContinuesWhenItIsAddedAgain(t *testing.T) {
	t.Parallel()
	data, restored := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	wanted := []string{"receiver", "api", "log"}
	p := start(t, wanted, append([]string{"serve", "--data", data}, freePorts...)...)
	play(t, p.addrs["receiver"], "--orders", "20")
	p.subscribers("add", "tax", "--stream", "notifications")
	c := connectSubscriber(t, data, "NOTIFICATIONS", "tax")
	for range 10 {
		require.NoError(t, c.next(t).DoubleAck(t.Context()))
	}
	backup := backUp(t, data)
	p.stop()
	code, _, stderr := execute(t, nil, "restore", backup, "--data", restored)
	require.Equal(t, exitOK, code, stderr)

	p = start(t, wanted, append([]string{"serve", "--data", restored}, freePorts...)...)
	require.Contains(t, p.subscribers("list"), "tax: it has no user, so nobody can connect as this subscriber: add it again with the same settings")
	require.Contains(t, string(p.get("/metrics")), `orderfold_subscriber_stuck{stream="notifications",subscriber="tax"} 1`)
	p.subscribers("add", "tax", "--stream", "notifications")
	require.Empty(t, p.subscriber("tax").Problem)
	m := connectSubscriber(t, restored, "NOTIFICATIONS", "tax").next(t)
	meta, err := m.Metadata()
	require.NoError(t, err)
	require.Equal(t, uint64(11), meta.Sequence.Stream)
}

func TestNoSubscriberIsAddedToAFeedOfAnotherLog(t *testing.T) {
	err := subscriberError(fmt.Errorf("%w: delete that stream", eventlog.ErrForeignFeed))
	var refused *api.SubscriberRefusal
	require.ErrorAs(t, err, &refused)
	require.False(t, refused.Settings)
	require.Equal(t, "The feed is not that of this log: delete that stream.", refused.Detail)
	require.ErrorIs(t, eventsError(eventlog.ErrForeignFeed), api.ErrNoFeed, "not a fault of the service")
}
