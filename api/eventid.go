package api

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hashDigits is how much of a record's hash the id of an event contains.
const hashDigits = 8

// eventIDs makes the ids of events: the sequence of a record and the beginning of its hash. The hash shows that a log was set
// back and the sequence given to another record.
type eventIDs struct {
	log Log

	mu   sync.Mutex
	last map[uint64]string // beginnings of the hashes that were asked for last: many readers ask for the same ones
	away time.Time         // when the log did not answer last
}

const (
	// maxIDs bounds what eventIDs keep.
	maxIDs = 4096
	// idPatience is how long an event waits for its id, and how long no other does after the log did not answer.
	idPatience = 500 * time.Millisecond
)

// of returns the id of an event at that record. It is the bare sequence when the hash is not known: the record is lost, or the log
// cannot be reached. It is empty for 0.
func (ids *eventIDs) of(ctx context.Context, sequence uint64) string {
	return ids.all(ctx, []uint64{sequence})[0]
}

// all returns the ids of events at those records, which must ascend.
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

// hashes returns the beginning of the hash of each record, and reads the unknown ones with one call. It is empty where none can be read.
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

// parseEventID returns what an id contains; hash is empty in one that is only a sequence.
func parseEventID(id string) (sequence uint64, hash string, ok bool) {
	number, hash, hashed := strings.Cut(id, "-")
	sequence, err := strconv.ParseUint(number, 10, 63)
	if err != nil || hashed && (len(hash) != hashDigits || strings.Trim(hash, "0123456789abcdef") != "") {
		return 0, "", false
	}
	return sequence, hash, true
}
