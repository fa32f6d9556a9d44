package eventlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Drain reads the log to its end with the client library's ordered consumer, which checks nothing,
// and drops the records. Benchmarks compare other readers with it. The error wraps ErrUnavailable.
func (l *Log) Drain(ctx context.Context) error {
	bounds, err := l.Bounds(ctx)
	if err != nil || bounds.Last < bounds.First {
		return err
	}
	// Without a limit Next can wait for ever after the stream was deleted.
	consumer, err := l.js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{MaxResetAttempts: 3})
	if err != nil {
		return unavailable(ctx, "make an ordered consumer", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(pullRecords))
	if err != nil {
		return unavailable(ctx, "drain", err)
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for left := bounds.Last - bounds.First + 1; left > 0; left-- {
		if _, err := messages.Next(); err != nil {
			return unavailable(ctx, fmt.Sprintf("drain, %d records before the end", left), err)
		}
	}
	return nil
}
