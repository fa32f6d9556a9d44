package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Append adds a record at the end of the log and returns its sequence once the server has stored it, which means on disk
// where the sync mode is "always". The body is kept byte for byte and must not be changed while Append runs. Without a
// deadline in ctx it waits five seconds at most.
//
// Errors: ErrInvalid, and nothing was appended; ErrUnavailable, with the context's cause if it ended, and whether the
// record is in the log is unknown.
func (l *Log) Append(ctx context.Context, r Record) (uint64, error) {
	msg, err := message(r)
	if err != nil {
		return 0, err
	}
	ack, err := l.js.PublishMsg(ctx, msg)
	if err == nil {
		return ack.Sequence, nil
	}
	var refused *jetstream.APIError
	tooLarge := errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &refused) && refused.ErrorCode == errCodeMessageTooLarge
	if tooLarge {
		return 0, fmt.Errorf("%w: %d bytes are more than the NATS server takes (max_payload %d)", ErrInvalid, len(r.Body), l.conn.MaxPayload())
	}
	return 0, unavailable(ctx, "append", err)
}

// errCodeMessageTooLarge is JSStreamMessageExceedsMaximumErr of nats-server, which the client does not name.
const errCodeMessageTooLarge jetstream.ErrorCode = 10054
