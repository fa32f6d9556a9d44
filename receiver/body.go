package receiver

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// minRead is the smallest buffer for a body, in bytes.
const minRead = 512

// readBody reads the whole body, or returns the answer that reports why the body cannot be read.
// Memory is reserved before it is used: first the share of one request, so that a client that sends
// almost nothing holds no more, then the Content-Length or, if the body is chunked, double the
// previous size.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, room *reservation) ([]byte, *answer) {
	most := limit + 1 // one byte more shows that the body is too large
	source := io.Reader(http.MaxBytesReader(w, r.Body, limit))
	if r.ContentLength >= 0 {
		most, source = r.ContentLength, r.Body // net/http reads at most that much
	}
	body := make([]byte, 0, min(most, max(room.budget.share, minRead)))
	for int64(len(body)) < most {
		if len(body) == cap(body) {
			size := min(2*int64(cap(body)), most)
			if r.ContentLength >= 0 {
				size = most
			}
			if !room.grow(size) {
				return nil, busy()
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := source.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) && (r.ContentLength < 0 || int64(len(body)) == most) {
			break
		}
		if err != nil {
			return nil, unreadable(err, limit)
		}
	}
	if len(body) == 0 {
		return nil, &answer{status: http.StatusBadRequest, kind: "EMPTY_BODY", message: "the body is empty; nothing was stored"}
	}
	return body, nil
}

// busy returns the answer to a request for which there is no place or no memory.
func busy() *answer {
	return &answer{status: http.StatusServiceUnavailable, kind: "BUSY",
		message: "too many requests are waiting; send the notification again"}
}

// unreadable returns the answer to a body that cannot be read completely.
func unreadable(err error, limit int64) *answer {
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(limit, false)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &answer{status: http.StatusBadRequest, kind: "TOO_SLOW", err: err, torn: true,
			message: "the body did not arrive in time; nothing was stored"}
	}
	return &answer{status: http.StatusBadRequest, kind: "CUT_SHORT", err: err, torn: true,
		message: "the body ended early or is badly framed; nothing was stored"}
}
