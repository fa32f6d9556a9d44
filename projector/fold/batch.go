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

// Loader returns those of the orders that exist, by id.
type Loader interface {
	Load(ctx context.Context, ids []string) (map[string]views.Entry, error)
}

// Batcher turns records into batches of changes. While a batch is made the one before it may be on its way
// into the views; all others before must be there. If a batch is not committed, Forget must be called. A
// Batcher is not safe for concurrent use. Make one with NewBatcher.
type Batcher struct {
	views   Loader
	hot     *hotOrders
	before  *Batch // the last batch that was finished: the views may not have its orders as they are yet
	decoder decode.Decoder
	render  feed.Render // of events; nil: none are made
	after   uint64      // of records up to it none are made either
}

// Publish has events made of what is folded from now on, of records after that sequence. A nil render makes none.
func (b *Batcher) Publish(render feed.Render, after uint64) { b.render, b.after = render, after }

// NewBatcher returns a batcher that keeps at least so many orders decoded between batches.
func NewBatcher(views Loader, hot int) *Batcher {
	return &Batcher{views: views, hot: newHotOrders(hot)}
}

// Forget drops the orders that are kept. No batch that was not committed yet may be used any more.
func (b *Batcher) Forget() {
	b.hot.clear()
	b.before = nil
}

// Batch is a batch of changes, which is added to until it is finished. The zero value is empty.
type Batch struct {
	intake *Intake
	orders map[string]int // index in the batch
	last   eventlog.Record

	Records  int
	Bytes    int           // about, that was added
	Taken    time.Duration // to apply it
	Finished bool          // nothing is added any more
	Events   []feed.Event  // of what was folded, in the order of the records
}

// Changes returns what the batch changes. The batch must not be empty.
func (m *Batch) Changes() *views.Batch { return &m.intake.Batch }

// Fold applies records that follow each other to the orders concerned. Several facts of one order become one
// change.
func (b *Batcher) Fold(ctx context.Context, records []eventlog.Record) (views.Batch, error) {
	m, err := b.FoldAll(ctx, records)
	if err != nil {
		return views.Batch{}, err
	}
	return m.intake.Batch, nil
}

// FoldAll is Fold, and returns the events too. There must be a record.
func (b *Batcher) FoldAll(ctx context.Context, records []eventlog.Record) (*Batch, error) {
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

// Add applies what comes next.
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

// Finish completes the batch, which must not be empty. The batch before it must be in the views when anything
// is added to the next one.
func (b *Batcher) Finish(m *Batch) {
	m.intake.Batch.Checkpoint = CheckpointAfter(&m.last)
	m.last = eventlog.Record{} // contains the body
	m.Finished = true
	b.before = m
}

// CheckpointAfter returns the position of views that stand at that record.
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

// load adds the orders concerned to the batch: hot ones, stored ones, new ones.
func (b *Batcher) load(ctx context.Context, m *Batch, notifications []statemachine.Notification) error {
	changes := &m.intake.Batch.Orders
	var cold []string
	for i := range notifications {
		id := notifications[i].OrderID
		if _, is := m.orders[id]; is {
			continue
		}
		o, known := b.known(id)
		if !known {
			cold = append(cold, id)
		}
		m.orders[id] = len(*changes)
		*changes = append(*changes, views.Change{Order: o.Order, Held: o.Held})
	}
	if len(cold) == 0 {
		return nil
	}
	stored, err := b.views.Load(ctx, cold)
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
		b.hot.put(id, o)
	}
	return nil
}

// known returns an order that is in memory.
func (b *Batcher) known(id string) (o views.Entry, is bool) {
	if o, is = b.hot.get(id); is || b.before == nil {
		return o, is
	}
	at, is := b.before.orders[id]
	if is {
		ch := &b.before.intake.Batch.Orders[at]
		o = views.Entry{Order: ch.Order, Held: ch.Held}
		b.hot.put(id, o)
	}
	return o, is
}
