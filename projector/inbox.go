package projector

import (
	"errors"
	"sync"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/statemachine"
)

// What may wait in an inbox: bodies may be large.
const (
	parcelRecords = 1_000
	parcelBytes   = 2 << 20
)

// parcel is what records that follow each other say, decoded.
type parcel struct {
	intake        *intake
	notifications []statemachine.Notification
	last          eventlog.Record
	records       int
	bytes         int
}

// put adds a record.
func (p *parcel) put(d *decoder, r *eventlog.Record) {
	if p.intake == nil {
		p.intake = newIntake()
	}
	if n, ok := d.take(r, p.intake); ok {
		d.compact(&n)
		p.notifications = append(p.notifications, n)
	}
	p.last = *r
	p.records++
	p.bytes += weight(r)
}

// weight is about what a record takes at most once it is decoded: a notification, and its texts.
func weight(r *eventlog.Record) int { return len(r.Body) + 600 }

// inbox is where one goroutine puts records that it reads and decodes, and another takes all that are there.
type inbox struct {
	records int // that fit

	// Each holds at most a token, which may be an old one: there may be less than it says.
	some chan struct{} // there is something, or the end
	full chan struct{} // no more fits, or the end
	room chan struct{} // something was taken

	decoder decoder // of the one who puts

	mu     sync.Mutex
	parcel parcel
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

// put reports whether another record fits; else room is due before the next one.
func (in *inbox) put(r *eventlog.Record) (fits bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.parcel.put(&in.decoder, r)
	signal(in.some)
	if in.parcel.records < in.records && in.parcel.bytes < parcelBytes {
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
	in.parcel, in.spare = parcel{notifications: in.spare}, nil
	signal(in.room)
	return p, in.end
}

// giveBack lets the memory of what was taken be used again.
func (in *inbox) giveBack(notifications []statemachine.Notification) {
	clear(notifications) // holds texts
	in.mu.Lock()
	defer in.mu.Unlock()
	in.spare = notifications[:0]
}
