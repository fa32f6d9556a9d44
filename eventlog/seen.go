package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// seenInterval is the shortest time between two writes of last-seen.json. It is a little less than
// the interval of the supervisor, which writes the file, so that no tick is missed.
const seenInterval = healthInterval * 9 / 10

// lostKey is the key in the stream's metadata under which the description of a lost end is recorded.
const lostKey = "orderfold-lost"

// LossAdvice is the hint of every fault about a loss that was not accepted.
const LossAdvice = "find out why, and restore the data folder from a copy if there is one; to continue with what is left, stop orderfold, " +
	"run orderfold doctor --accept-loss with its --data or --nats-url, and start it again"

// compareSeen compares the end of the log with the one recorded in last-seen.json. It records a loss
// in the stream's metadata, because the lost sequences are soon given to other records, which would
// hide the loss.
func (l *Log) compareSeen(ctx context.Context, last uint64) {
	info := l.stream.CachedInfo()
	if noted := lostNote(info); noted != "" {
		l.lost.Store(&noted)
		l.logger.Error("THE LOG LOST ITS END, and the loss was not accepted", zap.String("lost", noted), zap.String("hint", LossAdvice))
		return
	}
	text := l.missingSince(ctx, last)
	if text == "" {
		return
	}
	l.lost.Store(&text)
	l.logger.Error("THE LOG LOST ITS END: records that were acknowledged are gone", zap.String("lost", text), zap.String("hint", LossAdvice))
	if err := l.annotate(ctx, func(notes map[string]string) { notes[lostKey] = text }); err != nil {
		l.logger.Warn("the loss could not be recorded in the stream; only this process knows of it", zap.Error(err))
	}
}

// lostNote returns the description of the lost end in the stream's metadata, or "" if there is none.
// Older versions appended the advice to the description.
func lostNote(info *jetstream.StreamInfo) string {
	return strings.TrimSuffix(info.Config.Metadata[lostKey], ": "+LossAdvice)
}

// seenPatience is how long the log may take to return the record at its end.
const seenPatience = time.Second

// missingSince compares the end of the log with the recorded End, and describes what is missing. It
// returns "" if nothing is.
func (l *Log) missingSince(ctx context.Context, last uint64) string {
	before, err := l.embedded.ReadEnd()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil: // an unreadable file must not keep the log from being opened
		l.logger.Warn("the recorded end of the log cannot be read", zap.Error(err))
	case before.Log != l.identity:
		return fmt.Sprintf("the log of this data folder was %s and had %d records; the one that is here now is %s and has %d",
			before.Log, before.Sequence, l.identity, last)
	case before.Sequence > last:
		return fmt.Sprintf("its last record was %d, and is %d now: %d records that were acknowledged are gone",
			before.Sequence, last, before.Sequence-last)
	case before.Hash != "":
		// If the record does not exist, that is a hole, which examine reports.
		if rec, err := l.Get(ctx, before.Sequence); err == nil && rec.hash() != before.Hash {
			return fmt.Sprintf("its record %d, which was the last one, is now a different record: another copy of the log was put here",
				before.Sequence)
		}
	}
	return ""
}

// keepSeen writes the end of the log to last-seen.json, if the log has grown. The file is not synced:
// after a power failure an older end is still correct.
func (l *Log) keepSeen() {
	if time.Since(l.seenAt) < seenInterval {
		return
	}
	l.seenAt = time.Now()
	if err := l.writeSeen(false); err != nil {
		l.logger.Debug("the end of the log could not be recorded", zap.Error(err))
	}
}

// writeSeen writes the end of the log to last-seen.json. It does nothing if the log is empty or lost
// its end, or if synced is false and the log has not grown.
func (l *Log) writeSeen(synced bool) error {
	now := embedded.End{Log: l.identity, Sequence: l.group.reached(0)}
	if now.Sequence == 0 || l.lost.Load() != nil || now.Sequence == l.seen.Sequence && !synced {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), seenPatience)
	defer cancel()
	if rec, err := l.Get(ctx, now.Sequence); err == nil { // otherwise only the sequence is known
		now.Hash = rec.hash()
	}
	if err := l.embedded.WriteEnd(now, synced); err != nil {
		return err
	}
	l.seen = now
	return nil
}
