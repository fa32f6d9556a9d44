package api

import (
	"context"
	"crypto/tls"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// adapter adds the operations that are registered with huma to the routes of Echo.
type adapter struct{ *echo.Echo }

var parameterNames = strings.NewReplacer("{", ":", "}", "") // huma writes {id}, Echo writes :id

// Handle adds a route. HEAD is served wherever GET is, because net/http leaves the body out.
func (a adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	methods := []string{op.Method}
	if op.Method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	a.Match(methods, parameterNames.Replace(op.Path), func(c echo.Context) error {
		handler(&exchange{op, c})
		return nil
	})
}

// exchange is a request and its answer as huma sees them.
type exchange struct {
	op   *huma.Operation
	echo echo.Context
}

// echoOf returns Echo's side of an exchange, even if huma has wrapped the exchange.
func echoOf(ctx huma.Context) echo.Context {
	for {
		if e, ok := ctx.(*exchange); ok {
			return e.echo
		}
		ctx = ctx.(interface{ Unwrap() huma.Context }).Unwrap()
	}
}

func (e *exchange) Operation() *huma.Operation { return e.op }

func (e *exchange) Context() context.Context { return e.echo.Request().Context() }

func (e *exchange) TLS() *tls.ConnectionState { return e.echo.Request().TLS }

func (e *exchange) Version() huma.ProtoVersion {
	r := e.echo.Request()
	return huma.ProtoVersion{Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor}
}

func (e *exchange) Method() string { return e.echo.Request().Method }

func (e *exchange) Host() string { return e.echo.Request().Host }

func (e *exchange) RemoteAddr() string { return e.echo.Request().RemoteAddr }

func (e *exchange) URL() url.URL { return *e.echo.Request().URL }

func (e *exchange) Param(name string) string { return e.echo.Param(name) }

func (e *exchange) Query(name string) string { return e.echo.QueryParam(name) }

func (e *exchange) Header(name string) string { return e.echo.Request().Header.Get(name) }

func (e *exchange) EachHeader(call func(name, value string)) {
	for name, values := range e.echo.Request().Header {
		for _, value := range values {
			call(name, value)
		}
	}
}

func (e *exchange) BodyReader() io.Reader { return e.echo.Request().Body }

func (e *exchange) GetMultipartForm() (*multipart.Form, error) {
	r := e.echo.Request()
	err := r.ParseMultipartForm(maxBody)
	return r.MultipartForm, err
}

func (e *exchange) SetReadDeadline(deadline time.Time) error {
	return http.NewResponseController(e.echo.Response()).SetReadDeadline(deadline)
}

func (e *exchange) SetStatus(status int) { e.echo.Response().WriteHeader(status) }

func (e *exchange) Status() int { return e.echo.Response().Status }

func (e *exchange) SetHeader(name, value string) { e.echo.Response().Header().Set(name, value) }

func (e *exchange) AppendHeader(name, value string) { e.echo.Response().Header().Add(name, value) }

func (e *exchange) BodyWriter() io.Writer { return e.echo.Response() }
