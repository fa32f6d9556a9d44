package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/orderfold/orderfold/api/access"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	maxUserAgent = 200 // bytes
	maxMethod    = 20
	waitedKey    = "waited"
)

// event is the log line of a request. Its fields are gathered along the way and written once.
type event struct {
	start   time.Time
	id      string
	key     access.Key // zero if there is no key
	letIn   bool       // may see the contents of the log and the views
	problem *Problem
}

// waited is filled in by a request that waits for the views.
type waited struct {
	sequence uint64
	taken    time.Duration
}

// waitedContext is the context key of a waited.
type waitedContext struct{}

// sampled lets 20 lines through every ten seconds, so that callers who are not let in cannot fill
// the disk. The metrics count all requests.
func sampled(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, 10*time.Second, 20, 0)
	}))
}

func newEvent(c echo.Context) *event {
	return &event{start: time.Now(), id: requestIDOf(c.Request().Header)}
}

// noteWait records that the request has waited for the views since the given time.
func noteWait(ctx context.Context, sequence uint64, since time.Time) {
	if w, ok := ctx.Value(waitedContext{}).(*waited); ok {
		w.sequence, w.taken = sequence, w.taken+time.Since(since)
	}
}

// log writes the line. It contains the route but never the path or the query, because an id may be
// private to a customer.
func (e *event) log(logger *zap.Logger, c echo.Context, route string, taken time.Duration) {
	r, w := c.Request(), c.Response()
	fields := []zap.Field{
		zap.String("requestId", e.id),
		zap.String("method", bounded(r.Method, maxMethod)),
		zap.String("route", route),
		zap.Int("status", w.Status),
		zap.Duration("duration", taken),
		zap.Int64("bytes", w.Size),
		zap.String("key", e.key.Name),
		zap.String("role", string(e.key.Role)),
		zap.String("remote", r.RemoteAddr),
		zap.String("userAgent", bounded(r.UserAgent(), maxUserAgent)),
	}
	if waited, ok := c.Get(waitedKey).(*waited); ok && waited.sequence > 0 {
		fields = append(fields, zap.Uint64("minSequence", waited.sequence), zap.Duration("waited", waited.taken))
	}
	p := e.problem
	if p != nil {
		fields = append(fields, zap.String("problem", p.Code))
	}
	if p == nil || p.cause == nil {
		level := zapcore.InfoLevel
		// Machines ask for these all the time.
		if route == healthPath || route == readyPath || route == metricsPath {
			level = zapcore.DebugLevel
		}
		logger.Log(level, "request", fields...)
		return
	}
	fields = append(fields, zap.Error(p.cause))
	var panic *panicked
	if errors.As(p.cause, &panic) {
		fields = append(fields, zap.ByteString("stack", panic.stack))
	}
	logger.Error("request", fields...)
}

// bounded cuts a string from outside to the given number of bytes and removes invalid UTF-8.
func bounded(text string, bytes int) string {
	return strings.ToValidUTF8(text[:min(len(text), bytes)], "")
}
