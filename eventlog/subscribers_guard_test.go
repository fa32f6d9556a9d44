package eventlog_test

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// forbidden lists requests that the subscriber billing of the feed may not send. Other subscribers are
// risk, of the feed, and tax, of the log.
var forbidden = []struct{ act, subject, request string }{
	{"it reads another's messages", "$JS.API.CONSUMER.MSG.NEXT.ORDERS.risk", `{"batch":1}`},
	{"it reads the messages of a subscriber of the log", "$JS.API.CONSUMER.MSG.NEXT.NOTIFICATIONS.tax", `{"batch":1}`},
	{"it reads the log through a consumer of its own name", "$JS.API.CONSUMER.MSG.NEXT.NOTIFICATIONS.billing", `{"batch":1}`},
	{"it acknowledges another's message", "$JS.ACK.ORDERS.risk.1.1.1.1.0", "+ACK"},
	{"it acknowledges a message of the log", "$JS.ACK.NOTIFICATIONS.tax.1.1.1.1.0", "+ACK"},
	{"it requests the state of another's consumer", "$JS.API.CONSUMER.INFO.ORDERS.risk", ""},
	{"it lists consumers", "$JS.API.CONSUMER.LIST.ORDERS", ""},
	{"it lists the names of consumers", "$JS.API.CONSUMER.NAMES.ORDERS", ""},
	{"it reads an event by its sequence", "$JS.API.STREAM.MSG.GET.ORDERS", `{"seq":1}`},
	{"it reads an event directly", "$JS.API.DIRECT.GET.ORDERS", `{"seq":1}`},
	{"it reads the last event of a subject", "$JS.API.DIRECT.GET.ORDERS.orders.digital.00", ""},
	{"it requests the state of the feed", "$JS.API.STREAM.INFO.ORDERS", `{"subjects_filter":">"}`},
	{"it reads a record of the log", "$JS.API.STREAM.MSG.GET.NOTIFICATIONS", `{"seq":1}`},
	{"it reads a record of the log directly", "$JS.API.DIRECT.GET.NOTIFICATIONS", `{"seq":1}`},
	{"it reads the last record of a subject", "$JS.API.DIRECT.GET.NOTIFICATIONS.notifications.traditional-asset-order.00", ""},
	{"it requests the state of the log", "$JS.API.STREAM.INFO.NOTIFICATIONS", ""},
	{"it lists streams", "$JS.API.STREAM.LIST", ""},
	{"it publishes an event", "orders.digital.00", "{}"},
	{"it publishes a revision", "orders.revision", "{}"},
	{"it publishes a notification", "notifications.customer.00", "{}"},
	{"it publishes a snapshot", "snapshots.customer.00", "{}"},
	{"it publishes to another's inbox", "_INBOX_risk.x", "{}"},
	{"it publishes to the operator's inbox", "_INBOX.x", "{}"},
	{"it purges the feed", "$JS.API.STREAM.PURGE.ORDERS", ""},
	{"it purges the log", "$JS.API.STREAM.PURGE.NOTIFICATIONS", ""},
	{"it deletes an event", "$JS.API.STREAM.MSG.DELETE.ORDERS", `{"seq":1}`},
	{"it deletes a record", "$JS.API.STREAM.MSG.DELETE.NOTIFICATIONS", `{"seq":1}`},
	{"it deletes the feed", "$JS.API.STREAM.DELETE.ORDERS", ""},
	{"it deletes the log", "$JS.API.STREAM.DELETE.NOTIFICATIONS", ""},
	{"it changes the feed", "$JS.API.STREAM.UPDATE.ORDERS", `{"name":"ORDERS","subjects":["other"]}`},
	{"it creates a stream", "$JS.API.STREAM.CREATE.OTHER", `{"name":"OTHER","subjects":["other"]}`},
	{"it restores a stream", "$JS.API.STREAM.RESTORE.ORDERS", `{"config":{"name":"ORDERS"}}`},
	{"it backs the log up", "$JS.API.STREAM.SNAPSHOT.NOTIFICATIONS", `{"deliver_subject":"_INBOX_billing.x"}`},
	{"it backs the feed up", "$JS.API.STREAM.SNAPSHOT.ORDERS", `{"deliver_subject":"_INBOX_billing.x"}`},
	{"it requests a backup from Orderfold", "orderfold.backup", `{"deliver_subject":"_INBOX_billing.x"}`},
	{"it requests another limit from Orderfold", "orderfold.limit", "1073741824"},
	{"it requests a consumer from Orderfold", "orderfold.consumer.CREATE.ORDERS.mine", `{"stream_name":"ORDERS","config":{"name":"mine"}}`},
	{"it deletes its consumer", "$JS.API.CONSUMER.DELETE.ORDERS.billing", ""},
	{"it deletes another's consumer", "$JS.API.CONSUMER.DELETE.ORDERS.risk", ""},
	{"it creates a consumer", "$JS.API.CONSUMER.CREATE.ORDERS.mine", `{"stream_name":"ORDERS","config":{"name":"mine"}}`},
	{"it creates a consumer without a name", "$JS.API.CONSUMER.CREATE.ORDERS", `{"stream_name":"ORDERS","config":{"ack_policy":"none"}}`},
	{"it creates a durable consumer", "$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.mine", `{"stream_name":"ORDERS","config":{"durable_name":"mine"}}`},
	{"it creates a consumer of the log", "$JS.API.CONSUMER.CREATE.NOTIFICATIONS.billing", `{"stream_name":"NOTIFICATIONS","config":{"name":"billing"}}`},
	{"it changes its consumer", "$JS.API.CONSUMER.CREATE.ORDERS.billing", `{"stream_name":"ORDERS","config":{"durable_name":"billing","max_ack_pending":9},"action":"update"}`},
	{"it rewinds its consumer", "$JS.API.CONSUMER.RESET.ORDERS.billing", `{"seq":1}`},
	{"it rewinds another's consumer", "$JS.API.CONSUMER.RESET.ORDERS.risk", `{"seq":1}`},
	{"it pauses its consumer", "$JS.API.CONSUMER.PAUSE.ORDERS.billing", `{"pause_until":"2100-01-01T00:00:00Z"}`},
	{"it pauses another's consumer", "$JS.API.CONSUMER.PAUSE.ORDERS.risk", `{"pause_until":"2100-01-01T00:00:00Z"}`},
	{"it unpins another's consumer", "$JS.API.CONSUMER.UNPIN.ORDERS.risk", `{"group":"a"}`},
	{"it makes a leader step down", "$JS.API.CONSUMER.LEADER.STEPDOWN.ORDERS.risk", ""},
	{"it requests the state of the account", "$JS.API.INFO", ""},
	{"it removes a server", "$JS.API.SERVER.REMOVE", "{}"},
	{"it pings the servers", "$SYS.REQ.SERVER.PING", ""},
}

// overheard lists subjects to which the subscriber billing may not subscribe.
var overheard = []string{">", "*", "*.>", "_INBOX.>", "_INBOX_risk.>", "_INBOX_billing", "_SELF.>", "_R_.>", "orders.>", "notifications.>", "$JS.>", "$JS.ACK.>",
	"$JS.EVENT.>", "$SYS.>", "orderfold.>"}

// standing is the state that no subscriber may change.
type standing struct {
	log, feed   uint64    // last sequences
	risk, tax   [3]uint64 // messages pending, unacknowledged and redelivered
	subscribers int
}

// stands returns the current state.
func stands(t *testing.T, l *eventlog.Log, f *eventlog.Feed) standing {
	t.Helper()
	log, err := l.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(1), log.First)
	feed, err := f.Bounds(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(1), feed.First)
	all := listed(t, l.Subscribers())
	of := func(name string) [3]uint64 {
		return [3]uint64{all[name].Pending, uint64(all[name].Unacknowledged), uint64(all[name].Redelivered)}
	}
	return standing{log.Last, feed.Last, of("risk"), of("tax"), len(all)}
}

// requireForbidden checks that the server refuses everything that the subscriber billing may not do.
func requireForbidden(t *testing.T, c *client, l *eventlog.Log, f *eventlog.Feed) {
	before := stands(t, l, f)
	for _, f := range forbidden {
		t.Run(f.act, func(t *testing.T) {
			require.NoError(t, c.PublishRequest(f.subject, c.NewInbox(), []byte(f.request)))
			requireRefusal(t, c.refusals, `Publish to "`+f.subject+`"`)
		})
	}
	for _, subject := range overheard {
		t.Run("it subscribes to "+subject, func(t *testing.T) {
			_, err := c.SubscribeSync(subject)
			require.NoError(t, err)
			requireRefusal(t, c.refusals, `Subscription to "`+subject+`"`)
		})
	}
	// The answer to a permitted request would be sent to the reply subject.
	const next = "$JS.API.CONSUMER.MSG.NEXT.ORDERS.billing"
	for _, reply := range []string{"$JS.ACK.ORDERS.risk.1.1.1.1.0", "$JS.API.CONSUMER.MSG.NEXT.ORDERS.risk", "$JS.API.STREAM.PURGE.ORDERS"} {
		t.Run("it has the answer sent to "+reply, func(t *testing.T) {
			require.NoError(t, c.PublishRequest(next, reply, []byte(`{"batch":1,"no_wait":true}`)))
			requireRefusal(t, c.refusals, `Publish with Reply of "`+reply+`"`)
		})
	}
	for _, reply := range []string{"notifications.customer.00", "orders.digital.00", "orderfold.limit"} {
		t.Run("it has the answer sent to "+reply, func(t *testing.T) {
			require.NoError(t, c.PublishRequest(next, reply, []byte(`{"batch":1,"no_wait":true}`)))
		})
	}
	require.NotEmpty(t, c.take(t, "ORDERS", "billing", 1, true), "all earlier requests were handled")
	require.Equal(t, before, stands(t, l, f), "nothing has changed")
}

func TestASubscriberMayOnlyRequestAndAcknowledgeItsOwnMessages(t *testing.T) {
	_, l, f := listening(t)
	publish(t, f, 5, events(6, 20))
	url := urlIn(t, add(t, l, usual("billing")))
	tax := usual("tax")
	tax.Stream = eventlog.SubscribeNotifications
	risk := dial(t, urlIn(t, add(t, l, usual("risk"))), "risk")
	add(t, l, tax)
	risk.take(t, "ORDERS", "risk", 2, false) // so that there are messages to acknowledge
	c := dial(t, url, "billing")
	require.Equal(t, counted(1, 3), c.take(t, "ORDERS", "billing", 3, true))
	requireForbidden(t, c, l, f)
	require.Empty(t, risk.refusals)
}

func TestASubscriberOfTheLogCannotReadTheFeed(t *testing.T) {
	_, l, _ := listening(t)
	tax := usual("tax")
	tax.Stream = eventlog.SubscribeNotifications
	add(t, l, usual("risk"))
	c := dial(t, urlIn(t, add(t, l, tax)), "tax")
	require.Equal(t, numbered(1, 5), c.take(t, "NOTIFICATIONS", "tax", 5, true))
	for _, subject := range []string{"$JS.API.CONSUMER.MSG.NEXT.ORDERS.tax", "$JS.API.CONSUMER.MSG.NEXT.ORDERS.risk", "$JS.API.DIRECT.GET.NOTIFICATIONS", "$JS.ACK.ORDERS.tax.1.1.1.1.0"} {
		require.NoError(t, c.PublishRequest(subject, c.NewInbox(), nil))
		requireRefusal(t, c.refusals, `Publish to "`+subject+`"`)
	}
}

func TestSubscribersAreAddedAndRemovedWithoutARestart(t *testing.T) {
	_, l, f := listening(t)
	s := l.Subscribers()
	risk := dial(t, urlIn(t, add(t, l, usual("risk"))), "risk")
	server := risk.ConnectedServerId()
	require.Equal(t, counted(1, 5), risk.take(t, "ORDERS", "risk", 5, true))
	waiting := risk.consume(t, "risk")

	for round := range 3 {
		file := add(t, l, usual("billing"))
		billing := dial(t, urlIn(t, file), "billing")
		second := dial(t, urlIn(t, file), "billing")
		billing.take(t, "ORDERS", "billing", 5, true)
		require.NoError(t, s.Remove(t.Context(), "billing"))
		for _, c := range []*client{billing, second} {
			select {
			case <-c.closed:
			case <-time.After(time.Minute):
				require.Fail(t, "a user who was removed is still connected")
			}
			require.ErrorIs(t, c.LastError(), nats.ErrAuthorization)
		}
		require.NoFileExists(t, file)
		require.ErrorIs(t, s.Remove(t.Context(), "billing"), eventlog.ErrNoSubscriber)

		publish(t, f, uint64(5+round), events(6+round, 6+round))
		msg := receive(t, waiting)
		require.Equal(t, counted(6+round, 6+round)[0], string(msg.Data()))
		require.NoError(t, msg.DoubleAck(t.Context()))
	}
	require.Zero(t, risk.Stats().Reconnects)
	require.Equal(t, server, risk.ConnectedServerId())
	appendAll(t, l, "the log is still connected")
	require.Len(t, listed(t, s), 1)
}

// The server would identify a connection with a key by that key. It would therefore not end the
// connection when the user is removed.
func TestASubscriberCannotConnectWithAKey(t *testing.T) {
	_, l, _ := listening(t)
	u, err := url.Parse(urlIn(t, add(t, l, usual("billing"))))
	require.NoError(t, err)
	password, _ := u.User.Password()
	for key, answer := range map[string]string{"": "+OK", "UAAAA": "Authorization Violation"} {
		conn, err := net.Dial("tcp", u.Host)
		require.NoError(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "CONNECT {\"user\":\"billing\",\"pass\":%q,\"nkey\":%q}\r\nPING\r\n", password, key)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		lines := bufio.NewScanner(conn)
		require.True(t, lines.Scan())
		require.Contains(t, lines.Text(), "INFO ")
		require.True(t, lines.Scan())
		require.Contains(t, lines.Text(), answer)
	}
}

func TestSubscribersSurviveARestart(t *testing.T) {
	p, l, _ := listening(t)
	file := add(t, l, usual("billing"))
	c := dial(t, urlIn(t, file), "billing")
	c.take(t, "ORDERS", "billing", 3, true)
	before, err := url.Parse(urlIn(t, file))
	require.NoError(t, err)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NoError(t, l.Close())
	unheard := p.options
	unheard.Addr = ""
	require.NoError(t, open(t, unheard).Close())
	require.FileExists(t, file, "a start without a listener keeps the file")
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(p.options.Dir)))

	for name, dir := range map[string]string{"the folder": p.options.Dir, "a copy of the folder": copied} {
		options := p.options
		options.Dir = dir
		l = open(t, options)
		file = filepath.Join(dir, "subscribers", "billing.url")
		after, err := url.Parse(urlIn(t, file))
		require.NoError(t, err)
		require.Equal(t, before.User.String(), after.User.String(), name)
		require.Equal(t, l.Addr(), after.Host, name)
		got := listed(t, l.Subscribers())["billing"]
		require.Equal(t, usual("billing"), got.Subscription)
		require.Empty(t, got.Problem)
		require.Equal(t, counted(4, 5), dial(t, urlIn(t, file), "billing").take(t, "ORDERS", "billing", 2, true), name)
		require.NoError(t, l.Close())
	}
}

func TestAMissingConsumerOrUserIsReportedAndCreatedAgain(t *testing.T) {
	p, l, _ := listening(t)
	file := add(t, l, usual("billing"))
	_, operator, _ := as(t, p, "operator")
	require.NoError(t, operator.DeleteConsumer(t.Context(), "ORDERS", "billing"))
	got := listed(t, l.Subscribers())
	require.Len(t, got, 1)
	require.Contains(t, got["billing"].Problem, "its consumer is gone")
	url := urlIn(t, file)
	require.Equal(t, file, add(t, l, usual("billing")))
	require.Equal(t, url, urlIn(t, file), "the user is unchanged")
	require.Empty(t, listed(t, l.Subscribers())["billing"].Problem)
	require.NoError(t, l.Close())

	require.NoError(t, os.Remove(filepath.Join(p.options.Dir, "credentials.json")))
	l = open(t, p.options)
	require.NoFileExists(t, file, "the user no longer exists")
	require.Contains(t, listed(t, l.Subscribers())["billing"].Problem, "it has no user")
	require.Equal(t, file, add(t, l, usual("billing")))
	require.Empty(t, listed(t, l.Subscribers())["billing"].Problem)
	require.Equal(t, counted(1, 5), dial(t, urlIn(t, file), "billing").take(t, "ORDERS", "billing", 5, true))
	require.NoError(t, eventlog.JetStream(l).DeleteConsumer(t.Context(), "ORDERS", "billing"))
	require.NoError(t, l.Subscribers().Remove(t.Context(), "billing"), "a subscriber without a consumer can be removed")
	require.NoFileExists(t, file)
}

// The printed permissions are added to the configuration of a server: all of them, or only the user if
// the server already has the accounts of contrib/nats.
func TestThePermissionsForAnExternalServerAreSufficientAndMinimal(t *testing.T) {
	const app = "jetstream: enabled, users: [{user: orderfold, password: app}]"
	text, err := os.ReadFile("../contrib/nats/accounts.conf")
	require.NoError(t, err)
	shipped := strings.Replace(string(text), `include "passwords.conf"`, "NATS_PASSWORD: app\nSUBSCRIBER_PASSWORD: other", 1)
	for name, test := range map[string]struct {
		before string
		after  func(permissions string) string
	}{
		"all printed lines": {"system_account: SYS\naccounts { SYS {}, ORDERFOLD { " + app + " } }", func(permissions string) string {
			return "system_account: SYS\n" + strings.Replace(permissions, "ORDERFOLD {\n", "ORDERFOLD {\n"+app+"\n", 1)
		}},
		"the user, with the accounts of contrib/nats": {shipped, func(permissions string) string {
			_, user, found := strings.Cut(permissions, "users: [\n")
			require.True(t, found)
			user, _, found = strings.Cut(user, "    ]\n  }\n}")
			require.True(t, found)
			before, after, found := strings.Cut(shipped, "SUBSCRIBERS {\n    users: [\n")
			require.True(t, found)
			return before + "SUBSCRIBERS {\n    users: [\n" + user + after
		}},
	} {
		t.Run(name, func(t *testing.T) { requirePermissions(t, test.before, test.after) })
	}
}

func requirePermissions(t *testing.T, before string, after func(permissions string) string) {
	p := separatePlace(t, before)
	p.options.URL = strings.Replace(p.options.URL, "nats://", "nats://orderfold:app@", 1)
	l := open(t, p.options)
	f := l.Feed(eventlog.FeedOptions{})
	appendAll(t, l, numbered(1, 5)...)
	publish(t, f, 0, events(1, 20))
	tax := usual("tax")
	tax.Stream = eventlog.SubscribeNotifications
	for _, s := range []eventlog.Subscription{usual("risk"), tax} {
		require.Empty(t, add(t, l, s), "no file is created")
	}
	_, grant, err := l.Subscribers().Add(t.Context(), usual("billing"))
	require.NoError(t, err)
	for name, got := range listed(t, l.Subscribers()) {
		require.Empty(t, got.Problem, name)
	}

	p.process.extra = strings.Replace(after(grant.Permissions), "PASSWORD\", permissions", "right\", permissions", 1)
	p.stop()
	p.start()
	require.Eventually(t, func() bool {
		_, err := l.Bounds(t.Context())
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	c := dial(t, "nats://billing:right@"+p.process.listen, "billing")
	require.Equal(t, counted(1, 3), c.take(t, "ORDERS", "billing", 3, true))
	requireForbidden(t, c, l, f)

	require.NoError(t, l.Subscribers().Remove(t.Context(), "billing"))
	require.NotContains(t, listed(t, l.Subscribers()), "billing")
}
