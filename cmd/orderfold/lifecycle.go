package main

import (
	"context"
	"path/filepath"
	"time"

	"go.uber.org/zap"
)

const (
	// startInterval and readyInterval are the intervals at which the readiness is checked, before
	// and after the process is first ready.
	startInterval = 100 * time.Millisecond
	readyInterval = 2 * time.Second
	// startPatience is the time after which the log states why a starting process is not ready.
	startPatience = 10 * time.Second
)

// logStart writes the one line of the start: the version, the addresses, and the state of log and
// views.
func (sv *service) logStart(ctx context.Context) {
	data, err := filepath.Abs(sv.settings.data)
	if err != nil {
		data = sv.settings.data
	}
	fields := []zap.Field{zap.String("version", versionText()), zap.String("data", data)}
	for _, name := range []string{"receiver", "api", "metrics"} {
		if l := sv.listeners[name]; l != nil {
			fields = append(fields, zap.Stringer(name, l.Addr()))
		}
	}
	if addr := sv.log.Addr(); addr != "" {
		fields = append(fields, zap.String("log", addr))
	}
	if b, err := sv.log.Bounds(ctx); err == nil {
		fields = append(fields, zap.Uint64("firstSequence", b.First), zap.Uint64("lastSequence", b.Last))
	}
	if s, err := sv.views.Status(ctx); err == nil {
		fields = append(fields, zap.Int("generation", s.Generation), zap.Uint64("appliedSequence", s.Checkpoint.Sequence))
	}
	sv.logger.Info("started", fields...)
	sv.started = true
}

// reason returns why the process does not do its work, or "" if it does. It agrees with /readyz in
// a process with an API or a receiver.
func (sv *service) reason(ctx context.Context) string {
	if sv.answers != nil {
		h := sv.answers.Health(ctx)
		if h.Reason != nil {
			return *h.Reason
		}
		return ""
	}
	if sv.listeners["receiver"] != nil {
		if err := sv.log.Refuses(ctx); err != nil {
			return err.Error()
		}
		return ""
	}
	s, err := sv.views.Status(ctx)
	if err != nil {
		return err.Error()
	}
	return s.Health.Reason
}

// logReadiness logs once when the process is first ready, and afterwards each time that this
// changes.
func (sv *service) logReadiness(ctx context.Context) error {
	began, interval := time.Now(), startInterval
	ready, said := false, false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
		reason := sv.reason(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case reason == "" && !ready:
			sv.logger.Info("ready", zap.Duration("after", time.Since(began)))
			ready, said, interval = true, false, readyInterval
		case reason != "" && !said && (ready || time.Since(began) > startPatience):
			sv.logger.Warn("not ready", zap.String("reason", reason))
			ready, said, interval = false, true, readyInterval
			began = time.Now()
		}
	}
}
