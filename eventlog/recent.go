package eventlog

import (
	"context"
	"errors"
	"sync"
)

// recentRecords is how many hashes are kept. The stream of changes asks for those of the latest records.
const recentRecords = 4096

// recent keeps the hashes of the records that Follow yielded last. Reading a record takes a hundred times as long as hashing it.
type recent struct {
	mu     sync.Mutex
	hashes [recentRecords]struct {
		sequence uint64
		hash     string
	}
}

func (h *recent) keep(r *Record) {
	hash := r.hash()
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := &h.hashes[r.Sequence%recentRecords]
	kept.sequence, kept.hash = r.Sequence, hash
}

// forget must be called when the log is followed again: the server may have another log by then.
func (h *recent) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.hashes[:])
}

// find adds the hashes that are kept to those found, and returns the sequences of the others.
func (h *recent) find(sequences []uint64, found map[uint64]string) (others []uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, sequence := range sequences {
		if kept := &h.hashes[sequence%recentRecords]; kept.sequence == sequence && sequence != 0 {
			found[sequence] = kept.hash
		} else {
			others = append(others, sequence)
		}
	}
	return others
}

// Hashes returns the hash of each of those records that the log has, see Position. The sequences must ascend. It reads those that
// Follow did not yield lately. With an error, which wraps ErrUnavailable, it returns those that it found.
func (l *Log) Hashes(ctx context.Context, sequences []uint64) (map[uint64]string, error) {
	found := make(map[uint64]string, len(sequences))
	for r, err := range l.Records(ctx, l.recent.find(sequences, found)) {
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return found, err
		}
		found[r.Sequence] = r.hash()
	}
	return found, nil
}
