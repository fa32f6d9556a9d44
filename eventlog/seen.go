package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// seenInterval is how often the end of the log is written down.
const seenInterval = 10 * time.Second

// seen is how far an embedded log reached when it was last looked at. The server cuts off a damaged tail in silence; with
// this the next start can at least say so. It is no guard: that is the position of each reader.
type seen struct {
	Log      string `json:"log"`
	Sequence uint64 `json:"sequence"`
}

func (e *embedded) seenPath() string { return filepath.Join(e.dir, "last-seen.json") }

// examine warns of what can be seen of a damaged log without reading it. The log never forgets a record on purpose.
func (l *Log) examine(state jetstream.StreamState) {
	first := max(1, state.FirstSeq) // the server says 0 for a new stream
	if first > 1 {
		l.logger.Warn("the log does not begin with record 1: what was before is gone", zap.Uint64("first", first))
	}
	if want := state.LastSeq + 1 - first; state.Msgs < want {
		l.logger.Warn("THE LOG HAS HOLES: records that were acknowledged are missing. Restore it from a copy if there is one",
			zap.Uint64("first", first), zap.Uint64("last", state.LastSeq), zap.Uint64("missing", want-state.Msgs))
	}
}

// compareSeen warns when the log ends before the place where it was last seen to end.
func (l *Log) compareSeen(last uint64) {
	data, err := os.ReadFile(l.embedded.seenPath())
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var before seen
	if err == nil {
		err = json.Unmarshal(data, &before)
	}
	switch {
	case err != nil: // a hint that is lost is no reason not to open the log
		l.logger.Warn("how far the log reached before cannot be read", zap.Error(err))
	case before.Log != l.identity:
		l.logger.Warn("another log was in this data folder before", zap.String("before", before.Log), zap.String("now", l.identity))
	case before.Sequence > last:
		l.logger.Warn("THE LOG LOST ITS END: records that were acknowledged are gone, and their sequences will be given to others. "+
			"Stop now and restore the data folder from a copy if there is one",
			zap.Uint64("last_before", before.Sequence), zap.Uint64("last_now", last), zap.Uint64("lost", before.Sequence-last))
	}
}

// keepSeen writes down how far the log reaches, if that is long ago.
func (l *Log) keepSeen() {
	if time.Since(l.seenAt) < seenInterval {
		return
	}
	l.seenAt = time.Now()
	if err := l.writeSeen(); err != nil {
		l.logger.Debug("how far the log reaches could not be written down", zap.Error(err))
	}
}

func (l *Log) writeSeen() error {
	now := seen{Log: l.identity, Sequence: l.group.reached(0)}
	if now == l.seen || now.Sequence == 0 {
		return nil
	}
	data, err := json.Marshal(now)
	if err == nil {
		err = writeSecret(l.embedded.seenPath(), data)
	}
	if err != nil {
		return fmt.Errorf("eventlog: write down how far the log reaches: %w", err)
	}
	l.seen = now
	return nil
}
