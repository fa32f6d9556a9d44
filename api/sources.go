package api

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

var (
	// ErrNoRecord occurs if the log has never had a record with that sequence.
	ErrNoRecord = errors.New("api: the log has no such record")
	// ErrMissing occurs if the log had the record and lost it; in History, if the log lost one of
	// the order's records. It does not clear by itself.
	ErrMissing = errors.New("api: the record is missing from the log")
	// ErrUnavailable occurs if the log cannot be reached. It clears by itself. Every other error of
	// Log has the same meaning; History returns ErrUnavailable itself.
	ErrUnavailable = errors.New("api: the log cannot be reached")
)

// Views answers questions about orders. Each answer contains the last record of the log that it had
// applied. Views returns views.ErrNotFound for an unknown id, with at or applied set;
// views.ErrCursor for a cursor that was made for another list; views.ErrCursorExpired for a cursor
// of another lineage; a views.BehindError for a cursor of views that had advanced further; and
// views.ErrNoViews while the views do not exist yet.
type Views interface {
	Order(ctx context.Context, id string) (order statemachine.Order, at views.At, err error)
	Orders(ctx context.Context, q views.Query) (views.Page, error)
	Breaks(ctx context.Context, q views.BreakQuery) (views.BreakPage, error)
}

// Objects answers questions about objects that are not orders. Its errors are those of Views.
type Objects interface {
	Object(ctx context.Context, object, id string) (last views.Object, applied uint64, err error)
	Objects(ctx context.Context, q views.ObjectQuery) (views.ObjectPage, error)
	// ObjectsWithID returns the objects of any kind with this id.
	ObjectsWithID(ctx context.Context, id string) (found []views.Object, applied uint64, err error)
}

// Position returns the position of the views, and the records of the log that could not get into
// them. Cursors are like those of Views.
type Position interface {
	Quarantine(ctx context.Context, q views.QuarantineQuery) (rows []views.Quarantined, next string, applied uint64, err error)
	Stats(ctx context.Context) (views.Stats, error)
	Status(ctx context.Context) (views.Status, error)
	// Wait returns nil as soon as the views have applied the record with that sequence, or the
	// error of the context if it ends first.
	Wait(ctx context.Context, sequence uint64) error
}

// Log is the record of everything received. It returns ErrNoRecord for an unknown sequence and
// ErrMissing for a record that was lost.
type Log interface {
	Record(ctx context.Context, sequence uint64) (Record, error)
	Bounds(ctx context.Context) (LogBounds, error)
	Storage(ctx context.Context) Storage
	// Hashes returns the hash, in hex, of each of the records that the log has. The sequences must
	// ascend. With an error, it returns the hashes that it read.
	Hashes(ctx context.Context, sequences []uint64) (map[uint64]string, error)
}

// Duties returns the holders of the duties. A duty is work that only one of the processes that
// share a log does at a time.
type Duties interface {
	Duties(ctx context.Context) ([]Duty, error)
}

// History folds the notifications of one order again, in the order of arrival: those that were
// known at a moment. It returns views.ErrNotFound for an unknown order, ErrUnavailable if the log
// cannot be reached, and ErrMissing if the log lost records of the order, unless the loss was
// accepted.
type History interface {
	// AsOf returns the order without entries.
	AsOf(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error)
	History(ctx context.Context, id string, s statemachine.Stretch) (statemachine.Past, error)
}

// Record is one notification as it was received.
type Record struct {
	Sequence    uint64
	Received    time.Time
	Source      string // "webhook", "recovered", "fetched"
	Object      string // "traditional-asset-order", "customer", …
	ContentType string // "" if the sender stated none
	RequestID   string
	Traceparent string
	Hash        string // in hex, as in positions of the log
	Body        []byte
}

// Storage describes how the log is stored.
type Storage struct {
	// SyncMode states when a record is on disk: "always", or what an external server reports.
	SyncMode string
	Replicas int // configured number of copies; 0: not known
	// Wanted is the number of copies with which the log survives the loss of a server, if it has
	// several servers.
	Wanted  int
	Servers []Replica // the leader comes first
	// TooFew states why the log may not survive that loss, and what to do; "": it does, or it has
	// only one server.
	TooFew string

	// Bytes is the size of the records. In this field and the next ones, -1 means not known, or no
	// limit.
	Bytes    int64
	MaxBytes int64 // size at which the log refuses more
	Left     int64 // how much more the log takes
	DiskFree int64 // free space on the disk of the log
	// FullAt is when the log will be full at the present rate; zero: not known, or never.
	FullAt time.Time
	// Refuses states why the log would not store a notification now, and what to do; "": it would.
	Refuses string
}

// LogBounds contains the current ends of the log; an empty log has Last < First.
type LogBounds struct {
	First, Last uint64
	Epoch       uint64 // begins at 1, and increases each time the log is restored or a loss is accepted
	// Lost states what is missing and what to do, until an operator decides; "" otherwise.
	Lost string
	// Missing contains the ranges of sequences in between that have no record, in ascending order,
	// each from its first to its last sequence.
	Missing [][2]uint64
}

// left returns the number of records after a sequence.
func (b *LogBounds) left(after uint64) uint64 {
	count := b.Last - min(after, b.Last)
	for _, m := range b.Missing {
		if first := max(m[0], after+1); first <= m[1] {
			count -= m[1] - first + 1
		}
	}
	return count
}
