package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"

	"go.uber.org/zap"
)

// Serve answers requests on listener until ctx ends. Then it drains: it accepts nothing new, finishes
// accepted requests within DrainTimeout, cuts off the rest, and returns when nothing more can be
// appended, so that the log can be closed. Serve closes the listener. It must be called only once.
//
// Serve returns nil after a complete drain. Otherwise it returns the error of CheckExposure, an error
// of the listener, or an error that reports that requests were cut off.
func (rc *Receiver) Serve(ctx context.Context, listener net.Listener) error {
	if err := CheckExposure(listener.Addr(), rc.options.Auth); err != nil {
		_ = listener.Close() // nothing was served yet, and the returned error contains the reason
		return err
	}
	if len(rc.options.Auth) == 0 {
		rc.options.Logger.Warn("no credentials configured: every local process can post notifications")
	}
	server := rc.server()
	served := make(chan error, 1)
	go func() {
		if rc.options.TLS != nil {
			served <- server.ServeTLS(listener, "", "")
		} else {
			served <- server.Serve(listener)
		}
	}()
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("receiver: serve: %w", err)
	case <-ctx.Done():
		err = rc.drain(ctx, server)
		<-served
	}
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	// A handler whose connection was cut may still wait for the log; it releases its place within
	// AppendTimeout. Taking all places also prevents requests that were accepted at the last moment
	// from appending.
	for range cap(rc.places) {
		rc.places <- struct{}{}
	}
	return err
}

func (rc *Receiver) drain(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rc.options.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("receiver: drain: requests were cut off: %w", err)
	}
	return nil
}

func (rc *Receiver) server() *http.Server {
	o := rc.options
	// The limits here assume HTTP/1, where a connection has one request at a time.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           rc,
		TLSConfig:         o.TLS,
		Protocols:         protocols,
		ErrorLog:          log.New(connectionLog{rc.refused}, "", 0),
		MaxHeaderBytes:    o.MaxHeaderBytes,
		ReadHeaderTimeout: o.HeaderTimeout,
		ReadTimeout:       o.ReadTimeout,
		// net/http starts this timeout when it has read the headers.
		WriteTimeout: o.ReadTimeout + o.AppendTimeout + o.WriteTimeout,
		IdleTimeout:  o.IdleTimeout,
	}
}

// connectionLog writes the log lines of net/http, for example about failed TLS handshakes. Any client
// can cause them, so they are sampled. All have the same message, because their text contains the
// client's port and would never repeat.
type connectionLog struct{ refused *zap.Logger }

func (l connectionLog) Write(line []byte) (int, error) {
	l.refused.Warn("connection failed", zap.ByteString("error", bytes.TrimSpace(line)))
	return len(line), nil
}
