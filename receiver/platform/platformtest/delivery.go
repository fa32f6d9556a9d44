package platformtest

import (
	"cmp"
	"container/heap"
	"iter"
	"time"
)

// ref identifies one posting of a notification, so that its body can be generated when it is due.
type ref struct {
	order uint32
	note  uint16
	copy  uint16 // 0: the first posting; then its repeats
}

// due is a posting and its time on the orders' own clock.
type due struct {
	at int64 // nanoseconds since 1970
	ref
}

func (d due) compare(e due) int {
	return cmp.Or(cmp.Compare(d.at, e.at), cmp.Compare(d.order, e.order), cmp.Compare(d.note, e.note), cmp.Compare(d.copy, e.copy))
}

// deliveriesOf returns when the notifications of one order are posted, including repeats, and when the
// undelivered ones should have been posted.
func (t Traffic) deliveriesOf(o *order) (posted, undelivered []due) {
	fates := t.fates(o)
	s := newSource(t.Seed, uint64(t.Start.UnixNano()), uint64(o.index), 'd')
	// The latency is the same for the whole order, so that only deliberate delays change the sequence of
	// delivery.
	latency := time.Duration(s.IntN(int(500 * time.Millisecond)))
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
			d := due{at.UnixNano(), ref{uint32(o.index), uint16(i), uint16(c)}}
			switch {
			case fates[i] == delivered:
				posted = append(posted, d)
			case fates[i] == listed && c == 0:
				undelivered = append(undelivered, d)
			}
			at = at.Add(later(s))
		}
	}
	return posted, undelivered
}

func later(s source) time.Duration {
	return time.Second + time.Duration(s.Int64N(int64(15*time.Minute)))
}

// count returns the number of the order's notifications, including the one of another object.
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

// deliveries returns all postings in the sequence of delivery. If they are shuffled, their times do not
// ascend.
func (t Traffic) deliveries() iter.Seq[due] {
	if t.Overtaking >= 1 {
		return t.shuffled()
	}
	return t.inTime()
}

// inTime merges the postings of the orders by time. Orders are created one after the other, so every
// posting that is due before the next creation can be returned: only pending postings are in memory.
func (t Traffic) inTime() iter.Seq[due] {
	return func(yield func(due) bool) {
		var waiting queue
		for i := range t.Orders {
			o := t.order(i)
			for len(waiting) > 0 && waiting[0].at < o.created.UnixNano() {
				if !yield(heap.Pop(&waiting).(due)) {
					return
				}
			}
			posted, _ := t.deliveriesOf(o)
			for _, d := range posted {
				heap.Push(&waiting, d)
			}
		}
		for len(waiting) > 0 {
			if !yield(heap.Pop(&waiting).(due)) {
				return
			}
		}
	}
}

func (t Traffic) shuffled() iter.Seq[due] {
	return func(yield func(due) bool) {
		var all []due
		for i := range t.Orders {
			posted, _ := t.deliveriesOf(t.order(i))
			all = append(all, posted...)
		}
		s := newSource(t.Seed, uint64(t.Start.UnixNano()), 's')
		s.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, d := range all {
			if !yield(d) {
				return
			}
		}
	}
}

// queue is a heap of postings, the next one first. Equal times are ordered by ref, so that the sequence
// of delivery is a function of the traffic.
type queue []due

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool { return q[i].compare(q[j]) < 0 }

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(d any) { *q = append(*q, d.(due)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	d := (*q)[last]
	*q = (*q)[:last]
	return d
}
