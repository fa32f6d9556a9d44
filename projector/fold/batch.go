package fold

import (
	"context"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Loader returns the orders that exist, by id.
type Loader interface {
	Load(ctx context.Context, ids []string) (map[string]views.Entry, error)
}

// Batcher turns records into batches of changes. While it makes a batch, the previous batch need not be
// in the views yet, but all earlier batches must be. If a batch is not committed, Forget must be called.
// A Batcher is not safe for concurrent use. Create one with NewBatcher.
type Batcher struct {
	views   Loader
	hot     *hotOrders
	before  *Batch // the last finished batch, whose orders may not be in the views yet
	decoder decode.Decoder
	render  feed.Render // renders the orders of events; nil: no events
	after   uint64      // records up to this sequence produce no events
}

// Publish makes the Batcher produce events for the records after the given sequence that are folded from
// now on. If render is nil, no events are produced.
func (b *Batcher) Publish(render feed.Render, after uint64) { b.render, b.after = render, after }

// NewBatcher returns a batcher that keeps at least the given number of orders decoded between batches.
func NewBatcher(views Loader, hot int) *Batcher {
	return &Batcher{views: views, hot: newHotOrders(hot)}
}

// Forget removes all orders from memory. A batch that is not committed yet must no longer be used.
func (b *Batcher) Forget() {
	b.hot.clear()
	b.before = nil
}

// Batch is a batch of changes, to which records are added until it is finished. The zero value is
// empty.
type Batch struct {
	intake  *Intake
	orders  map[string]int // index in entries and in the orders of the batch
	entries []*views.Entry // of the orders, shared with the cache and with the next batch
	last    eventlog.Record

	Records  int
	Bytes    int           // approximate size of the added records
	Taken    time.Duration // time to apply the records
	Finished bool          // nothing more may be added
	Events   []feed.Event  // of the added records, in the same order
}

// Freeze encodes the rows to be written, so that the orders may change afterwards. The batch must be
// finished.
func (m *Batch) Freeze() error { return m.intake.Batch.Freeze() }

// Changes returns the changes of the batch. The batch must not be empty, and the previous batch
// must be in the views.
func (m *Batch) Changes() *views.Batch {
	b := &m.intake.Batch
	for i, e := range m.entries {
		b.Orders[i].Held = e.Held
	}
	return b
}

// Committed keeps the rows that the commit of the batch returned. The next commit of the orders
// needs them.
func (m *Batch) Committed(held []views.Held) {
	for i, e := range m.entries {
		e.Held = held[i]
		m.intake.Batch.Orders[i].Held = views.Held{} // outdated by the line above, and large
	}
}

// Fold applies consecutive records, at least one, to their orders. Several facts of one order
// become one change.
func (b *Batcher) Fold(ctx context.Context, records []eventlog.Record) (*Batch, error) {
	p := Parcel{Notifications: make([]statemachine.Notification, 0, len(records))}
	for i := range records {
		p.Put(&b.decoder, &records[i])
	}
	m := &Batch{}
	if err := b.Add(ctx, m, &p); err != nil {
		return nil, err
	}
	b.Finish(m)
	return m, nil
}

// Add applies the next records.
func (b *Batcher) Add(ctx context.Context, m *Batch, p *Parcel) error {
	if p.Records == 0 {
		return nil
	}
	begin := time.Now()
	if m.intake == nil {
		m.intake, m.orders = p.intake, make(map[string]int, len(p.Notifications))
	} else {
		m.intake.merge(p.intake)
	}
	m.last, m.Records, m.Bytes = p.last, m.Records+p.Records, m.Bytes+p.Bytes
	err := b.apply(ctx, m, p.Notifications)
	m.Taken += time.Since(begin)
	return err
}

// Finish completes the batch, which must not be empty. The previous batch must be in the views
// before anything is added to the next one.
func (b *Batcher) Finish(m *Batch) {
	m.intake.Batch.Checkpoint = CheckpointAfter(&m.last)
	m.last = eventlog.Record{} // releases the body of the record
	m.Finished = true
	b.before = m
}

// CheckpointAfter returns the position of views whose last record is the given one.
func CheckpointAfter(r *eventlog.Record) views.Checkpoint {
	p := r.Position()
	return views.Checkpoint{Log: p.Log, Sequence: p.Sequence, Hash: p.Hash, Received: r.Received}
}

func (b *Batcher) apply(ctx context.Context, m *Batch, notifications []statemachine.Notification) error {
	if err := b.load(ctx, m, notifications); err != nil {
		return err
	}
	for i := range notifications {
		n := &notifications[i]
		ch := &m.intake.Batch.Orders[m.orders[n.OrderID]]
		if b.render == nil || n.Sequence <= b.after {
			ch.Order.Apply(n)
		} else if e, ok := feed.Apply(ch.Order, n, b.render); ok {
			m.Events = append(m.Events, e)
			m.Bytes += len(e.Body)
		}
		ch.Sequences = append(ch.Sequences, n.Sequence)
	}
	return nil
}

// load adds the orders of the notifications to the batch, from memory or from the views, or as new orders.
func (b *Batcher) load(ctx context.Context, m *Batch, notifications []statemachine.Notification) error {
	var cold []string
	for i := range notifications {
		id := notifications[i].OrderID
		if _, is := m.orders[id]; is {
			continue
		}
		o := b.known(id)
		if o == nil {
			o = &views.Entry{} // loaded below
			cold = append(cold, id)
		}
		m.add(id, o)
	}
	if len(cold) == 0 {
		return nil
	}
	stored, err := b.views.Load(ctx, cold)
	if err != nil {
		return err
	}
	for _, id := range cold {
		at := m.orders[id]
		o := m.entries[at]
		var is bool
		if *o, is = stored[id]; !is {
			o.Order = &statemachine.Order{ID: id}
		}
		m.intake.Batch.Orders[at].Order = o.Order
		b.hot.put(id, o)
	}
	return nil
}

func (m *Batch) add(id string, o *views.Entry) {
	m.orders[id] = len(m.entries)
	m.entries = append(m.entries, o)
	m.intake.Batch.Orders = append(m.intake.Batch.Orders, views.Change{Order: o.Order})
}

// known returns an order that is in memory, or nil.
func (b *Batcher) known(id string) *views.Entry {
	if o := b.hot.get(id); o != nil || b.before == nil {
		return o
	}
	at, is := b.before.orders[id]
	if !is {
		return nil
	}
	o := b.before.entries[at]
	b.hot.put(id, o)
	return o
}
