package main

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/orderfold/orderfold/projector/views"
	"go.uber.org/zap"
)

const (
	// waitingMemory is how many bytes the bodies of notifications may take while they are read or wait for the log. The other bounds of
	// memory follow from it: what the receiver admits, what waits in the log's group commit and in its server, and the heap's soft limit.
	waitingMemory = 32 << 20
	// otherMemory is what the heap takes besides, with blocks of the log that the server keeps as long as there is room. Left alone, the
	// heap grows to twice of what is in use. With half of this, a long log took a third longer to project, for collecting garbage. With
	// half as much again, the service took more than 256 MiB under load.
	otherMemory = 128 << 20
	// heapLimit is from where on garbage is collected more often: a body that waits is there once as such and once in the server.
	heapLimit = otherMemory + 2*waitingMemory
)

// idleInterval is after how long without a new record memory is released, and how often again while none comes.
const idleInterval = 15 * time.Second

// releaseMemory returns memory to the system while no record comes.
func (sv *service) releaseMemory(ctx context.Context) error {
	ticker := time.NewTicker(idleInterval)
	defer ticker.Stop()
	for last := uint64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		bounds, err := sv.log.Bounds(ctx)
		if err != nil || bounds.Last != last { // or the log cannot be reached
			last = bounds.Last
			continue
		}
		if err := sv.views.Shrink(ctx); err != nil && !errors.Is(err, views.ErrNoViews) && ctx.Err() == nil {
			sv.logger.Debug("the views did not release memory", zap.Error(err))
		}
		debug.FreeOSMemory()
	}
}
