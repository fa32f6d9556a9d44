package projector

import (
	"errors"
	"sync"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/statemachine"
)

// waitingBytes is how much of the log may wait in memory for its turn, and be applied: bodies may be large.
const waitingBytes = 24 << 20

// weight is what a record takes of it: a notification, and texts that are parts of the body.
func weight(r *eventlog.Record) int { return len(r.Body) + 600 }

// parcel is what records that follow each other say, decoded.
type parcel struct {
	notifications []statemachine.Notification
	intake        *intake
	last          eventlog.Record
	records       int
	bytes         int
}

// inbox is where one goroutine puts records that it reads, and another takes all of them that are there, up to a batch.
type inbox struct {
	records int // of a batch

	// Each holds at most a token, which may be old: there may be less than it says.
	some chan struct{} // there is something, or the end
	full chan struct{} // there is a batch, or the end
	room chan struct{} // all was taken

	mu      sync.Mutex
	decoder decoder
	parcel  parcel
	spare   []statemachine.Notification
	end     error // after parcel
}

var errEnded = errors.New("projector: the log's reader ended")

func newInbox(records int) *inbox {
	in := &inbox{records: records, some: make(chan struct{}, 1), full: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	in.parcel.intake = newIntake()
	return in
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// put decodes a record. It reports whether there is room for another; else room is due before the next one.
func (in *inbox) put(r *eventlog.Record) (more bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := &in.parcel
	if n, ok := in.decoder.take(r, p.intake); ok {
		p.notifications = append(p.notifications, n)
	}
	p.last = *r
	p.records++
	p.bytes += weight(r)
	signal(in.some)
	if p.records < in.records && p.bytes < waitingBytes {
		return true
	}
	signal(in.full)
	return false
}

// close tells that nothing follows, and why; nil: the log's reader does not say.
func (in *inbox) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.end = err; err == nil {
		in.end = errEnded
	}
	signal(in.some)
	signal(in.full)
}

// take returns what is there, which may be nothing, and the end if it is reached.
func (in *inbox) take() (parcel, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := in.parcel
	in.parcel = parcel{intake: newIntake(), notifications: in.spare}
	in.spare = nil
	signal(in.room)
	return p, in.end
}

// giveBack lets the memory of a parcel be used again. What is mostly empty is let go: batches are small most of the time, and one
// of a projector that was away takes megabytes.
func (in *inbox) giveBack(p *parcel) {
	if cap(p.notifications) > 4*len(p.notifications)+64 {
		return
	}
	clear(p.notifications)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.spare = p.notifications[:0]
}
