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

// Serve answers on listener until ctx ends, then drains: it accepts nothing new, finishes the requests it has accepted
// within DrainTimeout, cuts off what is left, and returns when nothing more can be appended, so that the log can be closed
// then. It takes the listener over and may be called once.
//
// The error is nil after a complete drain. Others: see CheckExposure; the listener failed; DrainTimeout was too short.
func (rc *Receiver) Serve(ctx context.Context, listener net.Listener) error {
	if err := CheckExposure(listener.Addr(), rc.options.Auth); err != nil {
		_ = listener.Close() // nothing was served yet; the reason is the error to return
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
	// A handler whose connection was cut still waits for the log. Its place comes free within AppendTimeout; a place
	// that is taken here cannot be had by a request that was accepted a moment ago.
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
	// The limits here are those of HTTP/1, where a connection is one request at a time.
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
		// net/http starts this clock when the headers are there.
		WriteTimeout: o.ReadTimeout + o.AppendTimeout + o.WriteTimeout,
		IdleTimeout:  o.IdleTimeout,
	}
}

// connectionLog takes the lines of net/http, such as failed TLS handshakes. Whoever connects can cause them, so they are
// sampled, and their text, which names the client's port, is no message that sampling could go by.
type connectionLog struct{ refused *zap.Logger }

func (l connectionLog) Write(line []byte) (int, error) {
	l.refused.Warn("connection failed", zap.ByteString("error", bytes.TrimSpace(line)))
	return len(line), nil
}
