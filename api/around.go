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
)

const (
	logSequence  = "Log-Sequence"
	requestID    = "Request-Id"
	maxRequestID = 128      // bytes, of the caller's
	maxBody      = 64 << 10 // bytes; no route reads a body
	healthPath   = "/healthz"
	noRoute      = "none" // the route of a request that matches none
	// problemKey is where a problem that huma wrote is left for the access log.
	problemKey = "problem"
)

// around is what every request goes through: headers, access, panics, problems, metrics and one line in the log.
func (a *API) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		e := newEvent(c)
		r, w := c.Request(), c.Response()
		setHeaders(w.Header(), e.id)
		if r.URL.Path != healthPath { // which must not wait for the views
			w.Before(func() { a.stampSequence(c) })
		}
		if path := c.Path(); path == "/v1/orders" || path == "/v1/states" { // Accept chooses there
			w.Header().Add("Vary", "Accept")
		}
		a.metrics.inFlight.Inc()
		defer a.finish(c, e)
		if a.origins.share(r, w) {
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

// finish counts and logs the request, also one whose connection is given up.
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
	e.log(a.logger, c, route, taken)
}

// hold has the request end when its key is taken away: streams and exports last.
func (a *API) hold(c echo.Context, key Key) (release func()) {
	if key.Name == "" {
		return func() {}
	}
	ctx, cut := context.WithCancel(c.Request().Context())
	c.SetRequest(c.Request().WithContext(ctx))
	let := a.keys.hold(key, cut)
	return func() { let(); cut() }
}

// admit checks what can be told before the route is asked.
func (a *API) admit(c echo.Context, e *event) (err error) {
	r := c.Request()
	open := r.URL.Path == healthPath || r.URL.Path == "/readyz"
	admitted := true
	if !open {
		e.key, admitted = a.keys.authenticate(r)
		// Guesses are counted too, by address.
		if wait := a.limiter.admit(callerOf(e.key, r.RemoteAddr), e.start); wait > 0 {
			return tooMany(wait, a.limiter.limit)
		}
	}
	if !open && a.keys.open() {
		if err := checkHost(r); err != nil {
			return err
		}
	}
	if !admitted {
		p := problem(codeUnauthorized, "Send a configured key: Authorization: Bearer <key>.")
		p.header.Set("WWW-Authenticate", `Bearer realm="orderfold"`)
		return p
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		if err := a.origins.refuse(r); err != nil {
			return err
		}
		if e.key.Role != Operator && !a.keys.open() {
			return problem(codeForbidden, "Only a key of the role %s may change anything.", Operator)
		}
	}
	if r.ContentLength > maxBody {
		return problem(codeTooLarge, "No route reads a body; up to %d bytes are put up with.", maxBody)
	}
	r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, maxBody)
	return unescape(c)
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
