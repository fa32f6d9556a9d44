package receiver

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/orderfold/orderfold/eventlog"
)

// Log stores notifications. *eventlog.Log implements it.
type Log interface {
	// Append returns the sequence of the record once it is on disk. It returns soon after ctx has
	// ended, and may keep the body. An error that wraps eventlog.ErrInvalid means that the log will
	// never accept this record. After any other error the notification is worth repeating; it may
	// have been stored unless the error wraps eventlog.ErrNotAppended.
	Append(ctx context.Context, record eventlog.Record) (uint64, error)
	// Refuses returns why a record would not be stored now, or nil if it would.
	Refuses(ctx context.Context) error
}

// Options configure a Receiver. Log is required. For every other field, the zero value means the
// default that its comment gives.
type Options struct {
	Log  Log
	Auth []Credentials // any one suffices; none: anyone may post, and only loopback addresses are served

	MaxBody        int64 // bytes of one body; 1 MiB
	MaxWaiting     int   // requests being read or waiting for the log at a time; 1024
	MaxHeaderBytes int   // 16 KiB
	// MaxWaitingBytes bounds the total memory of the bodies of these requests; 64 MiB. A quarter is
	// divided equally among the requests, so that there is always memory for a small body. A body
	// larger than the other three quarters is accepted only while no other large body is held.
	MaxWaitingBytes int64

	AppendTimeout time.Duration // for the log to answer; 5s
	HeaderTimeout time.Duration // for the client to send the headers; 5s
	ReadTimeout   time.Duration // for the client to send the whole request; 10s
	WriteTimeout  time.Duration // for the client to take the answer; 5s
	IdleTimeout   time.Duration // between two requests of a connection; 2m
	DrainTimeout  time.Duration // for accepted requests after the context of Serve has ended; 20s

	TLS *tls.Config // must contain a certificate; nil: plain HTTP

	Logger  *zap.Logger           // nil: nothing is logged
	Metrics prometheus.Registerer // nil: metrics are not registered
}

// Receiver is the HTTP handler that appends notifications to a log. Create one with New.
type Receiver struct {
	options    Options
	acceptance acceptance
	places     chan struct{} // one element for each request being read or waiting for the log
	budget     *budget
	metrics    *metrics
	refused    *zap.Logger
}

// New returns a receiver. It fails if an option is invalid or a metric is already registered.
func New(o Options) (*Receiver, error) {
	if o.Log == nil {
		return nil, errors.New("receiver: Options.Log is missing")
	}
	if min(o.MaxBody, o.MaxWaitingBytes, int64(o.MaxWaiting), int64(o.MaxHeaderBytes)) < 0 ||
		min(o.AppendTimeout, o.HeaderTimeout, o.ReadTimeout, o.WriteTimeout, o.IdleTimeout, o.DrainTimeout) < 0 {
		return nil, errors.New("receiver: a limit or timeout is negative")
	}
	if err := checkCredentials(o.Auth); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	rc := &Receiver{options: o, places: make(chan struct{}, o.MaxWaiting), budget: newBudget(o.MaxWaitingBytes, o.MaxWaiting),
		refused: sampled(o.Logger)}
	var err error
	rc.metrics, err = newMetrics(o.Metrics, func() float64 { return float64(len(rc.places)) }, rc.budget.taken)
	if err != nil {
		return nil, err
	}
	return rc, nil
}

func (o Options) withDefaults() Options {
	o.MaxBody = cmp.Or(o.MaxBody, 1<<20)
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 1024)
	o.MaxWaitingBytes = cmp.Or(o.MaxWaitingBytes, 64<<20)
	o.MaxHeaderBytes = cmp.Or(o.MaxHeaderBytes, 16<<10)
	o.AppendTimeout = cmp.Or(o.AppendTimeout, 5*time.Second)
	o.HeaderTimeout = cmp.Or(o.HeaderTimeout, 5*time.Second)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, 10*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 5*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 2*time.Minute)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 20*time.Second)
	o.Logger = cmp.Or(o.Logger, zap.NewNop())
	return o
}

// sampled returns a logger that writes at most 20 lines with the same message in ten seconds, so
// that an attack cannot fill the disk. The metrics count every request.
func sampled(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, 10*time.Second, 20, 0)
	}))
}
