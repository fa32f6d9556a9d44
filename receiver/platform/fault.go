package platform

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Kind classifies a failed request by its consequence.
type Kind string

// The kinds.
const (
	Again  Kind = "again"  // 429, 5xx, the network, a truncated answer: the same request may succeed later
	Gone   Kind = "gone"   // the platform does not have the object
	Ours   Kind = "ours"   // the platform refuses the request: its credentials, its URL or its content
	Theirs Kind = "theirs" // the answer of the platform cannot be used
)

// Error means that the platform did not answer a request as documented. Nevertheless, it may have
// received the request. The text contains no credentials.
type Error struct {
	Kind   Kind
	Status int           // of the answer; 0: there was none
	After  time.Duration // the pause that the platform requested; 0: none
	op     string
	text   string
	cause  error
	access bool // the failure concerns the token, and so every request
}

// Error returns the operation, the status and the platform's message.
func (e *Error) Error() string {
	text := "platform: " + e.op + ": "
	if e.Status != 0 {
		text += strconv.Itoa(e.Status) + " "
	}
	if e.cause != nil {
		return text + e.text + ": " + e.cause.Error()
	}
	return text + e.text
}

// Unwrap returns the error of the network, if any.
func (e *Error) Unwrap() error { return e.cause }

// concernsAll reports whether any other request would fail in the same way.
func (e *Error) concernsAll() bool {
	return e.Kind == Again || e.access || e.Kind == Ours &&
		(e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status/100 == 3)
}

// kindOf returns the kind of an error of this package; "" for any other.
func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// theirs returns the error for a 200 that cannot be used. The error does not contain the body.
func theirs(q *question, text string) error {
	return &Error{Kind: Theirs, Status: http.StatusOK, op: q.what, text: text}
}

// byStatus classifies an answer that is not 2xx.
func byStatus(status int) Kind {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return Again
	case status == http.StatusNotFound, status == http.StatusGone:
		return Gone
	}
	return Ours
}

// retryAfter parses a Retry-After header, in seconds or as a date. It returns 0 for anything else.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
