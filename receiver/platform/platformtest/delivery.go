package platformtest

import (
	"cmp"
	"container/heap"
	"iter"
	"time"
)

// ref names one notification: enough to make it again when its turn comes.
type ref struct {
	order uint32
	note  uint16
	copy  uint16 // 0 the first posting, then its repeats
}

// due is a delivery and when, in the orders' own time.
type due struct {
	at int64 // nanoseconds since 1970
	ref
}

// deliveriesOf returns when the notifications of one order are posted, repeats included.
func (t Traffic) deliveriesOf(o *order) []due {
	s := newSource(t.Seed, uint64(t.Start.UnixNano()), uint64(o.index), 'd')
	// One latency for the whole order: what is not delayed on purpose stays in order.
	latency := time.Duration(s.IntN(int(500 * time.Millisecond)))
	var all []due
	for i := range o.count() {
		at := o.happened(i).Add(latency)
		if s.Float64() < t.Overtaking {
			at = at.Add(later(s))
		}
		copies := 0
		if s.Float64() < t.Repeats {
			copies = oneOf(s, 1, 1, 1, 1, 1, 1, 2)
		}
		for c := range copies + 1 {
			all = append(all, due{at.UnixNano(), ref{uint32(o.index), uint16(i), uint16(c)}})
			at = at.Add(later(s))
		}
	}
	return all
}

func later(s source) time.Duration {
	return time.Second + time.Duration(s.Int64N(int64(15*time.Minute)))
}

// count is of the order's notifications and the one of another object.
func (o *order) count() int {
	if o.other == nil {
		return len(o.notes)
	}
	return len(o.notes) + 1
}

func (o *order) happened(i int) time.Time {
	if i == len(o.notes) {
		return o.other.at
	}
	return o.notes[i].at
}

func (t Traffic) deliveries() iter.Seq[ref] {
	if t.Overtaking >= 1 {
		return t.shuffled()
	}
	return t.inTime()
}

// inTime merges the orders' deliveries. Orders are born one after the other, so that what is due before the next birth can go
// out: only deliveries under way are in memory.
func (t Traffic) inTime() iter.Seq[ref] {
	return func(yield func(ref) bool) {
		var waiting queue
		for i := range t.Orders {
			o := t.order(i)
			for len(waiting) > 0 && waiting[0].at < o.created.UnixNano() {
				if !yield(heap.Pop(&waiting).(due).ref) {
					return
				}
			}
			for _, d := range t.deliveriesOf(o) {
				heap.Push(&waiting, d)
			}
		}
		for len(waiting) > 0 {
			if !yield(heap.Pop(&waiting).(due).ref) {
				return
			}
		}
	}
}

func (t Traffic) shuffled() iter.Seq[ref] {
	return func(yield func(ref) bool) {
		var all []ref
		for i := range t.Orders {
			for _, d := range t.deliveriesOf(t.order(i)) {
				all = append(all, d.ref)
			}
		}
		s := newSource(t.Seed, uint64(t.Start.UnixNano()), 's')
		s.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, r := range all {
			if !yield(r) {
				return
			}
		}
	}
}

// queue is a heap of deliveries, the next one first. Equal times are settled by name: the order of delivery is a function of
// the traffic.
type queue []due

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].order, q[j].order), cmp.Compare(q[i].note, q[j].note),
		cmp.Compare(q[i].copy, q[j].copy)) < 0
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(d any) { *q = append(*q, d.(due)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	d := (*q)[last]
	*q = (*q)[:last]
	return d
}
