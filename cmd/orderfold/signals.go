package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

// untilStopped returns a context that ends with the first signal to stop, and a function that ends
// it for another cause. A second SIGINT or SIGTERM kills the process. A second SIGHUP does not,
// because a closed terminal sends one and its shell sends another.
func untilStopped() (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signal.Notify(signals, syscall.SIGHUP)
	}
	// Otherwise a write to a pipe without a reader would end the process at once, see output.
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		s := <-signals
		cancel(fmt.Errorf("signal: %v", s))
		signal.Reset(os.Interrupt, syscall.SIGTERM)
	}()
	return ctx, cancel
}

// output is stdout or stderr of the process. If nobody can read it any more, because the other end
// of a pipe or the terminal was closed, it stops the program like a signal. A full disk does not.
type output struct {
	*os.File
	terminal bool
	stop     context.CancelCauseFunc
}

func newOutput(f *os.File, stop context.CancelCauseFunc) *output {
	return &output{f, isatty.IsTerminal(f.Fd()), stop}
}

// Write writes all of text or returns an error.
func (o *output) Write(text []byte) (int, error) {
	n, err := o.File.Write(text)
	if errors.Is(err, syscall.EPIPE) || o.terminal && errors.Is(err, syscall.EIO) {
		o.stop(fmt.Errorf("the output is closed: %w", err))
	}
	return n, err
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	o, isOutput := w.(*output)
	return isOutput && o.terminal
}
