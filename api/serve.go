package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	// requestTimeout bounds a whole request. It must be longer than maxWait, and for reading too: when the deadline
	// for reading passes, net/http cancels the request that is being answered.
	requestTimeout = maxWait + 30*time.Second
)

// stopping is the key of the context that ends when the server begins to drain.
type stopping struct{}

// Serve answers on listener until ctx ends, then drains: it accepts nothing new, lets requests that wait for the views
// go, finishes the others within DrainTimeout and cuts off what is left. It takes the listener over.
//
// The error is nil after a complete drain. Others: see CheckExposure; the listener failed; DrainTimeout was too short.
func (a *API) Serve(ctx context.Context, listener net.Listener) error {
	if err := CheckExposure(listener.Addr(), *a.keys.keys.Load()); err != nil {
		_ = listener.Close() // nothing was served yet; the reason is the error to return
		return err
	}
	if a.keys.open() {
		a.logger.Warn("no API key configured: every local process can read orders")
	}
	errorLog, err := zap.NewStdLogAt(a.logger, zapcore.DebugLevel) // whoever connects can cause its lines
	if err != nil {
		return fmt.Errorf("api: logger: %w", err)
	}
	requests, cut := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), stopping{}, ctx))
	defer cut()
	server := &http.Server{
		Handler:           a,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          errorLog,
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	watched, stop := context.WithCancel(ctx)
	defer stop()
	watching.Go(func() { a.watchThroughput(watched) })
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("api: serve: %w", err), server.Close())
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.drain)
	defer cancel()
	err = server.Shutdown(patience)
	<-served
	if err != nil {
		return errors.Join(fmt.Errorf("api: drain: requests were cut off: %w", err), server.Close())
	}
	return nil
}
