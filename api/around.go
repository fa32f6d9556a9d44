package api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/zap"
)

const (
	logSequence  = "Log-Sequence"
	requestID    = "Request-Id"
	maxRequestID = 128      // bytes, of the caller's
	maxBody      = 64 << 10 // bytes; no route reads a body
	noRoute      = "none"   // the route of a request that matches none
	// problemKey is where a problem that huma wrote is left for the access log.
	problemKey = "problem"
)

// around is what every request goes through: headers, access, panics, problems, metrics and one line in the log.
func (a *API) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		r, w := c.Request(), c.Response()
		id := requestIDOf(r.Header)
		setHeaders(w.Header(), id)
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			w.Before(func() { a.stampSequence(c) })
		}
		a.metrics.inFlight.Inc()
		defer a.metrics.inFlight.Dec()

		key, err := a.admit(c)
		if err == nil {
			err = guarded(next, c)
		}
		var p *Problem
		cut := err != nil && w.Committed
		if err != nil {
			p = asProblem(err)
			answer(c, p)
		} else {
			p, _ = c.Get(problemKey).(*Problem)
		}
		route, known := a.routes[c.Path()]
		if !known {
			route = noRoute
		}
		taken := time.Since(start)
		a.metrics.observe(route, w.Status, taken)
		a.logAccess(r.Method, route, id, key.Name, w, taken, p)
		if cut {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		return nil
	}
}

// admit checks what can be told before the route is asked.
func (a *API) admit(c echo.Context) (Key, error) {
	r := c.Request()
	var key Key
	if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
		var ok bool
		if key, ok = a.authenticate(r); !ok {
			p := problem(codeUnauthorized, "Send a configured key: Authorization: Bearer <key>.")
			p.header.Set("WWW-Authenticate", `Bearer realm="orderfold"`)
			return Key{}, p
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && len(a.keys) > 0 && key.Role != Operator {
		return key, problem(codeForbidden, "Only a key of the role %s may change anything.", Operator)
	}
	if r.ContentLength > maxBody {
		return key, problem(codeTooLarge, "No route reads a body; up to %d bytes are put up with.", maxBody)
	}
	r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, maxBody)
	return key, unescape(c)
}

// unescape decodes the parameters of the path. Echo matches the path as it was sent when that differs from the decoded
// one, and then hands out the parameters still encoded; the id of an order may have any character in it. A slash that was
// not encoded separates: Echo lets the last parameter swallow it.
func unescape(c echo.Context) error {
	values := c.ParamValues()
	for i, value := range values {
		if strings.Contains(value, "/") {
			return echo.ErrNotFound
		}
		if c.Request().URL.RawPath == "" {
			continue
		}
		var err error
		if values[i], err = url.PathUnescape(value); err != nil {
			return echo.ErrNotFound
		}
	}
	return nil
}

func setHeaders(h http.Header, id string) {
	h.Set(requestID, id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// stampSequence tells how far the views are where no handler has told it from the read that the answer was made of.
func (a *API) stampSequence(c echo.Context) {
	h := c.Response().Header()
	if h.Get(logSequence) != "" {
		return
	}
	if status, err := a.position.Status(c.Request().Context()); err == nil {
		h.Set(logSequence, strconv.FormatUint(status.Checkpoint.Sequence, 10))
	}
}

// panicked is a panic that became an error.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// lost is what an answer ends with, as a panic, that cannot be completed where no error can be returned.
type lost struct{ cause error }

// guarded calls next and returns a panic as an error. http.ErrAbortHandler is how handlers give a connection up.
func guarded(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		value := recover()
		if lost, ok := value.(*lost); ok {
			err = lost.cause
			return
		}
		if value == http.ErrAbortHandler { //nolint:errorlint // the panic value itself
			panic(value)
		}
		if value != nil {
			err = &panicked{value, debug.Stack()}
		}
	}()
	return next(c)
}

// answer sends the problem, unless an answer is under way already.
func answer(c echo.Context, p *Problem) {
	w := c.Response()
	if w.Committed {
		return
	}
	prepare(c, p)
	w.Header().Set(echo.HeaderContentType, problemType)
	w.WriteHeader(p.Status)
	_ = writeJSON(w, p) // a problem is texts and numbers: it can be written
}

// prepare completes a problem with what belongs to the request, and leaves it for the access log.
func prepare(c echo.Context, p *Problem) {
	h := c.Response().Header()
	for name, values := range p.header {
		h[name] = values
	}
	p.RequestID = h.Get(requestID)
	c.Set(problemKey, p)
}

func (a *API) logAccess(method, route, id, key string, w *echo.Response, taken time.Duration, p *Problem) {
	fields := []zap.Field{
		zap.String("requestId", id),
		zap.String("method", method),
		zap.String("route", route),
		zap.Int("status", w.Status),
		zap.Duration("duration", taken),
		zap.Int64("bytes", w.Size),
		zap.String("key", key),
	}
	if p != nil {
		fields = append(fields, zap.String("problem", p.Code))
	}
	if p == nil || p.cause == nil {
		a.logger.Info("request", fields...)
		return
	}
	fields = append(fields, zap.Error(p.cause))
	var panic *panicked
	if errors.As(p.cause, &panic) {
		fields = append(fields, zap.ByteString("stack", panic.stack))
	}
	a.logger.Error("request", fields...)
}

// requestIDOf returns the caller's id when it is printable and short, otherwise a new one.
func requestIDOf(h http.Header) string {
	for _, name := range []string{"X-Request-Id", requestID} {
		if id := h.Get(name); id != "" && len(id) <= maxRequestID &&
			!strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
			return id
		}
	}
	return rand.Text()
}
