package projector

import (
	"errors"
	"sync"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/statemachine"
)

// The bounds of what may wait in an inbox. Bodies may be large.
const (
	parcelRecords = 1_000
	parcelBytes   = 2 << 20
)

// inbox is where one goroutine puts the records that it reads and decodes, and from where another takes all
// that are there.
type inbox struct {
	records int // that fit

	// Each contains at most one token. It may be an old one: there may be less than it announces.
	some chan struct{} // there is something, or the end
	full chan struct{} // no more fits, or the end
	room chan struct{} // something was taken

	decoder decode.Decoder // of the goroutine that puts

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

// put reports whether another record fits. If not, room must be received from before the next one is put.
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

// close is called when nothing follows, with the reason; nil: the log's reader gives none.
func (in *inbox) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.end = err; err == nil {
		in.end = errEnded
	}
	signal(in.some)
	signal(in.full)
}

// take returns what is there, which may be nothing, and the reason of the end if it is reached.
func (in *inbox) take() (fold.Parcel, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := in.parcel
	in.parcel, in.spare = fold.Parcel{Notifications: in.spare}, nil
	signal(in.room)
	return p, in.end
}

// giveBack lets the memory of what was taken be used again.
func (in *inbox) giveBack(notifications []statemachine.Notification) {
	clear(notifications) // they contain texts
	in.mu.Lock()
	defer in.mu.Unlock()
	in.spare = notifications[:0]
}
