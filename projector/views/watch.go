package views

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// pollInterval is how often a store that only reads looks for a new position while somebody waits.
// A look takes about 20 microseconds.
const pollInterval = 5 * time.Millisecond

// watch wakes those who wait for a position.
type watch struct {
	mu       sync.Mutex
	changed  chan struct{} // closed when sequence or err changes
	sequence uint64
	err      error

	// Of a store that only reads.
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

// Wait returns when the views stand at sequence or later: at once after the Commit in the same
// process, within about 5 ms of one in another. It returns the error of ctx when that ends first,
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

// startPolling sees to it that one goroutine looks for all who wait; leave must be called by each
// of them.
func (s *Store) startPolling() (leave func(), err error) {
	s.mu.Lock() // held against Close, which waits for the pollers
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	w := &s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
	if w.waiting == 1 {
		w.sequence, w.err = 0, nil // of the time somebody waited last
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
