package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Quarantine is the interface to the views for a redrive.
type Quarantine interface {
	Checkpoint(ctx context.Context) (views.Checkpoint, error)
	QuarantinedAfter(ctx context.Context, class string, after uint64, limit int) ([]views.Quarantined, error)
	SequencesAfter(ctx context.Context, id string, after uint64, limit int) ([]uint64, views.At, error)
	Redrive(ctx context.Context, fold func(ctx context.Context) (views.Redriven, error)) error
}

const (
	// redriveRecords bounds the records decoded in one step; it takes fewer if the notifications of
	// their orders reach redriveNotifications.
	redriveRecords       = 100
	redriveNotifications = 20_000
	// redriveLate bounds the notifications of an order that arrived meanwhile and are folded while
	// the projector waits.
	redriveLate = 64
	// redriveAttempts is the number of times a step is tried, because other writers may interfere.
	redriveAttempts = 20
	// MaxRedriveNotes bounds the records that a redrive lists; it counts all.
	MaxRedriveNotes = 100
)

// RedriveNote is the result for one record.
type RedriveNote struct {
	Sequence uint64
	Object   string
	ID       string // of its order or object; "" if it has none, or is still quarantined
	Class    string // if still quarantined, with Reason
	Reason   string
}

// errBehind occurs when more notifications of an order arrived than may be folded while the
// projector waits. Nothing was written.
var errBehind = errors.New("projector: an order has more notifications than were folded")

// redriveStep decodes some records again and folds their orders, while others continue to write.
type redriveStep struct {
	log     Log
	views   Quarantine
	decoder decode.Decoder

	at       views.At            // what is replaced
	through  uint64              // the last record processed
	notes    []RedriveNote       // without the records of orders
	stay     []views.Quarantined // still quarantined, for another reason
	objects  []views.Object
	orders   []*refold
	byID     map[string]*refold
	expected int // notifications of the orders
}

// refold is an order that is folded again from all of its notifications, in the order of arrival.
type refold struct {
	order     *statemachine.Order
	rows      []views.Quarantined // that belong to the order
	added     []uint64            // the sequences of rows
	sequences []uint64            // of all its notifications, ascending
	folded    int                 // number of those folded
	last      uint64              // last sequence in the views
}

// prepare starts the step from the beginning.
func (f *redriveStep) prepare(ctx context.Context, rows []views.Quarantined) error {
	*f = redriveStep{log: f.log, views: f.views, byID: map[string]*refold{}}
	// Without an order, because only the position is needed.
	_, at, err := f.views.SequencesAfter(ctx, "", 0, 1)
	if err != nil && !errors.Is(err, views.ErrNotFound) {
		return err
	}
	f.at = at
	sequences := make([]uint64, len(rows))
	for i := range rows {
		sequences[i] = rows[i].Sequence
	}
	i := 0
	for r, err := range f.log.Records(ctx, sequences) {
		if err != nil && !errors.Is(err, eventlog.ErrNotFound) {
			return err
		}
		enough, err := f.examine(ctx, &rows[i], &r, err)
		if err != nil {
			return err
		}
		if enough {
			break
		}
		f.through = r.Sequence
		i++
	}
	return f.foldAll(ctx)
}

// examine decodes a record. It returns true, and does nothing, if its order would be one too many
// for this step.
func (f *redriveStep) examine(ctx context.Context, row *views.Quarantined, r *eventlog.Record, missing error) (enough bool, err error) {
	// Another redrive may have processed it.
	if is, err := f.quarantined(ctx, row.Sequence); err != nil || !is {
		return false, err
	}
	if missing != nil {
		f.stays(row, row.Class, "the log lost this record: it can never be read again")
		return false, nil
	}
	id, err := f.decode(r)
	if err != nil {
		now := fold.Quarantined(r, err)
		f.stays(row, now.Class, now.Reason)
		return false, nil
	}
	if !decode.IsOrder(r.Object) {
		f.notes = append(f.notes, RedriveNote{Sequence: r.Sequence, Object: r.Object, ID: id})
		f.objects = append(f.objects, views.Object{Object: r.Object, ID: id, Sequence: r.Sequence, Received: r.Received, Count: 1})
		return false, nil
	}
	o := f.byID[id]
	if o == nil {
		if f.expected > redriveNotifications {
			return true, nil
		}
		if o, err = f.refold(ctx, id); err != nil {
			return false, err
		}
	}
	o.rows, o.added = append(o.rows, *row), append(o.added, r.Sequence)
	return false, nil
}

func (f *redriveStep) quarantined(ctx context.Context, sequence uint64) (bool, error) {
	now, err := f.views.QuarantinedAfter(ctx, "", sequence-1, 1)
	return len(now) > 0 && now[0].Sequence == sequence, err
}

// decode returns the id of the order or object that the record is about.
func (f *redriveStep) decode(r *eventlog.Record) (id string, err error) {
	if !decode.IsOrder(r.Object) {
		return f.decoder.Object(fold.Decodable(r))
	}
	n, err := f.decoder.Notification(fold.Decodable(r))
	return n.OrderID, err
}

// stays records that a record remains in quarantine, perhaps for another reason.
func (f *redriveStep) stays(row *views.Quarantined, class, reason string) {
	f.notes = append(f.notes, RedriveNote{Sequence: row.Sequence, Object: row.Object, Class: class, Reason: reason})
	if class != row.Class || reason != row.Reason {
		now := *row
		now.Class, now.Reason = class, reason
		f.stay = append(f.stay, now)
	}
}

// refold lists the notifications that the views have of an order.
func (f *redriveStep) refold(ctx context.Context, id string) (*refold, error) {
	o := &refold{order: &statemachine.Order{ID: id}}
	for more := true; more; {
		sequences, at, err := f.views.SequencesAfter(ctx, id, o.last, redriveNotifications)
		if err != nil && !errors.Is(err, views.ErrNotFound) {
			return nil, err
		}
		if !f.same(at) {
			return nil, errRevised
		}
		o.take(sequences)
		more = len(sequences) == redriveNotifications
	}
	f.expected += len(o.sequences)
	f.orders, f.byID[id] = append(f.orders, o), o
	return o, nil
}

// same reports whether no order was changed without a notification since the step began.
func (f *redriveStep) same(at views.At) bool {
	return at.Generation == f.at.Generation && at.Revision == f.at.Revision
}

// take adds notifications that the views have.
func (o *refold) take(sequences []uint64) {
	if len(sequences) > 0 {
		o.sequences, o.last = append(o.sequences, sequences...), sequences[len(sequences)-1]
	}
}

// foldAll folds the remaining notifications. The records of an order that cannot be folded stay in
// quarantine, with the reason.
func (f *redriveStep) foldAll(ctx context.Context) error {
	var left []*refold
	for _, o := range f.orders {
		if len(o.added) > 0 && o.folded == 0 {
			o.sequences = append(o.sequences, o.added...)
			slices.Sort(o.sequences)
		}
		err := f.fold(ctx, o)
		if why := (*refusedError)(nil); errors.As(err, &why) {
			for i := range o.rows {
				f.stays(&o.rows[i], o.rows[i].Class, why.Error())
			}
			continue
		}
		if err != nil {
			return err
		}
		left = append(left, o)
	}
	f.orders = left
	return nil
}

// refusedError is the reason why an order cannot be folded again.
type refusedError struct {
	sequence uint64
	order    string
	cause    error
}

// Error includes a hint for the operator.
func (e *refusedError) Error() string {
	return fmt.Sprintf("record %d of order %s: %v; orderfold rebuild makes the views anew", e.sequence, e.order, e.cause)
}

func (f *redriveStep) fold(ctx context.Context, o *refold) error {
	for r, err := range f.log.Records(ctx, o.sequences[o.folded:]) {
		if errors.Is(err, eventlog.ErrNotFound) {
			return &refusedError{r.Sequence, o.order.ID, errors.New("the log lost it")}
		}
		if err != nil {
			return err
		}
		n, err := f.decoder.Notification(fold.Decodable(&r))
		if err == nil && n.OrderID != o.order.ID {
			err = fmt.Errorf("it is read as one of order %s now", n.OrderID)
		}
		if err != nil {
			return &refusedError{r.Sequence, o.order.ID, err}
		}
		o.order.Apply(&n)
		o.folded++
	}
	return nil
}

// finish folds the few notifications that arrived since, while no one else writes. It returns
// errBehind if there are too many, and errRevised if another redrive interfered.
func (f *redriveStep) finish(ctx context.Context) (views.Redriven, error) {
	for _, o := range f.orders {
		late, at, err := f.views.SequencesAfter(ctx, o.order.ID, o.last, redriveLate+1)
		if err != nil && !errors.Is(err, views.ErrNotFound) {
			return views.Redriven{}, err
		}
		if !f.same(at) {
			return views.Redriven{}, errRevised
		}
		o.take(late)
		if len(late) > redriveLate {
			return views.Redriven{}, errBehind
		}
		err = f.fold(ctx, o)
		if why := (*refusedError)(nil); errors.As(err, &why) {
			err = errBehind // foldAll meets it again
		}
		if err != nil {
			return views.Redriven{}, err
		}
	}
	result := f.result()
	for _, sequence := range slices.Concat(result.Records, f.staying()) {
		if is, err := f.quarantined(ctx, sequence); err != nil {
			return views.Redriven{}, err
		} else if !is {
			return views.Redriven{}, errRevised
		}
	}
	return result, nil
}

func (f *redriveStep) staying() (sequences []uint64) {
	for i := range f.stay {
		sequences = append(sequences, f.stay[i].Sequence)
	}
	return sequences
}

// result returns the changes to be written.
func (f *redriveStep) result() views.Redriven {
	result := views.Redriven{Objects: f.objects, Quarantined: f.stay}
	for i := range f.objects {
		result.Records = append(result.Records, f.objects[i].Sequence)
	}
	for _, o := range f.orders {
		result.Records = append(result.Records, o.added...)
		result.Orders = append(result.Orders, views.Change{Order: o.order, Sequences: o.sequences})
	}
	slices.Sort(result.Records)
	return result
}

// allNotes returns the notes of all processed records, in ascending order.
func (f *redriveStep) allNotes() []RedriveNote {
	notes := slices.Clone(f.notes)
	for _, o := range f.orders {
		for i := range o.rows {
			notes = append(notes, RedriveNote{Sequence: o.rows[i].Sequence, Object: o.rows[i].Object, ID: o.order.ID})
		}
	}
	slices.SortFunc(notes, func(a, b RedriveNote) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return notes
}
