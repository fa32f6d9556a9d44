package eventlog

import "time"

// smallRecord is up to what size, in bytes, a record may have the last quarter of a batch, which larger ones leave alone.
const smallRecord = 16 << 10

// take decides what to send now: nothing, one record, or a batch.
func (g *group) take(now time.Time) []*appending {
	switch waiting := len(g.queue); {
	case waiting == 0, g.batches > 0:
		// Two batches at once are slower than one.
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

// pick takes a batch out of the queue: the record at its head, and whatever fits beside it, so that a small record does not wait for all the
// large ones before it. What does not fit keeps its turn.
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

func (g *group) dequeue(n int) []*appending {
	records := make([]*appending, n)
	copy(records, g.queue)
	g.queue = g.queue[:copy(g.queue, g.queue[n:])]
	clear(g.queue[len(g.queue):cap(g.queue)])
	return records
}
