package eventlog

import (
	"context"
	"errors"
	"sync"
)

// recentRecords is the number of hashes that are kept. The stream of changes over HTTP needs those of
// the latest records.
const recentRecords = 4096

// recent contains the hashes of the records that Follow yielded last. Hashing a record takes a
// hundredth of the time of reading it again.
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

// forget removes all hashes. It must be called at the beginning of Follow, because the server may
// contain another log than it did before.
func (h *recent) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.hashes[:])
}

// find adds the kept hashes of the given sequences to found, and returns the other sequences.
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

// Hashes returns the hashes of records by sequence, as in Position. The sequences must ascend. The
// result contains no entry for a record that does not exist. Hashes reads the records that Follow
// has not yielded recently. If it returns an error, which wraps ErrUnavailable, it also returns the
// hashes found so far.
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
