package receiver

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	healthPath = "/healthz"
	readyPath  = "/readyz"

	// askPatience bounds the time to ask the log whether it would store a record.
	askPatience = 2 * time.Second
	// askInterval is the least time between two such questions, because anyone may request /readyz.
	askInterval = 250 * time.Millisecond
)

// acceptance is the last answer of the log, so that it is not asked for every request.
type acceptance struct {
	mu      sync.Mutex
	at      time.Time
	refuses error
}

// readiness is the body of an answer to /readyz.
type readiness struct {
	AcceptsNotifications bool   `json:"acceptsNotifications"`
	Reason               string `json:"reason,omitempty"`
}

// answerHealth answers GET and HEAD of /healthz and /readyz. It returns false for any other request.
func (rc *Receiver) answerHealth(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch r.URL.Path {
	case healthPath: // a process that cannot store records must not be killed for that
		writeHealth(w, http.StatusOK, map[string]bool{"alive": true})
	case readyPath:
		refuses := rc.refuses(r.Context())
		body, status := readiness{AcceptsNotifications: refuses == nil}, http.StatusOK
		if refuses != nil {
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "1")
		}
		if refuses != nil && authorized(rc.options.Auth, r.Header.Get) { // only a caller with the credentials gets the reason
			body.Reason = refuses.Error()
		}
		writeHealth(w, status, body)
	default:
		return false
	}
	return true
}

// refuses returns why the log would not store a notification, or nil if it would.
func (rc *Receiver) refuses(ctx context.Context) error {
	a := &rc.acceptance
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.at) > askInterval {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askPatience)
		defer cancel()
		a.refuses, a.at = rc.options.Log.Refuses(ctx), time.Now()
	}
	return a.refuses
}

func writeHealth(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // booleans and strings always marshal
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) // fails only if the client is gone
}
