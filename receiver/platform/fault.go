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
	Again  Kind = "again"  // 429, 5xx, the network, an answer that was cut: the same request may succeed later
	Gone   Kind = "gone"   // the platform does not have it
	Ours   Kind = "ours"   // it refuses the request: credentials, URL, or the request itself
	Theirs Kind = "theirs" // it answered with something unusable
)

// Error occurs when the platform did not answer a request properly. Kind says whether it clears by
// itself (Again). The platform may have received the request. The text contains no credential.
type Error struct {
	Kind   Kind
	Status int           // of the answer; 0: there was none
	After  time.Duration // the pause that the platform requested; 0: none
	op     string
	text   string
	cause  error
	access bool // it concerns the token, and so every request
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

// theirs returns the error for a 200 that cannot be the answer. It does not contain the answer.
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

// retryAfter parses seconds or a date; anything else is no wait.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
