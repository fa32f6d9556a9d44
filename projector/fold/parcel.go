package fold

import (
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/statemachine"
)

// Parcel is the decoded content of consecutive records. The zero value is empty.
type Parcel struct {
	Notifications []statemachine.Notification // of orders; their strings do not retain the bodies
	Records       int
	Bytes         int // approximate size in memory

	intake *Intake
	last   eventlog.Record
}

// Put decodes a record and adds its content.
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

// weight returns the approximate upper limit of the memory of a decoded record, in bytes: the notification
// and its strings.
func weight(r *eventlog.Record) int { return len(r.Body) + 600 }
