package fold

import (
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/statemachine"
)

// Parcel is the decoded content of consecutive records. The zero value is empty.
type Parcel struct {
	Notifications []statemachine.Notification // of orders; strings have memory of their own
	Records       int
	Bytes         int // approximate memory

	intake *Intake
	last   eventlog.Record
}

// Put adds a record.
func (p *Parcel) Put(d *decode.Decoder, r *eventlog.Record) {
	if p.intake == nil {
		p.intake = NewIntake()
	}
	if n, ok := p.intake.Take(d, r); ok {
		d.Compact(&n)
		p.Notifications = append(p.Notifications, n)
	}
	p.last = *r
	p.Records++
	p.Bytes += weight(r)
}

// weight returns approximately the most bytes that a decoded record takes: a notification, and its
// strings.
func weight(r *eventlog.Record) int { return len(r.Body) + 600 }
