package projector

import (
	"context"
	"errors"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// loader returns those of the orders that exist, by id.
type loader interface {
	Load(ctx context.Context, ids []string) (map[string]views.Entry, error)
}

// folder turns records into a batch of changes. The batch before may be on its way into the views meanwhile, those before that one
// must be there. After a fold whose batch was not committed it must forget.
type folder struct {
	views   loader
	hot     *hotOrders
	before  map[string]views.Entry // orders of the last batch: the views may not have them as they are yet
	decoder decoder
}

func (f *folder) forget() {
	f.hot.clear()
	f.before = nil
}

// fold applies the records, which follow each other, to the orders concerned. Several facts of one order become one change.
func (f *folder) fold(ctx context.Context, records []eventlog.Record) (views.Batch, error) {
	in := newIntake()
	notifications := make([]statemachine.Notification, 0, len(records))
	for i := range records {
		if n, ok := f.decoder.take(&records[i], in); ok {
			notifications = append(notifications, n)
		}
	}
	if err := f.apply(ctx, notifications, &in.batch); err != nil {
		return views.Batch{}, err
	}
	in.batch.Checkpoint = checkpointAfter(&records[len(records)-1])
	return in.batch, nil
}

// open is fold for records that were decoded. The orders may change before the batch is committed.
func (f *folder) open(ctx context.Context, p *parcel) (views.Batch, error) {
	b := p.intake.batch
	if err := f.apply(ctx, p.notifications, &b); err != nil {
		return views.Batch{}, err
	}
	b.Checkpoint = checkpointAfter(&p.last)
	return b, b.Freeze()
}

func checkpointAfter(r *eventlog.Record) views.Checkpoint {
	p := r.Position()
	return views.Checkpoint{Log: p.Log, Sequence: p.Sequence, Hash: p.Hash, Received: r.Received}
}

// intake gathers what records say of anything but orders.
type intake struct {
	batch   views.Batch
	objects map[[2]string]int // in the batch
}

func newIntake() *intake { return &intake{objects: map[[2]string]int{}} }

// take returns what a record says of an order. What says nothing of one it puts into the intake.
func (d *decoder) take(r *eventlog.Record, in *intake) (n statemachine.Notification, ok bool) {
	if _, isOrder := orderObjects[r.Object]; isOrder {
		n, err := d.notification(r)
		if err != nil {
			in.batch.Quarantined = append(in.batch.Quarantined, quarantined(r, err))
		}
		return n, err == nil
	}
	if id, err := d.object(r); err != nil {
		in.batch.Quarantined = append(in.batch.Quarantined, quarantined(r, err))
	} else {
		in.see(views.Object{Object: r.Object, ID: id, Sequence: r.Sequence, Received: r.Received, Count: 1})
	}
	return n, false
}

func quarantined(r *eventlog.Record, err error) views.Quarantined {
	q := views.Quarantined{Sequence: r.Sequence, Received: r.Received, Object: r.Object, Class: "unreadable", Reason: err.Error()}
	if unreadable := (*UnreadableError)(nil); errors.As(err, &unreadable) {
		q.Class, q.Reason = unreadable.Class, unreadable.Reason
	}
	return q
}

func (in *intake) see(o views.Object) {
	key := [2]string{o.Object, o.ID}
	i, again := in.objects[key]
	if !again {
		in.objects[key] = len(in.batch.Objects)
		in.batch.Objects = append(in.batch.Objects, o)
		return
	}
	o.Count += in.batch.Objects[i].Count
	in.batch.Objects[i] = o
}

func (f *folder) apply(ctx context.Context, notifications []statemachine.Notification, b *views.Batch) error {
	orders, err := f.load(ctx, notifications)
	if err != nil {
		return err
	}
	changes := make(map[string]int, len(orders))
	for i := range notifications {
		n := &notifications[i]
		o := orders[n.OrderID]
		o.Order.Apply(n)
		at, changed := changes[n.OrderID]
		if !changed {
			at = len(b.Orders)
			changes[n.OrderID] = at
			b.Orders = append(b.Orders, views.Change{Order: o.Order, Held: o.Held})
		}
		b.Orders[at].Sequences = append(b.Orders[at].Sequences, n.Sequence)
	}
	f.before = orders
	return nil
}

// load returns the orders concerned: hot ones, stored ones, new ones.
func (f *folder) load(ctx context.Context, notifications []statemachine.Notification) (map[string]views.Entry, error) {
	orders := make(map[string]views.Entry, len(notifications))
	var cold []string
	for i := range notifications {
		id := notifications[i].OrderID
		if _, known := orders[id]; known {
			continue
		}
		o, known := f.hot.get(id)
		if !known {
			if o, known = f.before[id]; known {
				f.hot.put(id, o)
			}
		}
		if !known {
			cold = append(cold, id)
		}
		orders[id] = o
	}
	if len(cold) == 0 {
		return orders, nil
	}
	stored, err := f.views.Load(ctx, cold)
	if err != nil {
		return nil, err
	}
	for _, id := range cold {
		o := stored[id]
		if o.Order == nil {
			o = views.Entry{Order: &statemachine.Order{ID: id}, Held: &views.Held{}}
		}
		orders[id] = o
		f.hot.put(id, o)
	}
	return orders, nil
}

// hotOrders keeps at least the size orders used last, and at most twice as many: when the young generation is full it
// becomes the old one, and what was old and not used since is let go.
type hotOrders struct {
	size       int
	young, old map[string]views.Entry
}

func newHotOrders(size int) *hotOrders {
	h := &hotOrders{size: size}
	h.clear()
	return h
}

func (h *hotOrders) clear() { h.young, h.old = map[string]views.Entry{}, nil }

func (h *hotOrders) get(id string) (o views.Entry, known bool) {
	if o, known = h.young[id]; known {
		return o, true
	}
	if o, known = h.old[id]; known {
		h.put(id, o)
	}
	return o, known
}

func (h *hotOrders) put(id string, o views.Entry) {
	if len(h.young) >= h.size {
		h.young, h.old = make(map[string]views.Entry, h.size), h.young
	}
	h.young[id] = o
}
