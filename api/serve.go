package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/orderfold/orderfold/api/access"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	// requestTimeout bounds a whole request. It must be longer than maxWait, and this applies to
	// the read timeout too: when the read deadline passes, net/http cancels the request that is
	// being answered.
	requestTimeout = maxWait + 30*time.Second
)

// stopping is the context key of the context that ends when the server begins to drain.
type stopping struct{}

// Serve answers on listener until ctx ends, and then drains: it accepts no new connection, releases
// the requests that wait for the views, finishes the other requests within DrainTimeout and cuts
// off the rest. Serve closes the listener.
//
// The error is nil after a complete drain. Otherwise it is an error of [access.CheckExposure] or of
// the listener, or DrainTimeout was too short.
func (a *API) Serve(ctx context.Context, listener net.Listener) error {
	if err := access.CheckExposure(listener.Addr(), a.gate.Keys()); err != nil {
		_ = listener.Close() // nothing was served yet, and err is the error to return
		return err
	}
	if a.gate.Open() {
		a.logger.Warn("no API key configured: every local process can read orders")
	}
	// Any client that connects can cause lines in this log.
	errorLog, err := zap.NewStdLogAt(a.logger, zapcore.DebugLevel)
	if err != nil {
		return fmt.Errorf("api: logger: %w", err)
	}
	requests, cut := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), stopping{}, ctx))
	defer cut()
	// The limits here, and those of streams and exports, are those of HTTP/1, where a connection is
	// one request at a time.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler:           a,
		TLSConfig:         a.tls,
		Protocols:         protocols,
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
	watching.Go(func() { a.watchLatency(watched) })
	served := make(chan error, 1)
	go func() {
		if a.tls != nil {
			served <- server.ServeTLS(listener, "", "")
		} else {
			served <- server.Serve(listener)
		}
	}()
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

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, done := a.within(w, r)
	if done {
		return
	}
	if streams(r.URL.Path) {
		a.echo.ServeHTTP(w, r)
		return
	}
	if !r.ProtoAtLeast(1, 1) {
		serveAnnounced(a.compressed, w, r)
		return
	}
	a.compressed.ServeHTTP(w, r)
}
