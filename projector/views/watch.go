package views

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// pollInterval is the time between two checks for a new position, which a store opened with
// ReadOnly makes while somebody waits. A check takes about 20 microseconds.
const pollInterval = 5 * time.Millisecond

// watch wakes the callers that wait for a position.
type watch struct {
	mu       sync.Mutex
	changed  chan struct{} // closed when sequence or err changes
	sequence uint64
	err      error

	// The fields below are used only by a store opened with ReadOnly.
	waiting int
	stop    context.CancelFunc // ends the poller
	pollers sync.WaitGroup
}

func (w *watch) init() { w.changed = make(chan struct{}) }

func (w *watch) publish(sequence uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sequence == w.sequence && err == w.err {
		return
	}
	w.sequence, w.err = sequence, err
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *watch) look() (sequence uint64, changed <-chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sequence, w.changed, w.err
}

// Wait returns when the position of the views is sequence or later: at once after the Commit in the
// same process, within about 5 ms of one in another. It returns the error of ctx if ctx ends first,
// and ErrClosed.
func (s *Store) Wait(ctx context.Context, sequence uint64) error {
	if s.options.ReadOnly {
		if at, err := s.position(ctx); err != nil || at >= sequence {
			return err
		}
		leave, err := s.startPolling()
		if err != nil {
			return err
		}
		defer leave()
	}
	for {
		at, changed, err := s.watch.look()
		if err != nil || at >= sequence {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("views: wait for sequence %d, at %d: %w", sequence, at, ctx.Err())
		case <-s.closing:
			return ErrClosed
		}
	}
}

// startPolling ensures that one goroutine polls for all waiting callers. Each of them must call
// leave.
func (s *Store) startPolling() (leave func(), err error) {
	s.mu.Lock() // against Close, which waits for the pollers
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	w := &s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
	if w.waiting == 1 {
		w.sequence, w.err = 0, nil // left from the last wait
		ctx, cancel := context.WithCancel(context.Background())
		w.stop = cancel
		w.pollers.Go(func() { s.poll(ctx) })
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.waiting--; w.waiting == 0 {
			w.stop()
		}
	}, nil
}

func (s *Store) poll(ctx context.Context) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		at, err := s.position(ctx)
		if ctx.Err() != nil {
			return
		}
		s.watch.publish(at, err)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		case <-s.closing:
			return
		}
	}
}
