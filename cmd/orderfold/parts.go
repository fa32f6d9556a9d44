package main

import (
	"context"
	"errors"
	"fmt"
)

// part is a task that runs until its context ends. A part that returns nil before that has finished
// its work.
type part struct {
	name string
	run  func(context.Context) error
}

// runParts starts the parts in order, waits until ctx ends or one of them fails, and stops them in
// reverse order, each only after the previous one has stopped.
func runParts(ctx context.Context, parts []part) error {
	failed := make(chan error, len(parts))
	stops := make([]func(), len(parts))
	for i, p := range parts {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := p.run(own); err != nil {
				failed <- fmt.Errorf("%s: %w", p.name, err)
			}
		}()
		stops[i] = func() { cancel(); <-done }
	}
	var errs []error
	select {
	case <-ctx.Done():
	case err := <-failed:
		errs = append(errs, err)
	}
	for i := len(stops) - 1; i >= 0; i-- {
		stops[i]()
	}
	close(failed)
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
