package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// appendPatience is how long Append waits when its context has no deadline.
	appendPatience = 30 * time.Second
	// errCodeMessageTooLarge is JSStreamMessageExceedsMaximumErr of nats-server, which the client does not name.
	errCodeMessageTooLarge jetstream.ErrorCode = 10054
	// errCodeStoreFailed is JSStreamStoreFailedF: the stream is full. A failed write has no answer
	// at all.
	errCodeStoreFailed jetstream.ErrorCode = 10077
)

// Append adds a record at the end of the log and returns its sequence once the server has stored it, which means on disk
// where the sync mode is "always". The body is kept byte for byte and must not be changed afterwards: a record whose caller
// has given up may still be on its way. Without a deadline in ctx it waits half a minute at most.
//
// Appends that wait at the same time share one write to the disk. Each still stands or falls alone, and a record appended
// after the answer for another one stands after it in the log.
//
// Errors: ErrInvalid, and nothing was appended; ErrUnavailable, with the context's cause if it ended: whether the record
// was appended is unknown then, unless the error is ErrNotAppended too.
func (l *Log) Append(ctx context.Context, r Record) (uint64, error) {
	msg, err := message(r)
	if err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, notAppended(context.Cause(ctx))
	}
	if err := l.notOpen(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotAppended, err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, appendPatience)
		defer cancel()
	}
	return l.group.append(ctx, msg)
}

// tooLarge returns the error for a record that the server never accepts.
func (g *group) tooLarge(a *appending) error {
	return fmt.Errorf("%w: %d bytes are more than the NATS server takes (max_payload %d)", ErrInvalid, len(a.msg.Data), g.maxPayload.Load())
}
