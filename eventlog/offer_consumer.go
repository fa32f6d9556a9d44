package eventlog

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// consumerPatience is how long the server may take to create a consumer.
const consumerPatience = 5 * time.Second

// consumerOrder is the server's request for a consumer.
type consumerOrder struct {
	Stream string                   `json:"stream_name"`
	Config jetstream.ConsumerConfig `json:"config"`
	Action string                   `json:"action,omitempty"`
}

// offerConsumers lets the operator create consumers. A push consumer delivers to any subject that
// its settings contain, with the permissions of the account: a push consumer of the feed could write
// into the log. The request is therefore parsed and checked here, and encoded again for the server.
// Push consumers are refused.
func (l *Log) offerConsumers() error {
	return l.offer("a consumer", embedded.ConsumerRequest+">", l.makeConsumer)
}

// makeConsumer checks a request for a consumer, sends it to the server and returns the server's
// answer to the operator.
func (l *Log) makeConsumer(m *nats.Msg) error {
	var order consumerOrder
	if err := json.Unmarshal(m.Data, &order); err != nil || order.Config.DeliverSubject != "" || order.Config.DeliverGroup != "" {
		return m.Respond([]byte(`{"type":"io.nats.jetstream.api.v1.consumer_create_response","error":{"code":400,"err_code":10012,` +
			`"description":"only pull consumers can be created here: omit deliver_subject and deliver_group"}}`))
	}
	request, err := json.Marshal(order)
	if err != nil {
		return err
	}
	subject := "$JS.API.CONSUMER." + strings.TrimPrefix(m.Subject, embedded.ConsumerRequest)
	answer, err := l.conn.Request(subject, request, consumerPatience) // the server itself does not answer a request that comes through an import
	if err != nil {
		return err
	}
	return m.Respond(answer.Data)
}
