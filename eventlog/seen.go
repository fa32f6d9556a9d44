package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
)

// seenInterval is how often the end of the log is written down while it grows; the supervisor looks every second, too.
const seenInterval = healthInterval * 9 / 10

// seen is how far an embedded log reached when it was last looked at. The server cuts off a damaged tail in silence; with
// this the next start notices, also when no reader is left that had come so far.
type seen struct {
	Log      string `json:"log"`
	Sequence uint64 `json:"sequence"`
}

func (e *embedded) seenPath() string { return filepath.Join(e.dir, "last-seen.json") }

// lostKey is where the stream itself says what is missing at its end, so that every reader knows, whichever way it came.
const lostKey = "orderfold-lost"

// whatToDo ends every account of a loss.
const whatToDo = "find out why, and restore the data folder from a copy if there is one; to go on with what is left, stop orderfold, " +
	"run orderfold doctor --accept-loss with its --data or --nats-url, and start again"

// compareSeen finds out whether the log ends before the place where it was last seen to end. It then notes that, for good:
// the sequences of what is gone are given to others soon, and nothing could be seen any more.
func (l *Log) compareSeen(ctx context.Context, last uint64) {
	info := l.stream.CachedInfo()
	if noted := info.Config.Metadata[lostKey]; noted != "" {
		l.lost.Store(&noted)
		l.logger.Error("THE LOG LOST ITS END, and nobody has decided yet", zap.String("lost", noted))
		return
	}
	text := l.missingSince(last)
	if text == "" {
		return
	}
	l.lost.Store(&text)
	l.logger.Error("THE LOG LOST ITS END: records that were acknowledged are gone", zap.String("lost", text))
	if err := l.annotate(ctx, info, func(notes map[string]string) { notes[lostKey] = text }); err != nil {
		l.logger.Warn("the log cannot keep that it lost records; this process knows it", zap.Error(err))
	}
}

// missingSince compares the end of the log with what was written down of it, and says what is missing; "" when nothing is.
func (l *Log) missingSince(last uint64) string {
	data, err := os.ReadFile(l.embedded.seenPath())
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var before seen
	if err == nil {
		err = json.Unmarshal(data, &before)
	}
	switch {
	case err != nil: // a hint that is lost is no reason not to open the log
		l.logger.Warn("how far the log reached before cannot be read", zap.Error(err))
	case before.Log != l.identity:
		return fmt.Sprintf("the log of this data folder was made at %s and had %d records; the one that is here now was made at %s and has %d: %s",
			before.Log, before.Sequence, l.identity, last, whatToDo)
	case before.Sequence > last:
		return fmt.Sprintf("its last record was %d, and is %d now: %d records that were acknowledged are gone: %s",
			before.Sequence, last, before.Sequence-last, whatToDo)
	}
	return ""
}

// forgetSeen has the next start compare with nothing.
func (l *Log) forgetSeen() error {
	if err := os.Remove(l.embedded.seenPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("eventlog: accept the loss: %w", err)
	}
	return nil
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
	now := seen{Log: l.identity, Sequence: l.group.reached(0)}
	if now.Sequence == 0 || l.lost.Load() != nil || now == l.seen && !synced {
		return nil
	}
	data, err := json.Marshal(now)
	if err == nil {
		err = replaceFile(l.embedded.seenPath(), data, synced)
	}
	if err != nil {
		return fmt.Errorf("eventlog: write down how far the log reaches: %w", err)
	}
	l.seen = now
	return nil
}
