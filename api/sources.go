package api

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

var (
	// ErrNoRecord: the log holds no record with that sequence.
	ErrNoRecord = errors.New("api: the log has no such record")
	// ErrMissing: the log had that record, and does not any more. Of History: one of the order's records.
	ErrMissing = errors.New("api: the record is missing from the log")
	// ErrUnavailable: the log cannot be reached. Of Log every error but these two means that; History says it so.
	ErrUnavailable = errors.New("api: the log cannot be reached")
)

// Views answers what is known of orders and other objects. Each answer says which record of the log it had applied.
// An unknown id is views.ErrNotFound, with at or applied, a foreign cursor views.ErrCursor, one of a generation that is no
// longer live views.ErrCursorExpired, views that do not exist yet views.ErrNoViews.
type Views interface {
	Order(ctx context.Context, id string) (order statemachine.Order, at views.At, err error)
	Orders(ctx context.Context, q views.Query) (views.Page, error)
	Breaks(ctx context.Context, q views.BreakQuery) (views.BreakPage, error)
	Object(ctx context.Context, object, id string) (last views.Object, applied uint64, err error)
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
}

// History folds the notifications of one order again, those that were known at some moment, in the order of arrival. An
// unknown order is views.ErrNotFound, a log that cannot be reached ErrUnavailable, one that lost records of the order ErrMissing.
type History interface {
	History(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error)
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
	Body        []byte
}

// Storage is how the log is kept.
type Storage struct {
	SyncMode string // when it is on disk: "always", or what an external server tells
	Replicas int    // copies of it; 0: not known
}

// LogBounds are the ends of the log as they stand; an empty log has Last < First.
type LogBounds struct {
	First, Last uint64
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
