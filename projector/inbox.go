package projector

import (
	"errors"
	"sync"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/statemachine"
)

// The bounds of an inbox. Bodies may be large.
const (
	parcelRecords = 1_000
	parcelBytes   = 2 << 20
)

// inbox passes records from the goroutine that reads and decodes them to the goroutine that folds
// them.
type inbox struct {
	records int // that fit

	// Each channel contains at most one token, which may be outdated.
	some chan struct{} // there is a record, or the end
	full chan struct{} // the inbox is full, or at the end
	room chan struct{} // records were taken

	decoder decode.Decoder // used by the reading goroutine

	mu     sync.Mutex
	parcel fold.Parcel
	spare  []statemachine.Notification
	end    error // after parcel
}

var errEnded = errors.New("projector: the log's reader ended")

func newInbox(records int) *inbox {
	return &inbox{records: min(records, parcelRecords), some: make(chan struct{}, 1), full: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// put reports whether another record fits. If not, the caller must receive from room before the
// next put.
func (in *inbox) put(r *eventlog.Record) (fits bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.parcel.Put(&in.decoder, r)
	signal(in.some)
	if in.parcel.Records < in.records && in.parcel.Bytes < parcelBytes {
		return true
	}
	signal(in.full)
	return false
}

// close marks the end with its reason, or nil if the reader ended without one.
func (in *inbox) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.end = err; err == nil {
		in.end = errEnded
	}
	signal(in.some)
	signal(in.full)
}

// take returns the available records, possibly none, and the reason of the end once it is reached.
func (in *inbox) take() (fold.Parcel, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := in.parcel
	in.parcel, in.spare = fold.Parcel{Notifications: in.spare}, nil
	signal(in.room)
	return p, in.end
}

// giveBack allows the memory of taken records to be reused.
func (in *inbox) giveBack(notifications []statemachine.Notification) {
	clear(notifications) // so that the strings in them are released
	in.mu.Lock()
	defer in.mu.Unlock()
	in.spare = notifications[:0]
}
