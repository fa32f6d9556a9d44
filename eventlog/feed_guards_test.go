package eventlog_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

func TestNoExternalUserCanChangeTheFeedOrTheLogThroughIt(t *testing.T) {
	p := embeddedPlace(t)
	p.options.Addr = "127.0.0.1:0"
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	f := l.Feed(eventlog.FeedOptions{})
	publish(t, f, 0, events(1, 5))
	_, operator, _ := as(t, p, "operator")
	_, err := operator.CreateConsumer(t.Context(), "ORDERS", jetstream.ConsumerConfig{Durable: "books", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)

	forBoth := [][2]string{
		{"orders.digital.00", "forged"},
		{"orders.revision", "forged"},
		{"$JS.API.STREAM.UPDATE.ORDERS", `{"name":"ORDERS","subjects":["other"]}`},
		{"$JS.API.STREAM.DELETE.ORDERS", ""},
		{"$JS.API.STREAM.PURGE.ORDERS", ""},
		{"$JS.API.STREAM.MSG.DELETE.ORDERS", `{"seq":1}`},
		{"$JS.API.STREAM.SNAPSHOT.ORDERS", `{"deliver_subject":"_INBOX.x"}`},
	}
	forSubscriber := append([][2]string{
		{"$JS.API.CONSUMER.CREATE.ORDERS.mine", `{"stream_name":"ORDERS","config":{"name":"mine"}}`},
		{"$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.mine", `{"stream_name":"ORDERS","config":{"durable_name":"mine"}}`},
		{"$JS.API.CONSUMER.DELETE.ORDERS.books", ""},
	}, forBoth...)
	for user, requests := range map[string][][2]string{"subscriber": forSubscriber, "operator": forBoth} {
		conn, _, refusals := as(t, p, user)
		for _, request := range requests {
			require.NoError(t, conn.PublishRequest(request[0], conn.NewInbox(), []byte(request[1])))
			requireRefusal(t, refusals, `Publish to "`+request[0]+`"`)
		}
		_, err := conn.SubscribeSync("orders.>")
		require.NoError(t, err)
		requireRefusal(t, refusals, `Subscription to "orders.>"`)
		for _, target := range []string{"notifications.customer.00", "orders.revision"} { // the server sends an answer to the reply subject of the request
			for _, allowed := range []string{"$JS.API.STREAM.INFO.ORDERS", "$JS.API.CONSUMER.MSG.NEXT.ORDERS.books"} {
				require.NoError(t, conn.PublishRequest(allowed, target, nil))
			}
		}
	}
	// A push consumer would deliver to any subject, with the permissions of the account of both streams.
	for _, stream := range []string{"ORDERS", "NOTIFICATIONS"} {
		for _, target := range []string{"notifications.customer.00", "orders.revision", "orders.digital.00", "$JS.API.STREAM.PURGE.ORDERS"} {
			_, err := operator.CreatePushConsumer(t.Context(), stream, jetstream.ConsumerConfig{DeliverSubject: target, AckPolicy: jetstream.AckNonePolicy})
			require.Error(t, err, "of %s to %s", stream, target)
		}
	}
	require.Never(t, func() bool {
		bounds, err := l.Bounds(t.Context())
		fed, feedErr := f.Bounds(t.Context())
		return err != nil || feedErr != nil || bounds.Last != 5 || fed.Last != 5
	}, 300*time.Millisecond, 20*time.Millisecond)
}
