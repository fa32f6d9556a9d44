package fold

import (
	"errors"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Intake collects the content of records that is not about orders. Create one with NewIntake.
type Intake struct {
	Batch   views.Batch       // without orders and checkpoint
	objects map[[2]string]int // index in Batch.Objects
}

// NewIntake returns an empty intake.
func NewIntake() *Intake { return &Intake{objects: map[[2]string]int{}} }

// Take returns the notification in a record about an order. ok is false if the record is about another
// object or cannot be decoded; the record is then added to the intake.
func (in *Intake) Take(d *decode.Decoder, r *eventlog.Record) (n statemachine.Notification, ok bool) {
	if decode.IsOrder(r.Object) {
		var err error
		if n, err = d.Notification(Decodable(r)); err != nil {
			in.Batch.Quarantined = append(in.Batch.Quarantined, Quarantined(r, err))
		}
		return n, err == nil
	}
	if id, err := d.Object(Decodable(r)); err != nil {
		in.Batch.Quarantined = append(in.Batch.Quarantined, Quarantined(r, err))
	} else {
		in.see(views.Object{Object: r.Object, ID: id, Sequence: r.Sequence, Received: r.Received, Count: 1})
	}
	return n, false
}

// Quarantined returns the row for a record that cannot be decoded, with the reason.
func Quarantined(r *eventlog.Record, err error) views.Quarantined {
	q := views.Quarantined{Sequence: r.Sequence, Received: r.Received, Object: r.Object, Class: "unreadable", Reason: err.Error()}
	if unreadable := (*decode.UnreadableError)(nil); errors.As(err, &unreadable) {
		q.Class, q.Reason = unreadable.Class, unreadable.Reason
	}
	return q
}

func (in *Intake) see(o views.Object) {
	key := [2]string{o.Object, o.ID}
	i, again := in.objects[key]
	if !again {
		in.objects[key] = len(in.Batch.Objects)
		in.Batch.Objects = append(in.Batch.Objects, o)
		return
	}
	o.Count += in.Batch.Objects[i].Count
	in.Batch.Objects[i] = o
}

// merge adds the contents of a later intake.
func (in *Intake) merge(later *Intake) {
	in.Batch.Quarantined = append(in.Batch.Quarantined, later.Batch.Quarantined...)
	for _, o := range later.Batch.Objects {
		in.see(o)
	}
}
