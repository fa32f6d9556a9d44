package projector

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// maxCheckpoints bounds the number of partly folded orders that are kept; one takes up to 20 KB.
const maxCheckpoints = 64

// checkpoint is an order folded up to one of its notifications.
type checkpoint struct {
	id         string
	generation int
	revision   views.Revision
	through    uint64
	latest     time.Time
	order      []byte
	first      statemachine.Arrival
	lost       uint64
}

// checkpoints keeps the most recently used checkpoints. The zero value is empty.
type checkpoints struct {
	mu  sync.Mutex
	all []checkpoint // most recently used last
}

func (c *checkpoints) put(w *walk) {
	encoded, err := w.past.Order.AppendBinary(nil)
	if err != nil {
		return // the order is folded from its first notification again
	}
	kept := checkpoint{w.id, w.at.Generation, w.at.Revision, w.through, w.latest, encoded, w.past.First, w.past.Lost}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = slices.DeleteFunc(c.all, func(k checkpoint) bool { return k.id == w.id && k.through == w.through })
	c.all = append(c.all, kept)
	if len(c.all) > maxCheckpoints {
		c.all = slices.Delete(c.all, 0, 1)
	}
}

// restore starts the walk at the latest usable checkpoint, if any.
func (c *checkpoints) restore(w *walk) error {
	kept, found := c.find(w)
	if !found {
		return nil
	}
	if err := w.past.Order.UnmarshalBinary(kept.order); err != nil {
		return fmt.Errorf("projector: order %s as it was at %d: %w", w.id, kept.through, err)
	}
	w.past.First, w.past.Lost, w.through, w.latest = kept.first, kept.lost, kept.through, kept.latest
	return nil
}

func (c *checkpoints) find(w *walk) (kept checkpoint, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	best := -1
	for i := range c.all {
		k := &c.all[i]
		if k.id == w.id && k.generation == w.at.Generation && k.revision == w.at.Revision && k.precedes(w.stretch) &&
			(best < 0 || k.through > c.all[best].through) {
			best = i
		}
	}
	if best < 0 {
		return kept, false
	}
	kept = c.all[best]
	c.all = append(slices.Delete(c.all, best, best+1), kept)
	return kept, true
}

// precedes reports whether everything in the checkpoint was known at the requested moment and comes
// before the stretch.
func (k *checkpoint) precedes(s *statemachine.Stretch) bool {
	return (s.Limit == 0 || k.through <= s.After) && (s.Sequence == 0 || k.through <= s.Sequence) &&
		(s.Received.IsZero() || !k.latest.After(s.Received))
}
