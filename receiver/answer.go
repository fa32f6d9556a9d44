package receiver

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// answer is the answer to one request. Status 200 has no kind.
type answer struct {
	status   int
	kind     string // responseType: a stable code for each case
	message  string
	allow    string // the allowed methods, for 405
	sequence uint64 // of the stored record; 0: not stored
	err      error  // only for the receiver's own log lines
	unread   bool   // decided before the body was read
	torn     bool   // the body could not be read completely
}

// errorMessage has the form of the platform's errors.
type errorMessage struct {
	Message      string `json:"message"`
	ResponseType string `json:"responseType"`
	RequestID    string `json:"requestId"`
}

func (a answer) write(w http.ResponseWriter, requestID string) {
	h := w.Header()
	h.Set("Request-Id", requestID)
	if a.sequence != 0 {
		h.Set("Log-Sequence", strconv.FormatUint(a.sequence, 10))
	}
	if a.status == http.StatusOK {
		return
	}
	if a.allow != "" {
		h.Set("Allow", a.allow)
	}
	if a.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	body, err := json.Marshal(errorMessage{Message: a.message, ResponseType: a.kind, RequestID: requestID})
	if err != nil {
		panic(err) // strings always marshal
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body))) // the answer is flushed before the handler returns
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // fails only if the client is gone; the answer is already counted and logged
}
