package eventlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Drain reads the log to its end with the ordered consumer of the client library, and discards the
// records without checking them. Benchmarks compare readers with it. The error wraps ErrUnavailable.
func (l *Log) Drain(ctx context.Context) error {
	bounds, err := l.Bounds(ctx)
	if err != nil || bounds.Last < bounds.First {
		return err
	}
	// Without a limit of resets, Next could wait for ever if the stream were deleted.
	consumer, err := l.js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{MaxResetAttempts: 3})
	if err != nil {
		return unavailable(ctx, "create an ordered consumer", err)
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
			return unavailable(ctx, fmt.Sprintf("drain: %d records before the end", left), err)
		}
	}
	return nil
}
