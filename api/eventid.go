package api

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hashDigits is the number of digits of a record's hash in the id of an event.
const hashDigits = 8

// eventIDs makes the ids of events from the sequence of a record and the beginning of its hash. The
// hash shows whether the log was replaced by an older copy and another record now has the sequence.
type eventIDs struct {
	log Log

	mu sync.Mutex
	// last contains the beginnings of the hashes requested last, because many readers request the
	// same ones.
	last map[uint64]string
	away time.Time // when the log last failed to answer
}

const (
	// maxIDs bounds the number of hashes that eventIDs keeps.
	maxIDs = 4096
	// idPatience is how long an event waits for its id. After the log failed to answer, no other
	// event waits for the same time.
	idPatience = 500 * time.Millisecond
)

// of returns the id of an event at the record with the given sequence. The id is the bare sequence
// if the hash is unknown, because the record is lost or the log cannot be reached. The id of
// sequence 0 is empty.
func (ids *eventIDs) of(ctx context.Context, sequence uint64) string {
	return ids.all(ctx, []uint64{sequence})[0]
}

// all returns the ids of events at the records with the given sequences, which must ascend.
func (ids *eventIDs) all(ctx context.Context, sequences []uint64) []string {
	hashes := ids.hashes(ctx, sequences)
	all := make([]string, len(sequences))
	for i, sequence := range sequences {
		if sequence == 0 {
			continue
		}
		if all[i] = strconv.FormatUint(sequence, 10); hashes[i] != "" {
			all[i] += "-" + hashes[i]
		}
	}
	return all
}

// hashes returns the beginning of the hash of each record and reads the unknown ones in one call.
// The text is empty if a hash cannot be read.
func (ids *eventIDs) hashes(ctx context.Context, sequences []uint64) []string {
	hashes := make([]string, len(sequences))
	var unknown []uint64
	ids.mu.Lock()
	for i, sequence := range sequences {
		if hashes[i] = ids.last[sequence]; hashes[i] == "" && sequence != 0 {
			unknown = append(unknown, sequence)
		}
	}
	away := time.Since(ids.away) < idPatience
	ids.mu.Unlock()
	if len(unknown) == 0 || away {
		return hashes
	}
	ctx, cancel := context.WithTimeout(ctx, idPatience)
	defer cancel()
	found, err := ids.log.Hashes(ctx, unknown)
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if err != nil {
		ids.away = time.Now()
	}
	if len(ids.last)+len(found) > maxIDs {
		clear(ids.last)
	}
	for i, sequence := range sequences {
		if hash := found[sequence]; len(hash) >= hashDigits {
			hashes[i] = hash[:hashDigits]
			ids.last[sequence] = hashes[i]
		}
	}
	return hashes
}

// parseEventID returns the parts of an id; hash is empty if the id is a bare sequence.
func parseEventID(id string) (sequence uint64, hash string, ok bool) {
	number, hash, hashed := strings.Cut(id, "-")
	sequence, err := strconv.ParseUint(number, 10, 63)
	if err != nil || hashed && (len(hash) != hashDigits || strings.Trim(hash, "0123456789abcdef") != "") {
		return 0, "", false
	}
	return sequence, hash, true
}
