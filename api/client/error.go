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
	ErrNotYetKnown    Code = "not-yet-known"  // with FirstSequence and FirstReceivedAt
	ErrRecordMissing  Code = "record-missing" // the log lost the record
	ErrConflict       Code = "conflict"
	ErrCursorExpired  Code = "cursor-expired"
	ErrTooMany        Code = "too-many"     // too many orders would have to be examined
	ErrMisdirected    Code = "misdirected"  // without keys only loopback names are answered
	ErrRateLimited    Code = "rate-limited" // with RetryAfter
	ErrViewBehind     Code = "view-behind"
	ErrBusy           Code = "busy"
	ErrNotReady       Code = "not-ready"
	ErrLogUnavailable Code = "log-unavailable"
	ErrInternal       Code = "internal"
)

// Error returns the code.
func (c Code) Error() string { return string(c) }

// Error occurs when the server answers with a problem (RFC 9457). Code names the kind, and
// RetryAfter says whether it clears by itself. A request that changes something may have changed it
// only if Status is 500 or more.
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

// Error tells status, title and detail.
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

// problemOf reads an answer that is an error. A proxy may answer anything; then the status says enough.
func problemOf(r *http.Response) *Error {
	e := &Error{}
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxProblem))
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case mediaType == "application/problem+json":
		if json.Unmarshal(body, e) != nil {
			e = &Error{}
		}
	case bytes.Contains(body, []byte("HTTP request to an HTTPS server")): // in the words of net/http
		e.Title, e.Detail = "It takes no plain HTTP", "Ask by https://."
	}
	e.Status = r.StatusCode
	if seconds, err := strconv.ParseUint(r.Header.Get("Retry-After"), 10, 31); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}
