package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/orderfold/orderfold/projector/views"
)

// Codes of problems. They are stable, because callers branch on them.
const (
	codeBadParameter     = "bad-parameter"
	codeUnauthorized     = "unauthorized"
	codeForbidden        = "forbidden"
	codeConflict         = "conflict"
	codeNotHere          = "not-here"
	codeNotFound         = "not-found"
	codeNotYetKnown      = "not-yet-known"
	codeRecordMissing    = "record-missing"
	codeMethodNotAllowed = "method-not-allowed"
	codeCursorExpired    = "cursor-expired"
	codeTooLarge         = "too-large"
	codeMisdirected      = "misdirected"
	codeTooMany          = "too-many"
	codeRateLimited      = "rate-limited"
	codeCanceled         = "canceled" // the client is gone; only for log and metrics
	codeInternal         = "internal"
	codeViewBehind       = "view-behind"
	codeBusy             = "busy"
	codeNotReady         = "not-ready"
	codeLogUnavailable   = "log-unavailable"
	codeHTTPVersion      = "http-version"
)

// ProblemKind is a kind of problem. Its code never changes, and is the end of its type.
type ProblemKind struct {
	Code   string
	Status int
	Title  string
	Do     string // what the caller can do about it
}

// problemKinds is the table of problems, in the order of the documentation.
var problemKinds = []ProblemKind{
	{codeBadParameter, http.StatusBadRequest, "A parameter is not valid",
		"Correct the parameters listed in `errors`; unknown, repeated, empty and invalid parameters are refused."},
	{codeUnauthorized, http.StatusUnauthorized, "A valid API key is required",
		"Send a configured key: `Authorization: Bearer <key>`."},
	{codeForbidden, http.StatusForbidden, "The key does not allow this",
		"Use a key of the role operator. A page of another site needs an allowed origin."},
	{codeNotFound, http.StatusNotFound, "Not found", "Search for the id with `/v1/search`; `/openapi.json` lists the paths."},
	{codeNotYetKnown, http.StatusNotFound, "The order was not yet known",
		"Use a later moment: `firstSequence` and `firstReceivedAt` report when the order became known."},
	{codeMethodNotAllowed, http.StatusMethodNotAllowed, "The method is not allowed here", "Use a method from the header `Allow`."},
	{codeConflict, http.StatusConflict, "The request conflicts with the current state",
		"See `detail`: a rebuild is already running, or none is running; nothing is folded at the moment; a subscriber with other settings has that name; or there is no feed."},
	{codeCursorExpired, http.StatusGone, "The views were rebuilt by other rules, or the log was restored, since the cursor was made", "Start the list again without a cursor."},
	{codeRecordMissing, http.StatusGone, "A record is missing from the log",
		"Inform the operator: the record was acknowledged, and the log lost it. `GET /v1/status` and `orderfold doctor` have details."},
	{codeTooLarge, http.StatusRequestEntityTooLarge, "The request is too large", "Send no body; the API does not read one."},
	{codeMisdirected, http.StatusMisdirectedRequest, "The request was sent to another host",
		"Use `localhost`, `127.0.0.1` or `[::1]`: without keys no other `Host` is answered. Or configure a key."},
	{codeTooMany, http.StatusUnprocessableEntity, "The request selects too many orders",
		"Select fewer orders, by an id, an ISIN, a status or a time, or leave out what `detail` names."},
	{codeRateLimited, http.StatusTooManyRequests, "Too many requests",
		"Wait as long as `Retry-After` says. Request longer pages, or follow `/v1/stream`."},
	{codeCanceled, statusCanceled, "The client closed the connection", ""},
	{codeInternal, http.StatusInternalServerError, "Internal error",
		"Report this defect: the server's log lines have the cause under the request id."},
	{codeNotHere, http.StatusNotImplemented, "This process cannot do this", "Send the request to the process that writes the views, or use the corresponding command of `orderfold`."},
	{codeViewBehind, http.StatusServiceUnavailable, "The views are behind",
		"Repeat after `Retry-After`, or wait longer with `Prefer: wait=<seconds>`."},
	{codeBusy, http.StatusServiceUnavailable, "The server is at its limit",
		"Repeat after `Retry-After`: the maximum number of streams is open, or no copy of the views can be made now, see `detail`."},
	{codeNotReady, http.StatusServiceUnavailable, "The views are not ready",
		"Repeat after `Retry-After`; there are no views yet, or they have another version, or they were damaged: see `/v1/status`."},
	{codeLogUnavailable, http.StatusServiceUnavailable, "The log cannot be reached",
		"Repeat after `Retry-After`; raw bytes and history need the log."},
	{codeHTTPVersion, http.StatusHTTPVersionNotSupported, "HTTP/1.0 cannot carry this answer",
		"Use HTTP/1.1: over HTTP/1.0 an export that was cut off looks complete. nginx needs `proxy_http_version 1.1`."},
}

// statusCanceled is the status that the log and the metrics contain for a request whose client has
// disconnected.
const statusCanceled = 499

// Problems returns every kind of problem that the API can answer.
func Problems() []ProblemKind {
	return slices.DeleteFunc(slices.Clone(problemKinds), func(k ProblemKind) bool { return k.Code == codeCanceled })
}

// problemURN is the prefix of the type of a problem. It is a name and not an address, so that no
// host has to exist for it.
const problemURN = "urn:orderfold:problem:"

const problemType = "application/problem+json"

// Problem is an error as the caller sees it (RFC 9457). It implements error, so that handlers can
// return it.
type Problem struct {
	Type      string       `json:"type" format:"uri" doc:"The kind of problem: urn:orderfold:problem: and the code."`
	Title     string       `json:"title" doc:"The kind of problem in words."`
	Status    int          `json:"status" doc:"The HTTP status."`
	Code      string       `json:"code" doc:"The kind of problem; its values are stable:"`
	Detail    string       `json:"detail" doc:"What is wrong, and what to do about it."`
	RequestID string       `json:"requestId" doc:"As in the header Request-Id and in the server's log lines."`
	Errors    []FieldError `json:"errors,omitempty" doc:"The parameters that are wrong."`

	FirstSequence   uint64 `json:"firstSequence,omitempty" doc:"For not-yet-known: the notification by which the order became known."`
	FirstReceivedAt string `json:"firstReceivedAt,omitempty" format:"date-time" doc:"For not-yet-known: when that notification was received."`

	header http.Header // sent with the problem
	cause  error       // only for the log
}

// FieldError describes an error in one parameter.
type FieldError struct {
	Location string `json:"location" example:"query.limit"`
	Message  string `json:"message" example:"expected number <= 500"`
	Value    string `json:"value,omitempty" doc:"As it was sent."`
}

// TransformSchema lists the allowed codes.
func (*Problem) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	code := s.Properties["code"]
	for _, kind := range Problems() {
		code.Enum = append(code.Enum, kind.Code)
		code.Description += fmt.Sprintf("\n* %s (%d): %s. %s", kind.Code, kind.Status, kind.Title, kind.Do)
	}
	return s
}

// Error returns the code and the detail.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Unwrap returns the cause of the problem, or nil if the request is the cause.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type of problems, whatever was negotiated, because there is only
// one representation.
func (*Problem) ContentType(string) string { return problemType }

func problem(code, format string, args ...any) *Problem {
	p := &Problem{Type: problemURN + code, Code: code, Detail: fmt.Sprintf(format, args...), header: http.Header{}}
	for _, kind := range problemKinds {
		if kind.Code == code {
			p.Title, p.Status = kind.Title, kind.Status
		}
	}
	if p.Status == http.StatusServiceUnavailable {
		p.header.Set("Retry-After", "1")
	}
	return p
}

func (p *Problem) because(cause error) *Problem {
	p.cause = cause
	return p
}

// at sets Log-Sequence to the sequence that the views had applied when the problem was found.
func (p *Problem) at(applied uint64) *Problem {
	p.header.Set(logSequence, strconv.FormatUint(applied, 10))
	return p
}

func internal(cause error) *Problem {
	return problem(codeInternal, "The server's log lines have the cause under the request id.").because(cause)
}

// asProblem converts an error to a problem. An unknown error becomes an internal one whose text the
// caller does not see.
func asProblem(err error) *Problem {
	var p *Problem
	var fault *echo.HTTPError
	var late *views.BehindError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &fault):
		return routeProblem(fault)
	case errors.Is(err, context.Canceled):
		return problem(codeCanceled, "The client closed the connection before the answer was ready.")
	case errors.Is(err, ErrMissing):
		return problem(codeRecordMissing, "The log lost a notification that this answer needs. See GET /v1/status.").because(err)
	case errors.Is(err, ErrUnavailable):
		return problem(codeLogUnavailable, "The log does not answer. Repeat the request in a moment; see GET /v1/status.").because(err)
	case errors.As(err, &late):
		return behind(late.Sequence)
	case errors.Is(err, views.ErrCursorExpired):
		return problem(codeCursorExpired, "The cursor was made by views of other rules, or before the log was restored or a loss of records was "+
			"accepted. Start again without a cursor.")
	case errors.Is(err, views.ErrCursor):
		return badParameter("query.cursor", "was not made for this list and these filters; start again without a cursor")
	case errors.Is(err, views.ErrTooManyToSum):
		return problem(codeTooMany, "totals=true would have to examine too many orders. Select a shorter time, or fewer orders; or only by status, assetClass, "+
			"side, open, final and break=any, whose totals are precomputed; or leave totals out.")
	case errors.Is(err, views.ErrTooManyToSort):
		return problem(codeTooMany, "There is no index by quantity: sort=quantity reads and sorts all selected orders, and these are more than "+
			"about 2000, or cannot be found without examining more. Select fewer, by an id, an ISIN, a status or a time; or sort by received or modified.")
	case errors.Is(err, views.ErrVersion):
		return problem(codeNotReady, "The views were made by another version of the program. Use the same version for reading and writing.").because(err)
	case errors.Is(err, views.ErrDamaged) || errors.As(err, new(*views.LostError)):
		return problem(codeNotReady, "The views are damaged, or could not be used, and are being rebuilt from the log. "+
			"Repeat the request later; GET /v1/status shows the progress.").because(err)
	case errors.Is(err, views.ErrNoViews):
		return problem(codeNotReady, "Nothing has been projected yet. Start the projector, or repeat the request in a moment.")
	}
	return internal(err)
}

// routeProblem translates an error of the router.
func routeProblem(fault *echo.HTTPError) *Problem {
	switch fault.Code {
	case http.StatusNotFound:
		return problem(codeNotFound, "There is nothing at this path; /openapi.json lists the paths.")
	case http.StatusMethodNotAllowed:
		return problem(codeMethodNotAllowed, "This path does not accept the method; the header Allow lists those that it accepts.")
	}
	return internal(fault)
}

// huma keeps these two settings for the whole process. Nothing else in the process uses huma, and
// every API needs the same settings.
func init() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		if status < http.StatusInternalServerError {
			return badParameters(errs)
		}
		return internal(fmt.Errorf("%s: %w", message, errors.Join(errs...)))
	}
}

func badParameter(location, message string) *Problem {
	p := problem(codeBadParameter, "%s: %s.", location, message)
	p.Errors = []FieldError{{Location: location, Message: message}}
	return p
}

// badParameters reports all errors in the parameters at once.
func badParameters(errs []error) *Problem {
	var fields []FieldError
	var said []string
	for _, err := range errs {
		var detailer huma.ErrorDetailer
		if !errors.As(err, &detailer) {
			continue
		}
		d := detailer.ErrorDetail()
		field := FieldError{Location: d.Location, Message: d.Message}
		if text, ok := d.Value.(string); ok {
			field.Value = text
		} else if d.Value != nil {
			field.Value = fmt.Sprint(d.Value)
		}
		fields = append(fields, field)
		said = append(said, field.Location+": "+field.Message)
	}
	p := problem(codeBadParameter, "%s.", strings.Join(said, "; "))
	p.Errors = fields
	return p
}
