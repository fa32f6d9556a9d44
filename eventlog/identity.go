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
	// identityKey is where the stream's metadata contain the identity of the log. A backup contains the metadata, and not the time
	// at which the stream was created.
	identityKey = "orderfold-log"
	// epochKey is where they contain the epoch. A log without it is in the first one.
	epochKey = "orderfold-epoch"
)

// identity distinguishes one log from another. Older logs have the creation time of their stream
// instead.
func identity(info *jetstream.StreamInfo) string {
	return cmp.Or(info.Config.Metadata[identityKey], info.Created.UTC().Format(time.RFC3339Nano))
}

// keepIdentity writes the identity into a stream that was created without it. The time of creation stays the identity: positions
// contain it.
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

// epoch reads the epoch from a stream's metadata. An unreadable value counts as none.
func epoch(notes map[string]string) uint64 {
	n, err := strconv.ParseUint(notes[epochKey], 10, 63)
	if err != nil {
		return 1
	}
	return max(n, 1)
}

// beginEpoch records that sequences may be given again to other records: the log was set back, or
// lost records were accepted.
func beginEpoch(notes map[string]string) {
	notes[epochKey] = strconv.FormatUint(epoch(notes)+1, 10)
}
