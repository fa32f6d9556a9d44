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

// seenInterval is how often the end of the log is written down while it grows; the supervisor looks every second, too.
const seenInterval = healthInterval * 9 / 10

// lostKey is where the stream itself says what is missing at its end, so that every reader knows, whichever way it came.
const lostKey = "orderfold-lost"

// LossAdvice is what to do about lost records: the hint of every fault about a loss that nobody has accepted.
const LossAdvice = "find out why, and restore the data folder from a copy if there is one; to go on with what is left, stop orderfold, " +
	"run orderfold doctor --accept-loss with its --data or --nats-url, and start again"

// compareSeen finds out whether the log ends before the place where it was last seen to end. It then writes that into the stream:
// the sequences of what is gone are soon given to other records, and then nothing shows the loss any more.
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

// lostNote returns what the stream says is missing at its end, "" when it says nothing. Older versions wrote what to do after it.
func lostNote(info *jetstream.StreamInfo) string {
	return strings.TrimSuffix(info.Config.Metadata[lostKey], ": "+LossAdvice)
}

// seenPatience is how long the log may take to return the record at its end.
const seenPatience = time.Second

// missingSince compares the end of the log with the End that was recorded, and says what is missing; "" when nothing is.
func (l *Log) missingSince(ctx context.Context, last uint64) string {
	before, err := l.embedded.ReadEnd()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil: // a hint that is lost is no reason not to open the log
		l.logger.Warn("how far the log reached before cannot be read", zap.Error(err))
	case before.Log != l.identity:
		return fmt.Sprintf("the log of this data folder was %s and had %d records; the one that is here now is %s and has %d",
			before.Log, before.Sequence, l.identity, last)
	case before.Sequence > last:
		return fmt.Sprintf("its last record was %d, and is %d now: %d records that were acknowledged are gone",
			before.Sequence, last, before.Sequence-last)
	case before.Hash != "":
		// A record that is not there is a hole, which is reported as one.
		if rec, err := l.Get(ctx, before.Sequence); err == nil && rec.hash() != before.Hash {
			return fmt.Sprintf("its record %d, which was the last one, is another one now: another copy of the log was put here",
				before.Sequence)
		}
	}
	return ""
}

// keepSeen writes down how far the log reaches, if it grew. It is not synced: what is written is in the log already, and a
// hint that the machine's power took away is none that is wrong.
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
	if rec, err := l.Get(ctx, now.Sequence); err == nil { // else only the sequence is known
		now.Hash = rec.hash()
	}
	if err := l.embedded.WriteEnd(now, synced); err != nil {
		return err
	}
	l.seen = now
	return nil
}
