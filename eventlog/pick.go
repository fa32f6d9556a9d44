package eventlog

import "time"

// smallRecord is the size in bytes of the largest record that may use the last quarter of a batch,
// which is reserved for small records.
const smallRecord = 16 << 10

// take removes the records to send now from the queue: none, one, or a batch.
func (g *group) take(now time.Time) []*appending {
	switch waiting := len(g.queue); {
	case waiting == 0, g.batches > 0:
		// Two concurrent batches are slower than one after the other.
		return nil
	case g.queue[0].alone:
		if g.singles < g.crowd || g.singly {
			return g.dequeue(1)
		}
		return nil
	case waiting < g.expected && now.Before(g.gather):
		return nil
	case g.singly:
		return g.dequeue(1)
	case waiting >= g.crowd:
		return g.pick()
	case waiting+g.singles < g.crowd:
		return g.dequeue(1)
	}
	return nil
}

// pick removes a batch from the queue: the first record and every other one that fits, so that a
// small record does not wait for all the large records before it. Records that do not fit stay in
// the queue, in their order.
func (g *group) pick() []*appending {
	var records, left []*appending
	bytes := 0
	for i, a := range g.queue {
		if len(records) == maxBatch {
			left = append(left, g.queue[i:]...)
			break
		}
		size, most := len(a.msg.Data), maxBatchBytes
		if size > smallRecord {
			most = maxBatchBytes / 4 * 3
		}
		if i > 0 && (a.alone || bytes+size > most) {
			left = append(left, a)
			continue
		}
		records = append(records, a)
		bytes += size
	}
	g.queue = left
	return records
}

// dequeue removes the first n records from the queue.
func (g *group) dequeue(n int) []*appending {
	records := make([]*appending, n)
	copy(records, g.queue)
	g.queue = g.queue[:copy(g.queue, g.queue[n:])]
	clear(g.queue[len(g.queue):cap(g.queue)])
	return records
}
