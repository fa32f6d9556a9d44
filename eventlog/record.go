package eventlog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/eventlog/embedded"
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
	Epoch uint64 // 1, and one more each time that the log was restored or a loss was accepted
	First uint64
	Last  uint64
	// Lost says what was expected and what is missing, with what to do, see ErrLost; nil when nothing is known to be missing, or all
	// of it was accepted.
	Lost *Fault
	// Missing are the sequences from 1 to Last of which there is no record, accepted ones included.
	Missing Ranges

	skip Ranges // those of them that a reader passes over
}

// Fault is an error with what an operator needs to know: what is wrong, what to do (Hint), and whether the fault clears by
// itself (Clears). Errors of this package that an operator can do something about are one, see FaultOf.
type Fault = embedded.Fault

// FaultOf returns the fault in err, nil when there is none.
func FaultOf(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

var (
	// ErrNotFound occurs when no record has the sequence that was asked for. Nothing was changed.
	ErrNotFound = errors.New("eventlog: no such record")
	// ErrCompacted occurs at the begin of a read when the log begins after the position: the records between are gone. Nothing was
	// read. It is a Fault that does not clear.
	ErrCompacted = errors.New("eventlog: the log begins after this position")
	// ErrFuture occurs when the log ends before the position, because it lost its end or an old copy was put in its place: at the
	// begin of a read, and in the middle of one that follows. Its sequences may have been given to other records. It is a Fault that
	// does not clear.
	ErrFuture = errors.New("eventlog: the log ends before this position")
	// ErrDiverged occurs when another record is at the position, or the log is another one: at the begin of a read, and in the middle
	// of one that follows. It is a Fault that does not clear.
	ErrDiverged = errors.New("eventlog: another record stands at this position")
	// ErrLost occurs at a read of a log that ends before a record that it is known to have had, lacks one before its end, or took the
	// place of another log. The error says what was expected and found. Records before the loss may have been read. Nobody reads the
	// log until an operator has decided: AcceptLoss. It is a Fault that does not clear.
	ErrLost = errors.New("eventlog: the log lost records")
	// ErrUnavailable occurs when the log cannot be reached, is full, or did not answer in time. A record that was being appended may
	// be in the log, unless the error is ErrNotAppended too. It clears by itself, unless a Fault in the error says otherwise.
	ErrUnavailable = errors.New("eventlog: the log is unavailable")
	// ErrNotAppended occurs at an append that is surely not in the log. The record may be appended again.
	ErrNotAppended = errors.New("the record was not appended")
	// ErrInvalid occurs at an append of a record that the log never takes: its object is no kebab-case word, its source is unknown or
	// it is too large. Nothing was appended. It does not clear: the same record is refused again.
	ErrInvalid = errors.New("eventlog: the record cannot be appended")
	// ErrLocked occurs at Open and Restore when another process has the data folder open. Nothing was changed. It is a Fault that does
	// not clear.
	ErrLocked = embedded.ErrLocked
	// ErrNoStream occurs when there is no log, and creating one was not allowed or would bury what is left of an older one. Nothing was
	// changed. It is a Fault that does not clear.
	ErrNoStream = embedded.ErrNoStream
)

// misfitHint is what to do when a position does not fit the log.
const misfitHint = "find out why the log has changed, and put the right one back; if this log is the right one, " +
	"stop orderfold, delete the folder of the views, and start it again"

// misfit makes a Fault of an error of a position that does not fit the log.
func misfit(err error) error { return &Fault{Err: err, Hint: misfitHint} }

// GapError occurs at a read when records are missing inside the log: Want should be next, and Got is the first that is there. Got is
// one past the end of the log when nothing follows the hole. The records before Want were read. It is part of a Fault that does not
// clear.
type GapError struct{ Want, Got uint64 }

// Error says which record is missing.
func (e *GapError) Error() string {
	return fmt.Sprintf("eventlog: a hole in the log: want record %d, got %d", e.Want, e.Got)
}
