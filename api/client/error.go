package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Code is the stable name of a kind of problem. errors.Is compares errors of this package with it.
type Code string

// The codes that callers branch on.
const (
	ErrBadParameter   Code = "bad-parameter"
	ErrUnauthorized   Code = "unauthorized"
	ErrForbidden      Code = "forbidden"
	ErrNotFound       Code = "not-found"
	ErrNotYetKnown    Code = "not-yet-known"  // Error has FirstSequence and FirstReceivedAt
	ErrRecordMissing  Code = "record-missing" // the log lost the record
	ErrConflict       Code = "conflict"
	ErrCursorExpired  Code = "cursor-expired"
	ErrTooMany        Code = "too-many"     // too many orders would have to be examined
	ErrMisdirected    Code = "misdirected"  // without keys only loopback names are answered
	ErrRateLimited    Code = "rate-limited" // Error has RetryAfter
	ErrViewBehind     Code = "view-behind"
	ErrBusy           Code = "busy"
	ErrNotReady       Code = "not-ready"
	ErrLogUnavailable Code = "log-unavailable"
	ErrInternal       Code = "internal"
)

// Error returns the code.
func (c Code) Error() string { return string(c) }

// Error is an answer of the server that reports a problem (RFC 9457). If RetryAfter is not 0, the same
// request may succeed after that time. A request that changes something can only have had an effect if
// Status is 500 or more.
type Error struct {
	Status     int           `json:"status"`
	Code       Code          `json:"code"` // "" if another server answered
	Title      string        `json:"title"`
	Detail     string        `json:"detail"` // what is wrong and what to do about it
	RequestID  string        `json:"requestId"`
	Errors     []FieldError  `json:"errors"`
	RetryAfter time.Duration `json:"-"` // 0: unknown

	// For ErrNotYetKnown: the notification by which the order became known.
	FirstSequence   uint64  `json:"firstSequence"`
	FirstReceivedAt Instant `json:"firstReceivedAt"`
}

// Error returns the status, the title and the detail.
func (e *Error) Error() string {
	text := fmt.Sprintf("client: the API answers %d %s", e.Status, http.StatusText(e.Status))
	if e.Title != "" {
		text += fmt.Sprintf(": %s. %s", e.Title, e.Detail)
	}
	return text
}

// Is reports whether target is the error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// problemOf returns the error for an answer that is not 2xx. If the answer is not a problem, for example
// because a proxy sent it, only the status is set.
func problemOf(r *http.Response) *Error {
	e := &Error{}
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxProblem))
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case mediaType == "application/problem+json":
		if json.Unmarshal(body, e) != nil {
			e = &Error{}
		}
	case bytes.Contains(body, []byte("HTTP request to an HTTPS server")): // the text of net/http
		e.Title, e.Detail = "The server does not accept plain HTTP", "Use https://."
	}
	e.Status = r.StatusCode
	if seconds, err := strconv.ParseUint(r.Header.Get("Retry-After"), 10, 31); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}
