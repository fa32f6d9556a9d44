package api

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

var (
	// ErrNoRecord occurs when the log has never had a record with that sequence.
	ErrNoRecord = errors.New("api: the log has no such record")
	// ErrMissing occurs when the log had that record, and has lost it; in History, when it has lost one of the order's records. It does
	// not clear by itself.
	ErrMissing = errors.New("api: the record is missing from the log")
	// ErrUnavailable occurs when the log cannot be reached. It clears by itself. Every other error of Log means the same; History returns
	// this one.
	ErrUnavailable = errors.New("api: the log cannot be reached")
)

// Views answers what is known of orders. Each answer says which record of the log it had applied.
// An unknown id is views.ErrNotFound, with at or applied, a foreign cursor views.ErrCursor, one of another lineage
// views.ErrCursorExpired, one of views that had come further a views.BehindError, views that do not exist yet views.ErrNoViews.
type Views interface {
	Order(ctx context.Context, id string) (order statemachine.Order, at views.At, err error)
	Orders(ctx context.Context, q views.Query) (views.Page, error)
	Breaks(ctx context.Context, q views.BreakQuery) (views.BreakPage, error)
}

// Objects answers what is known of objects that are not orders. Errors are those of Views.
type Objects interface {
	Object(ctx context.Context, object, id string) (last views.Object, applied uint64, err error)
	Objects(ctx context.Context, q views.ObjectQuery) (views.ObjectPage, error)
	// ObjectsWithID returns those of any kind.
	ObjectsWithID(ctx context.Context, id string) (found []views.Object, applied uint64, err error)
}

// Position says where the views stand, and what of the log could not get into them. Cursors are as those of Views.
type Position interface {
	Quarantine(ctx context.Context, q views.QuarantineQuery) (rows []views.Quarantined, next string, applied uint64, err error)
	Stats(ctx context.Context) (views.Stats, error)
	Status(ctx context.Context) (views.Status, error)
	// Wait returns nil as soon as the views have applied the record sequence, and the context's error when it ends first.
	Wait(ctx context.Context, sequence uint64) error
}

// Log is the record of everything received. An unknown sequence is ErrNoRecord, that of a record that was lost ErrMissing.
type Log interface {
	Record(ctx context.Context, sequence uint64) (Record, error)
	Bounds(ctx context.Context) (LogBounds, error)
	Storage(ctx context.Context) Storage
	// Hashes returns the hash in hex of each of those records that the log has. The sequences ascend. With an error it returns
	// those that it read.
	Hashes(ctx context.Context, sequences []uint64) (map[uint64]string, error)
}

// Duties returns the holders of the duties. A duty is work that only one of the processes that share
// a log does at a time.
type Duties interface {
	Duties(ctx context.Context) ([]Duty, error)
}

// History folds the notifications of one order again, those that were known at some moment, in the order of arrival. An
// unknown order is views.ErrNotFound, a log that cannot be reached ErrUnavailable, one that lost records of the order ErrMissing,
// unless the loss was accepted.
type History interface {
	// AsOf returns the order, and no entries.
	AsOf(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error)
	History(ctx context.Context, id string, s statemachine.Stretch) (statemachine.Past, error)
}

// Record is one notification as it was received.
type Record struct {
	Sequence    uint64
	Received    time.Time
	Source      string // "webhook", "recovered", "fetched"
	Object      string // "traditional-asset-order", "customer", …
	ContentType string // "" when the sender told none
	RequestID   string
	Traceparent string
	Hash        string // in hex, as positions in the log contain it
	Body        []byte
}

// Storage is how the log is kept.
type Storage struct {
	SyncMode string    // when it is on disk: "always", or what an external server tells
	Replicas int       // copies of it that are set; 0: not known
	Wanted   int       // copies with which it survives the loss of a server, where it has several servers
	Servers  []Replica // the leader first
	TooFew   string    // why it may not survive that, and what to do; "": it does, or has one server only

	Bytes    int64     // taken by the records; -1 here and below: not known, or there is none
	MaxBytes int64     // at which it refuses more
	Left     int64     // what it still takes
	DiskFree int64     // on its disk
	FullAt   time.Time // when nothing is left at the present rate; zero: not known, or never
	Refuses  string    // why it would not store a notification now and what to do; "": it would
}

// LogBounds are the ends of the log as they stand; an empty log has Last < First.
type LogBounds struct {
	First, Last uint64
	Epoch       uint64      // rises when the log was restored, or a loss was accepted
	Lost        string      // what is missing and what to do, while nobody has decided; "" otherwise
	Missing     [][2]uint64 // from one sequence to another, in between, of which there is no record; ascending
}

// left is how many records there are after a sequence.
func (b *LogBounds) left(after uint64) uint64 {
	count := b.Last - min(after, b.Last)
	for _, m := range b.Missing {
		if first := max(m[0], after+1); first <= m[1] {
			count -= m[1] - first + 1
		}
	}
	return count
}
