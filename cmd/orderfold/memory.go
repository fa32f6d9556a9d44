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
	// waitingMemory is the maximum number of bytes that the bodies of notifications take while they
	// are read or wait for the log. The other memory bounds follow from it: the bodies that the
	// receiver admits, those that wait in the group commit and the server of the log, and the soft
	// limit of the heap.
	waitingMemory = 32 << 20
	// otherMemory is the rest of the heap, including the blocks of the log that the server keeps
	// while there is room. Without a limit, the heap grows to twice the memory in use. With half of
	// this value, a long log took a third longer to project, because of garbage collection. With
	// half as much again, the service took more than 256 MiB under load.
	otherMemory = 128 << 20
	// heapLimit is the size above which garbage is collected more often. A waiting body is in
	// memory twice: in the receiver and in the server of the log.
	heapLimit = otherMemory + 2*waitingMemory
)

// idleInterval is the time without a new record after which memory is released, and the interval of
// further releases while none arrives.
const idleInterval = 15 * time.Second

// releaseMemory returns memory to the system while no record arrives.
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
		if err != nil || bounds.Last != last { // a new record, or the log cannot be reached
			last = bounds.Last
			continue
		}
		if err := sv.views.Shrink(ctx); err != nil && !errors.Is(err, views.ErrNoViews) && ctx.Err() == nil {
			sv.logger.Debug("the views did not release memory", zap.Error(err))
		}
		debug.FreeOSMemory()
	}
}
