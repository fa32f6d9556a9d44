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
	Load(ctx context.Context, ids []string) (map[string]*statemachine.Order, error)
}

// folder turns records into a batch of changes. After a fold whose batch was not committed its hot orders must be cleared.
type folder struct {
	views   loader
	hot     *hotOrders
	decoder decoder
}

// fold applies the records, which follow each other, to the orders concerned. Several facts of one order become one change.
func (f *folder) fold(ctx context.Context, records []eventlog.Record) (views.Batch, error) {
	var b views.Batch
	notifications := make([]statemachine.Notification, 0, len(records))
	objects := map[[2]string]int{}
	for i := range records {
		r := &records[i]
		if _, isOrder := orderObjects[r.Object]; isOrder {
			if n, err := f.decoder.notification(r); err != nil {
				b.Quarantined = append(b.Quarantined, quarantined(r, err))
			} else {
				notifications = append(notifications, n)
			}
		} else if id, err := f.decoder.object(r); err != nil {
			b.Quarantined = append(b.Quarantined, quarantined(r, err))
		} else {
			seeObject(&b, objects, views.Object{Object: r.Object, ID: id, Sequence: r.Sequence, Received: r.Received, Count: 1})
		}
	}
	if err := f.apply(ctx, notifications, &b); err != nil {
		return views.Batch{}, err
	}
	last := &records[len(records)-1]
	p := last.Position()
	b.Checkpoint = views.Checkpoint{Log: p.Log, Sequence: p.Sequence, Hash: p.Hash, Received: last.Received}
	return b, nil
}

func quarantined(r *eventlog.Record, err error) views.Quarantined {
	q := views.Quarantined{Sequence: r.Sequence, Received: r.Received, Object: r.Object, Class: "unreadable", Reason: err.Error()}
	if unreadable := (*UnreadableError)(nil); errors.As(err, &unreadable) {
		q.Class, q.Reason = unreadable.Class, unreadable.Reason
	}
	return q
}

func seeObject(b *views.Batch, known map[[2]string]int, o views.Object) {
	key := [2]string{o.Object, o.ID}
	i, again := known[key]
	if !again {
		known[key] = len(b.Objects)
		b.Objects = append(b.Objects, o)
		return
	}
	o.Count += b.Objects[i].Count
	b.Objects[i] = o
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
		o.Apply(n)
		at, changed := changes[n.OrderID]
		if !changed {
			at = len(b.Orders)
			changes[n.OrderID] = at
			b.Orders = append(b.Orders, views.Change{Order: o})
		}
		b.Orders[at].Sequences = append(b.Orders[at].Sequences, n.Sequence)
	}
	return nil
}

// load returns the orders concerned: hot ones, stored ones, new ones.
func (f *folder) load(ctx context.Context, notifications []statemachine.Notification) (map[string]*statemachine.Order, error) {
	orders := make(map[string]*statemachine.Order, len(notifications))
	var cold []string
	for i := range notifications {
		id := notifications[i].OrderID
		if _, known := orders[id]; known {
			continue
		}
		o := f.hot.get(id)
		if o == nil {
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
		if o == nil {
			o = &statemachine.Order{ID: id}
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
	young, old map[string]*statemachine.Order
}

func newHotOrders(size int) *hotOrders {
	h := &hotOrders{size: size}
	h.clear()
	return h
}

func (h *hotOrders) clear() { h.young, h.old = map[string]*statemachine.Order{}, nil }

func (h *hotOrders) get(id string) *statemachine.Order {
	if o := h.young[id]; o != nil {
		return o
	}
	o := h.old[id]
	if o != nil {
		h.put(id, o)
	}
	return o
}

func (h *hotOrders) put(id string, o *statemachine.Order) {
	if len(h.young) >= h.size {
		h.young, h.old = make(map[string]*statemachine.Order, h.size), h.young
	}
	h.young[id] = o
}
