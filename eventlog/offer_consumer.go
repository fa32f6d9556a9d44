package eventlog

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// consumerPatience is how long the server may take to make a consumer.
const consumerPatience = 5 * time.Second

// consumerOrder is a request for a consumer, in the words of the server.
type consumerOrder struct {
	Stream string                   `json:"stream_name"`
	Config jetstream.ConsumerConfig `json:"config"`
	Action string                   `json:"action,omitempty"`
}

// offerConsumers lets the operator make consumers. A push consumer delivers to whatever subject its maker names, with the rights of the
// account of both streams: one of the feed could write into the log. Therefore the request is read here, one for a push consumer is
// refused, and only what was read of another goes to the server.
func (l *Log) offerConsumers() error {
	return l.offer("a consumer", embedded.ConsumerRequest+">", l.makeConsumer)
}

func (l *Log) makeConsumer(m *nats.Msg) error {
	var order consumerOrder
	if err := json.Unmarshal(m.Data, &order); err != nil || order.Config.DeliverSubject != "" || order.Config.DeliverGroup != "" {
		return m.Respond([]byte(`{"type":"io.nats.jetstream.api.v1.consumer_create_response","error":{"code":400,"err_code":10012,` +
			`"description":"only pull consumers can be made here: leave deliver_subject and deliver_group out"}}`))
	}
	request, err := json.Marshal(order)
	if err != nil {
		return err
	}
	subject := "$JS.API.CONSUMER." + strings.TrimPrefix(m.Subject, embedded.ConsumerRequest)
	answer, err := l.conn.Request(subject, request, consumerPatience) // the server does not answer through an import itself
	if err != nil {
		return err
	}
	return m.Respond(answer.Data)
}
