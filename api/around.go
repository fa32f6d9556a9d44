package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/orderfold/orderfold/api/access"
)

const (
	logSequence  = "Log-Sequence"
	requestID    = "Request-Id"
	maxRequestID = 128      // bytes, of the id that the caller sends
	maxBody      = 64 << 10 // bytes; no route reads a body
	healthPath   = "/healthz"
	readyPath    = "/readyz"
	metricsPath  = "/metrics"
	noRoute      = "none" // the route of a request that matches none
	// problemKey is the key under which a problem that huma wrote is left for the access log.
	problemKey = "problem"
)

// around wraps every request: headers, access, panics, problems, metrics and one line in the log.
func (a *API) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		e := newEvent(c)
		r, w := c.Request(), c.Response()
		setHeaders(w.Header(), e.id)
		// The answer depends on Accept.
		if path := c.Path(); path == "/v1/orders" || path == "/v1/states" {
			w.Header().Add("Vary", "Accept")
		}
		c.Set(prefixKey, a.prefix)
		a.metrics.inFlight.Inc()
		defer a.finish(c, e)
		if a.gate.Share(w, r) {
			return nil
		}
		err := a.admit(c, e)
		if err == nil {
			release := a.hold(c, e.key)
			defer release()
			err = guarded(next, c)
		}
		cut := err != nil && w.Committed
		if err != nil {
			e.problem = asProblem(err)
			answer(c, e.problem)
		}
		if cut {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		return nil
	}
}

// finish counts and logs the request, even if its connection was aborted.
func (a *API) finish(c echo.Context, e *event) {
	a.metrics.inFlight.Dec()
	if e.problem == nil {
		e.problem, _ = c.Get(problemKey).(*Problem)
	}
	route, known := a.routes[c.Path()]
	if !known {
		route = noRoute
	}
	taken := time.Since(e.start)
	a.metrics.observe(route, c.Response().Status, taken)
	logger := a.logger
	if !e.letIn {
		logger = a.refused
	}
	e.log(logger, c, route, taken)
}

// hold ends the request when its key is taken away, because streams and exports last long. It puts
// the key into the context of the request.
func (a *API) hold(c echo.Context, key access.Key) (release func()) {
	if key.Name == "" {
		return func() {}
	}
	ctx, cut := context.WithCancel(context.WithValue(c.Request().Context(), keyContext{}, key))
	c.SetRequest(c.Request().WithContext(ctx))
	let := a.gate.Hold(key, cut)
	return func() { let(); cut() }
}

// admit decides on access and makes the checks that do not need the route. A refused request costs
// no more than that: neither the views nor the log are asked, and the answer reveals nothing about
// them.
func (a *API) admit(c echo.Context, e *event) (err error) {
	r := c.Request()
	if ofDashboard(c) {
		return unescape(c)
	}
	switch r.URL.Path {
	case healthPath: // must not wait for the views
	case readyPath:
		if e.key, e.letIn = a.gate.Knows(r, e.start); !e.letIn {
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), strangerContext{}, true)))
		}
	default:
		if e.key, err = a.gate.Allow(r, e.start); err != nil {
			return refusal(r, err)
		}
		e.letIn = true
	}
	if e.letIn {
		c.Response().Before(func() { a.stampSequence(c) })
	}
	if r.ContentLength > maxBody {
		return problem(codeTooLarge, "No route reads a body, and bodies of more than %d bytes are refused: send none.", maxBody)
	}
	r = c.Request() // the request may be another one by now
	r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, maxBody)
	return unescape(c)
}

// strangerContext is the context key that marks a request that is answered although its caller is
// not let in.
type strangerContext struct{}

func stranger(ctx context.Context) bool { return ctx.Value(strangerContext{}) != nil }

// unescape decodes the parameters of the path. If the path as sent differs from the decoded one,
// Echo matches the path as sent and leaves the parameters encoded, and the id of an order may
// contain any character. A slash that was not encoded is a separator, although Echo lets the last
// parameter match it.
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

// stampSequence sets Log-Sequence to the position of the views, unless the handler has set it from
// the read behind the answer.
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

// lost is the panic value that ends an answer which cannot be completed, where no error can be
// returned.
type lost struct{ cause error }

// guarded calls next and returns a panic as an error. It passes on http.ErrAbortHandler, with which
// a handler aborts the connection.
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

// answer sends the problem, unless an answer has already begun.
func answer(c echo.Context, p *Problem) {
	w := c.Response()
	if w.Committed {
		return
	}
	prepare(c, p)
	w.Header().Set(echo.HeaderContentType, problemType)
	w.WriteHeader(p.Status)
	_ = writeJSON(w, p) // a problem contains only strings and numbers, so encoding cannot fail
}

// prepare adds the details of the request to a problem, and leaves the problem for the access log.
func prepare(c echo.Context, p *Problem) {
	h := c.Response().Header()
	for name, values := range p.header {
		h[name] = values
	}
	p.RequestID = h.Get(requestID)
	if prefix, ok := c.Get(prefixKey).(string); ok {
		p.Detail = linked(p.Detail, prefix)
	}
	c.Set(problemKey, p)
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
