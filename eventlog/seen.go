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

// seenInterval is how often the end of the log is written to the file while it grows; the
// supervisor checks every second.
const seenInterval = healthInterval * 9 / 10

// lostKey is the metadata key for what is missing at the end of the stream, for every reader.
const lostKey = "orderfold-lost"

// LossAdvice is what to do about lost records: the hint of every fault about a loss that nobody has accepted.
const LossAdvice = "find out why, and restore the data folder from a copy if there is one; to continue with what is left, stop orderfold, " +
	"run orderfold doctor --accept-loss with its --data or --nats-url, and start it again"

// compareSeen checks whether the log ends before its last recorded end. If so, it records that in
// the stream, because the lost sequences are soon given to other records and nothing would show the
// loss.
func (l *Log) compareSeen(ctx context.Context, last uint64) {
	info := l.stream.CachedInfo()
	if noted := lostNote(info); noted != "" {
		l.lost.Store(&noted)
		l.logger.Error("THE LOG LOST ITS END, and nobody has decided yet", zap.String("lost", noted), zap.String("hint", LossAdvice))
		return
	}
	text := l.missingSince(ctx, last)
	if text == "" {
		return
	}
	l.lost.Store(&text)
	l.logger.Error("THE LOG LOST ITS END: records that were acknowledged are gone", zap.String("lost", text), zap.String("hint", LossAdvice))
	if err := l.annotate(ctx, func(notes map[string]string) { notes[lostKey] = text }); err != nil {
		l.logger.Warn("the log cannot keep that it lost records; this process knows it", zap.Error(err))
	}
}

// lostNote returns what the stream records as missing at its end, "" if nothing. Older versions
// appended an advice.
func lostNote(info *jetstream.StreamInfo) string {
	return strings.TrimSuffix(info.Config.Metadata[lostKey], ": "+LossAdvice)
}

// seenPatience is how long the log may take to return the record at its end.
const seenPatience = time.Second

// missingSince compares the end of the log with the recorded End, and describes what is missing; ""
// if nothing is.
func (l *Log) missingSince(ctx context.Context, last uint64) string {
	before, err := l.embedded.ReadEnd()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil: // a missing file is no reason not to open the log
		l.logger.Warn("how far the log reached before cannot be read", zap.Error(err))
	case before.Log != l.identity:
		return fmt.Sprintf("the log of this data folder was %s and had %d records; the one that is here now is %s and has %d",
			before.Log, before.Sequence, l.identity, last)
	case before.Sequence > last:
		return fmt.Sprintf("its last record was %d, and is %d now: %d records that were acknowledged are gone",
			before.Sequence, last, before.Sequence-last)
	case before.Hash != "":
		// A record that does not exist is a hole, which is reported separately.
		if rec, err := l.Get(ctx, before.Sequence); err == nil && rec.hash() != before.Hash {
			return fmt.Sprintf("its record %d, which was the last one, is another one now: another copy of the log was put here",
				before.Sequence)
		}
	}
	return ""
}

// keepSeen writes how far the log reaches, if it grew. It is not synced: its content is already in
// the log, and after a power failure an older value is not wrong.
func (l *Log) keepSeen() {
	if time.Since(l.seenAt) < seenInterval {
		return
	}
	l.seenAt = time.Now()
	if err := l.writeSeen(false); err != nil {
		l.logger.Debug("how far the log reaches could not be written down", zap.Error(err))
	}
}

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
