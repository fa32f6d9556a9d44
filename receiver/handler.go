package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/orderfold/orderfold/eventlog"
)

const (
	maxRequestID  = 128 // bytes; a longer id of the caller is ignored
	maxLoggedPath = 200 // bytes
)

// ServeHTTP answers one request as described in the package comment.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rc.answerHealth(w, r) {
		return
	}
	requestID := requestIDOf(r.Header)
	a := rc.receive(w, r, requestID)
	rc.metrics.requests.WithLabelValues(strconv.Itoa(a.status)).Inc()
	if a.status == http.StatusOK {
		a.write(w, requestID)
		return
	}
	rc.logRefused(r, requestID, a)
	rc.refuse(w, r, requestID, a)
}

// receive returns the answer to a request and writes nothing.
func (rc *Receiver) receive(w http.ResponseWriter, r *http.Request, requestID string) (a answer) {
	defer func() {
		if fault := recover(); fault != nil {
			a = answer{status: http.StatusInternalServerError, kind: "INTERNAL", message: "a fault in the receiver",
				err: fmt.Errorf("panic: %v\n%s", fault, debug.Stack())}
		}
	}()
	eventType := eventTypeOf(r.URL.Path)
	if refusal := rc.admit(r, eventType); refusal != nil {
		return *refusal
	}
	select {
	case rc.places <- struct{}{}:
		defer func() { <-rc.places }()
	default:
		refusal := busy()
		refusal.unread = true
		return *refusal
	}
	room := &reservation{budget: rc.budget}
	defer room.release()
	body, refusal := readBody(w, r, rc.options.MaxBody, room)
	if refusal != nil {
		return *refusal
	}
	return rc.store(r, requestID, eventType, body)
}

// admit makes the checks that do not need the body. It returns nil if they pass.
func (rc *Receiver) admit(r *http.Request, eventType *EventType) *answer {
	switch {
	case r.URL.Path == healthPath || r.URL.Path == readyPath:
		return &answer{status: http.StatusMethodNotAllowed, kind: "METHOD_NOT_ALLOWED", unread: true,
			message: "request health with GET", allow: "GET, HEAD"}
	case r.Method != http.MethodPost:
		return &answer{status: http.StatusMethodNotAllowed, kind: "METHOD_NOT_ALLOWED", unread: true,
			message: "send notifications with POST", allow: http.MethodPost}
	case eventType == nil:
		return &answer{status: http.StatusNotFound, kind: "NOT_FOUND", unread: true,
			message: "the path does not end in the name of an event type"}
	case r.ContentLength > rc.options.MaxBody:
		return tooLarge(rc.options.MaxBody, true)
	case !authorized(rc.options.Auth, r.Header.Get):
		return &answer{status: http.StatusUnauthorized, kind: "UNAUTHORIZED", unread: true,
			message: "credentials are missing or wrong"}
	}
	return nil
}

func tooLarge(limit int64, unread bool) *answer {
	return &answer{status: http.StatusRequestEntityTooLarge, kind: "TOO_LARGE", unread: unread,
		torn: !unread, message: fmt.Sprintf("the body is larger than %d bytes", limit)}
}

// store appends the notification to the log. It continues when the client disconnects, because the
// platform may consider the notification delivered.
func (rc *Receiver) store(r *http.Request, requestID string, eventType *EventType, body []byte) answer {
	id, valid := scan(body, eventType.IDField)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), rc.options.AppendTimeout)
	defer cancel()
	start := time.Now()
	sequence, err := rc.options.Log.Append(ctx, eventlog.Record{
		Source:      eventlog.Webhook,
		Object:      eventType.Object,
		Key:         id,
		ContentType: r.Header.Get("Content-Type"),
		RequestID:   requestID,
		Traceparent: traceparentOf(r.Header),
		Body:        body,
	})
	rc.metrics.append.Observe(time.Since(start).Seconds())
	rc.metrics.body.Observe(float64(len(body)))
	switch {
	case err == nil && valid:
		return answer{status: http.StatusOK, sequence: sequence}
	case err == nil:
		return answer{status: http.StatusBadRequest, kind: "NOT_JSON", sequence: sequence,
			message: fmt.Sprintf("the body is not JSON; it is stored under sequence %d", sequence)}
	case errors.Is(err, eventlog.ErrInvalid):
		// Not 503: the platform would repeat for ever a record that the log never accepts.
		return answer{status: http.StatusInternalServerError, kind: "NOT_STORED", err: err,
			message: "the log refused the notification; sending it again does not help"}
	case errors.Is(err, eventlog.ErrNotAppended):
		return answer{status: http.StatusServiceUnavailable, kind: "LOG_UNAVAILABLE", err: err,
			message: "the log refused the notification, it is not stored; send it again"}
	}
	return answer{status: http.StatusServiceUnavailable, kind: "LOG_UNAVAILABLE", err: err,
		message: "the log did not confirm the notification, it may or may not be stored; send it again"}
}

// refuse answers at once, even while the body is still arriving, and then reads and discards up to
// 4*MaxBody bytes, for at most ReadTimeout. Closing a connection with unread data resets the
// connection, and a client that sends the whole request before it reads would lose the answer.
func (rc *Receiver) refuse(w http.ResponseWriter, r *http.Request, requestID string, a answer) {
	if a.unread && r.Header.Get("Expect") != "" {
		a.write(w, requestID)
		return // the client waits for 100 Continue; reading would make it send the body
	}
	limit := 4 * rc.options.MaxBody
	last := a.torn || r.ContentLength > limit
	if last {
		w.Header().Set("Connection", "close")
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // every HTTP/1 connection supports it; without it net/http reads before it writes
	a.write(w, requestID)
	_ = control.Flush() // if the client is gone, reading fails too
	if _, err := io.CopyN(io.Discard, r.Body, limit); !errors.Is(err, io.EOF) && !last {
		panic(http.ErrAbortHandler) // the rest of the body must not be read as the next request
	}
}

// logRefused logs one line about a refused request. The line contains no header, and only the
// beginning of a long path.
func (rc *Receiver) logRefused(r *http.Request, requestID string, a answer) {
	level := zapcore.InfoLevel
	switch a.status {
	case http.StatusServiceUnavailable:
		level = zapcore.WarnLevel
	case http.StatusInternalServerError:
		level = zapcore.ErrorLevel
	}
	// The kind is part of the message because lines are sampled by message.
	rc.refused.Log(level, "refused: "+a.kind,
		zap.Int("status", a.status),
		zap.String("requestId", requestID),
		zap.String("remote", r.RemoteAddr),
		zap.String("method", r.Method[:min(len(r.Method), 16)]),
		zap.String("path", r.URL.Path[:min(len(r.URL.Path), maxLoggedPath)]),
		zap.Uint64("sequence", a.sequence),
		zap.Error(a.err))
}

func requestIDOf(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Request-Id"} {
		if id := h.Get(name); id != "" && len(id) <= maxRequestID && isPrintable(id) {
			return id
		}
	}
	return uuid.NewString()
}

// traceparentOf returns the header if it is well-formed (W3C Trace Context), otherwise "". It consists
// of version, trace id, parent id and flags in lower-case hex, such as
// 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.
func traceparentOf(h http.Header) string {
	value := h.Get("Traceparent")
	if len(value) != 55 || value[:2] == "ff" {
		return ""
	}
	var digits [4]bool // whether a field contains a digit other than 0
	field := 0
	for i := range len(value) {
		c := value[i]
		switch {
		case i == 2 || i == 35 || i == 52:
			if c != '-' {
				return ""
			}
			field++
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f':
			digits[field] = digits[field] || c != '0'
		default:
			return ""
		}
	}
	if !digits[1] || !digits[2] {
		return ""
	}
	return value
}
