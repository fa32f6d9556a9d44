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

// Source is how a record came into the log.
type Source string

// The sources. The subject of a fetched record begins with snapshots, that of any other record with
// notifications.
const (
	Webhook   Source = "webhook"   // posted by the platform
	Recovered Source = "recovered" // from the platform's list of undelivered notifications
	Fetched   Source = "fetched"   // an answer of the platform to a request by this service
)

// Record is a message in the log: the exact bytes that were posted or that the platform answered,
// with what is known about their arrival.
//
// ContentType, RequestID and Traceparent come from headers of other programs. Append turns each of
// them into a single line of valid UTF-8 of at most 256 bytes.
type Record struct {
	Sequence uint64    // set by the log; ignored by Append
	Received time.Time // in UTC; set by the log; ignored by Append
	Source   Source    // for Append, "" means Webhook
	Object   string    // the event type in kebab case without -notification: "traditional-asset-order"
	// Key is the id of the object. Append computes the shard from it, or from the body if Key is
	// empty. The log does not store it.
	Key         string
	ContentType string
	RequestID   string
	Traceparent string
	Body        []byte

	log     string // identity of the log from which the record was read
	subject string
}

// Position returns the position after this record, which must have been read from a log. It computes
// a hash, which takes about a millisecond for each megabyte of body; when processing a batch, call
// it only for the last record.
func (r Record) Position() Position {
	return Position{Log: r.log, Sequence: r.Sequence, Hash: r.hash()}
}

// hash returns the SHA-256 hash of the fields given to Append and the time received, in hexadecimal.
// Each text is preceded by its length, so that different records never have the same input. The hash
// does not cover headers that the server adds to a message, because these depend on how the message
// is read.
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

// Position is a place in a particular log: after the record with that sequence. The zero value is
// the place before the first record of any log. An empty Log or Hash is not compared.
type Position struct {
	Log      string // identity of the log
	Sequence uint64
	Hash     string // of the record at Sequence
}

// Bounds are the current ends of the log. An empty log has Last < First.
type Bounds struct {
	Log   string // identity of the log, which distinguishes it from every other log
	Epoch uint64 // 1 for a new log; incremented by each restore and each accepted loss
	First uint64
	Last  uint64
	// Lost describes the records that are missing, with a hint for the operator; see ErrLost. It is
	// nil if no record is known to be missing, or the loss of all missing ones was accepted.
	Lost *Fault
	// Missing contains the sequences from 1 to Last that have no record, including those whose loss
	// was accepted.
	Missing Ranges

	skip Ranges // the missing sequences that a reader skips
}

// Fault is an error for an operator: what is wrong, what to do about it (Hint), and whether it
// clears by itself (Clears). Every error of this package that an operator can correct contains a
// Fault; see FaultOf.
type Fault = embedded.Fault

// FaultOf returns the first Fault in the tree of err, or nil if there is none.
func FaultOf(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

var (
	// ErrNotFound occurs when no record has the requested sequence.
	ErrNotFound = errors.New("eventlog: no such record")
	// ErrCompacted occurs at the beginning of a read if the log begins after the position: the records
	// in between are gone. Nothing was read. It is a Fault that does not clear.
	ErrCompacted = errors.New("eventlog: the log begins after this position")
	// ErrFuture occurs if the log ends before the position, because it lost its end or was replaced
	// by an older copy. The sequences up to the position may have been given to other records. It
	// occurs at the beginning of a read, and also later in Follow. It is a Fault that does not clear.
	ErrFuture = errors.New("eventlog: the log ends before this position")
	// ErrDiverged occurs if there is another record at the position, or the position belongs to
	// another log. It occurs at the beginning of a read, and also later in Follow. It is a Fault that
	// does not clear.
	ErrDiverged = errors.New("eventlog: another record is at this position")
	// ErrLost occurs when reading a log that ends before a record that it once had, lacks a record
	// before its end, or was put in the place of another log. The error describes what was expected
	// and what was found. Records before the loss may have been read. No reader can read the log
	// until an operator restores it or accepts the loss with AcceptLoss. It is a Fault that does not
	// clear.
	ErrLost = errors.New("eventlog: the log lost records")
	// ErrUnavailable occurs if the log cannot be reached, is full, or did not answer in time. A record
	// that was being appended may be in the log, unless the error also wraps ErrNotAppended. It clears
	// by itself, unless the error contains a Fault with Clears false.
	ErrUnavailable = errors.New("eventlog: the log is unavailable")
	// ErrNotAppended occurs in Append if the record is certainly not in the log. It may be appended
	// again.
	ErrNotAppended = errors.New("the record was not appended")
	// ErrInvalid occurs in Append for a record that the log never accepts: its object is not a
	// kebab-case word, its source is unknown, or it is too large. Nothing was appended. It does not
	// clear: the same record is refused again.
	ErrInvalid = errors.New("eventlog: the record cannot be appended")
	// ErrLocked occurs in Open and Restore if another process uses the data folder. Nothing was
	// changed. It is a Fault that does not clear.
	ErrLocked = embedded.ErrLocked
	// ErrNoStream occurs if there is no log, and creating one is not allowed or would hide the remains
	// of an older log. Nothing was changed. It is a Fault that does not clear.
	ErrNoStream = embedded.ErrNoStream
)

// misfitHint is the hint for a position that does not fit the log.
const misfitHint = "find out why the log has changed, and put the right one back; if this log is the right one, " +
	"stop orderfold, delete the folder of the views, and start it again"

// misfit returns the Fault for a position that does not fit the log.
func misfit(err error) error { return &Fault{Err: err, Hint: misfitHint} }

// GapError occurs when a reader finds that records are missing inside the log: Want is the sequence
// of the next record, and Got that of the first record after it that exists, or one more than the
// last sequence if there is none. The records before Want were read. It is part of a Fault that does
// not clear.
type GapError struct{ Want, Got uint64 }

// Error returns a message with both sequences.
func (e *GapError) Error() string {
	return fmt.Sprintf("eventlog: a hole in the log: want record %d, got %d", e.Want, e.Got)
}
