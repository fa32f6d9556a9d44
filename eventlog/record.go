package eventlog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Source says how a record came to be.
type Source string

// The sources. A fetched record stands under the subject snapshots.…, the others under notifications.….
const (
	Webhook   Source = "webhook"   // posted by the platform
	Recovered Source = "recovered" // from the platform's list of undelivered notifications
	Fetched   Source = "fetched"   // an answer of the platform to our own question
)

// Record is one notification in the log: the exact bytes and what is known about their arrival.
//
// ContentType, RequestID and Traceparent come from foreign headers: the log keeps them on one line, as valid UTF-8 and
// at most 256 bytes long, whatever was given.
type Record struct {
	Sequence uint64    // given by the log; ignored by Append
	Received time.Time // UTC, given by the log; ignored by Append
	Source   Source    // "" when appending means Webhook
	Object   string    // event type in kebab case without -notification: "traditional-asset-order"
	// Key is the id of the object and picks the shard; empty when appending: the body picks it. Not kept.
	Key         string
	ContentType string
	RequestID   string
	Traceparent string
	Body        []byte

	log     string // identity of the log it was read from
	subject string
}

// Position is the place in the log after this record. It hashes the record, which costs about a millisecond for each
// megabyte of body, so ask for the last record of a batch only. Meaningful for records that were read from a log.
func (r Record) Position() Position {
	return Position{Log: r.log, Sequence: r.Sequence, Hash: r.hash()}
}

// hash covers what Append was given and when, each part preceded by its length, so that no two records share an input.
// It leaves out what the server adds to a message on the way, which differs between the ways of reading it.
func (r Record) hash() string {
	sum := sha256.New()
	part := make([]byte, 0, 256)
	for _, text := range []string{r.subject, r.ContentType, r.RequestID, string(r.Source), r.Traceparent} {
		part = binary.AppendUvarint(part, uint64(len(text)))
		part = append(part, text...)
	}
	part = binary.BigEndian.AppendUint64(part, uint64(r.Received.UnixNano()))
	sum.Write(part)
	sum.Write(r.Body)
	return hex.EncodeToString(sum.Sum(nil))
}

// Position is a place in one particular log: after the record Sequence. The zero value is before the first record.
// An empty Log or Hash is not compared.
type Position struct {
	Log      string // identity of the log
	Sequence uint64
	Hash     string // of the record at Sequence
}

// Bounds are the ends of the log as they stand. An empty log has Last < First.
type Bounds struct {
	Log   string // identity: tells this log from any other, also one that took its place
	First uint64
	Last  uint64
	// Lost says what was expected, what is missing and what to do, see ErrLost; "" when nothing is known to be missing, or all of
	// it was accepted.
	Lost string
	// Missing are the sequences from 1 to Last of which there is no record, accepted ones included.
	Missing Ranges

	skip Ranges // those of them that a reader passes over
}

var (
	// ErrNotFound: no record has that sequence.
	ErrNotFound = errors.New("eventlog: no such record")
	// ErrCompacted: the log begins after the position; what lies between is gone.
	ErrCompacted = errors.New("eventlog: the log begins after this position")
	// ErrFuture: the log ends before the position; it lost its tail.
	ErrFuture = errors.New("eventlog: the log ends before this position")
	// ErrDiverged: another record stands at the position, or it is another log.
	ErrDiverged = errors.New("eventlog: another record stands at this position")
	// ErrLost: the log ends before a record that it is known to have had, lacks one before its end, or took the place of another
	// log. The error says what was expected and found. Nobody reads it until an operator has decided: AcceptLoss.
	ErrLost = errors.New("eventlog: the log lost records")
	// ErrUnavailable: the log cannot be reached, is full, or did not answer in time. Whether a record being appended is
	// in the log is unknown.
	ErrUnavailable = errors.New("eventlog: the log is unavailable")
	// ErrInvalid: the record can never be appended as it is: its object is no kebab-case word, its source is unknown or
	// it is larger than the log takes. Nothing was appended.
	ErrInvalid = errors.New("eventlog: the record cannot be appended")
	// ErrLocked: another process has the data folder open.
	ErrLocked = errors.New("eventlog: the data folder is in use by another process")
	// ErrNoStream: there is no log, and creating one was not allowed or would bury what is left of an older one.
	ErrNoStream = errors.New("eventlog: there is no log")
)

// GapError says that records are missing inside the log: Want should be next, and Got is the first that is there. Got is
// one past the end of the log when nothing follows the hole.
type GapError struct{ Want, Got uint64 }

// Error says which record is missing.
func (e *GapError) Error() string {
	return fmt.Sprintf("eventlog: a hole in the log: want record %d, got %d", e.Want, e.Got)
}
