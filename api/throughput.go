package api

import (
	"context"
	"sync"
	"time"
)

const (
	throughputEvery = 5 * time.Second
	throughputOver  = time.Minute
)

// throughput is the rate at which records were applied in the last minute. The zero value is empty.
type throughput struct {
	mu      sync.Mutex
	samples []appliedAt // in ascending order
}

type appliedAt struct {
	at       time.Time
	sequence uint64
}

// add records the position of the views. If it is lower than before, the views were rebuilt, and
// the measurement begins again.
func (t *throughput) add(at time.Time, sequence uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.samples); n > 0 && sequence < t.samples[n-1].sequence {
		t.samples = nil
	}
	for len(t.samples) > 1 && at.Sub(t.samples[0].at) > throughputOver {
		t.samples = t.samples[1:]
	}
	t.samples = append(t.samples, appliedAt{at, sequence})
}

// perSecond returns nil until the rate is known.
func (t *throughput) perSecond() *float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.samples) < 2 {
		return nil
	}
	first, last := t.samples[0], t.samples[len(t.samples)-1]
	rate := float64(last.sequence-first.sequence) / last.at.Sub(first.at).Seconds()
	return &rate
}

// boundsIfReached returns the bounds of the log, or nil if the log does not answer.
func (a *API) boundsIfReached(ctx context.Context) *LogBounds {
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	bounds, err := a.log.Bounds(ctx)
	if err != nil {
		return nil
	}
	return &bounds
}

// watchThroughput takes samples until ctx ends.
func (a *API) watchThroughput(ctx context.Context) {
	ticker := time.NewTicker(throughputEvery)
	defer ticker.Stop()
	for {
		if status, err := a.position.Status(ctx); err == nil {
			now := time.Now()
			a.throughput.add(now, status.Checkpoint.Sequence)
			a.minutes.look(now, a.boundsIfReached(ctx), status.Checkpoint.Sequence)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
