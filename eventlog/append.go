package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// appendPatience is how long Append waits if its context has no deadline.
	appendPatience = 30 * time.Second
	// errCodeMessageTooLarge is JSStreamMessageExceedsMaximumErr of nats-server, for which the
	// client library has no constant.
	errCodeMessageTooLarge jetstream.ErrorCode = 10054
	// errCodeStoreFailed is JSStreamStoreFailedF of nats-server, for example for a full stream.
	// After a failed write the server sends no answer.
	errCodeStoreFailed jetstream.ErrorCode = 10077
)

// Append adds a record at the end of the log and returns its sequence once the server has stored
// it. With the sync mode "always", the record is then on disk. The body is stored byte for byte. The
// caller must not change the body, even after Append has returned: an abandoned record may still be
// sent. If ctx has no deadline, Append waits for up to 30 seconds.
//
// Concurrent appends share one write to the disk, but each succeeds or fails on its own. A record
// whose append begins after another append has returned comes later in the log.
//
// Errors: ErrInvalid, after which nothing was appended, and ErrUnavailable, which wraps the cause of
// ctx if ctx ended. After ErrUnavailable the record may be in the log, unless the error also wraps
// ErrNotAppended.
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

// tooLarge returns the error for a record that exceeds the largest message of the server.
func (g *group) tooLarge(a *appending) error {
	return fmt.Errorf("%w: its body of %d bytes is larger than the NATS server accepts (max_payload %d)", ErrInvalid, len(a.msg.Data), g.maxPayload.Load())
}
