package projector

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// loader returns those of the orders that exist, by id.
type loader interface {
	Load(ctx context.Context, ids []string) (map[string]views.Entry, error)
}

// folder turns records into a batch of changes. The batch before may be on its way into the views meanwhile, those before that one
// must be there. When a batch is not committed it must forget.
type folder struct {
	views   loader
	hot     *hotOrders
	before  *making // the last batch that was finished: the views may not have its orders as they are yet
	decoder decoder
}

func (f *folder) forget() {
	f.hot.clear()
	f.before = nil
}

// making is a batch in the making. The zero value is an empty one.
type making struct {
	intake  *intake
	orders  map[string]int // in the batch
	last    eventlog.Record
	records int
	bytes   int // of what was added, see weight
	taken   time.Duration
	// finished: nothing is added any more.
	finished bool
}

// fold applies the records, which follow each other, to the orders concerned. Several facts of one order become one change.
func (f *folder) fold(ctx context.Context, records []eventlog.Record) (views.Batch, error) {
	p := parcel{notifications: make([]statemachine.Notification, 0, len(records))}
	for i := range records {
		p.put(&f.decoder, &records[i])
	}
	var m making
	if err := f.add(ctx, &m, &p); err != nil {
		return views.Batch{}, err
	}
	f.finish(&m)
	return m.intake.batch, nil
}

// add applies what comes next.
func (f *folder) add(ctx context.Context, m *making, p *parcel) error {
	if p.records == 0 {
		return nil
	}
	begin := time.Now()
	if m.intake == nil {
		m.intake, m.orders = p.intake, make(map[string]int, len(p.notifications))
	} else {
		m.intake.merge(p.intake)
	}
	m.last, m.records, m.bytes = p.last, m.records+p.records, m.bytes+p.bytes
	err := f.apply(ctx, m, p.notifications)
	m.taken += time.Since(begin)
	return err
}

// finish completes the batch, which is not empty. The batch before it must be in the views when anything is added to the next one.
func (f *folder) finish(m *making) {
	m.intake.batch.Checkpoint = checkpointAfter(&m.last)
	m.last = eventlog.Record{} // holds the body
	m.finished = true
	f.before = m
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
		var err error
		if n, err = d.notification(r); err != nil {
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

// merge adds what came after.
func (in *intake) merge(later *intake) {
	in.batch.Quarantined = append(in.batch.Quarantined, later.batch.Quarantined...)
	for _, o := range later.batch.Objects {
		in.see(o)
	}
}

func (f *folder) apply(ctx context.Context, m *making, notifications []statemachine.Notification) error {
	if err := f.load(ctx, m, notifications); err != nil {
		return err
	}
	for i := range notifications {
		n := &notifications[i]
		ch := &m.intake.batch.Orders[m.orders[n.OrderID]]
		ch.Order.Apply(n)
		ch.Sequences = append(ch.Sequences, n.Sequence)
	}
	return nil
}

// load adds the orders concerned to the batch: hot ones, stored ones, new ones.
func (f *folder) load(ctx context.Context, m *making, notifications []statemachine.Notification) error {
	changes := &m.intake.batch.Orders
	var cold []string
	for i := range notifications {
		id := notifications[i].OrderID
		if _, is := m.orders[id]; is {
			continue
		}
		o, known := f.known(id)
		if !known {
			cold = append(cold, id)
		}
		m.orders[id] = len(*changes)
		*changes = append(*changes, views.Change{Order: o.Order, Held: o.Held})
	}
	if len(cold) == 0 {
		return nil
	}
	stored, err := f.views.Load(ctx, cold)
	if err != nil {
		return err
	}
	for _, id := range cold {
		o, is := stored[id]
		if !is {
			o = views.Entry{Order: &statemachine.Order{ID: id}, Held: &views.Held{}}
		}
		ch := &(*changes)[m.orders[id]]
		ch.Order, ch.Held = o.Order, o.Held
		f.hot.put(id, o)
	}
	return nil
}

// known returns an order that is in memory.
func (f *folder) known(id string) (o views.Entry, is bool) {
	if o, is = f.hot.get(id); is || f.before == nil {
		return o, is
	}
	at, is := f.before.orders[id]
	if is {
		ch := &f.before.intake.batch.Orders[at]
		o = views.Entry{Order: ch.Order, Held: ch.Held}
		f.hot.put(id, o)
	}
	return o, is
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
