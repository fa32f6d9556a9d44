package eventlog

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// identityKey is the key of the log's identity in the stream's metadata. A backup contains the
	// metadata, but not the creation time of the stream.
	identityKey = "orderfold-log"
	// epochKey is the key of the epoch in the stream's metadata. A log without it is in epoch 1.
	epochKey = "orderfold-epoch"
)

// identity returns the identity of the log: a random string in the stream's metadata, or the
// creation time of the stream if the metadata does not contain one.
func identity(info *jetstream.StreamInfo) string {
	return cmp.Or(info.Config.Metadata[identityKey], info.Created.UTC().Format(time.RFC3339Nano))
}

// keepIdentity writes the identity into the metadata of a stream that was created without one. The
// identity is then the creation time, which stored positions already contain.
func (l *Log) keepIdentity(ctx context.Context, info *jetstream.StreamInfo) error {
	if info.Config.Metadata[identityKey] != "" || !l.mayNote {
		return nil
	}
	err := l.annotate(ctx, func(notes map[string]string) { notes[identityKey] = cmp.Or(notes[identityKey], l.identity) })
	if err != nil {
		return err
	}
	l.logger.Info("the identity of the log was written into its stream", zap.String("log", l.identity))
	return nil
}

// epoch returns the epoch in a stream's metadata, or 1 if there is no valid one.
func epoch(notes map[string]string) uint64 {
	n, err := strconv.ParseUint(notes[epochKey], 10, 63)
	if err != nil {
		return 1
	}
	return max(n, 1)
}

// beginEpoch increments the epoch. It must be called after a restore and when a loss is accepted,
// because sequences may then be given to other records than before.
func beginEpoch(notes map[string]string) {
	notes[epochKey] = strconv.FormatUint(epoch(notes)+1, 10)
}
