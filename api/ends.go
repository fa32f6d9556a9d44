package api

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// An answer that is cut short must not look complete. HTTP/1.1 ends a body of unknown length with a
// final chunk. HTTP/1.0 ends it by closing the connection, which looks the same as a cut. So an
// HTTP/1.0 client gets the length first, and no answer whose length is unknown. Only the stream of
// changes is the same for all clients: it has no end, and its events show where they are complete.

// announced holds an answer back until it is complete, and sends it with its length.
type announced struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// serveAnnounced serves the answer of h with its length. If the handler aborts, nothing is sent.
func serveAnnounced(h http.Handler, w http.ResponseWriter, r *http.Request) {
	a := &announced{ResponseWriter: w}
	h.ServeHTTP(a, r)
	if a.status != http.StatusNotModified && a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(max(a.status, http.StatusOK))
	_, _ = w.Write(a.body.Bytes()) // it does not matter whether the client still reads
}

// WriteHeader keeps the first status.
func (a *announced) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write adds a part to the body that is held back.
func (a *announced) Write(part []byte) (int, error) { return a.body.Write(part) }

// refuseExports refuses an export to a client that could mistake a part of it for the whole.
func refuseExports(ctx huma.Context, next func(huma.Context)) {
	c := echoOf(ctx)
	r := c.Request()
	in := ordersInput{Format: r.URL.Query().Get("format"), Accept: r.Header.Get("Accept")}
	if f := in.form(); (f == asCSV || f == asNDJSON) && !endsAreTold(r) {
		answer(c, problem(codeHTTPVersion, "An export has no length in advance, and an HTTP/1.0 client or proxy could mistake a part of it for "+
			"the whole. Use HTTP/1.1; an nginx proxy in between needs proxy_http_version 1.1. Or read the list in pages of JSON."))
		return
	}
	next(ctx)
}

// endsAreTold reports whether the client, and each proxy that names itself, speaks at least
// HTTP/1.1.
func endsAreTold(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return false
	}
	for hop := range strings.SplitSeq(strings.Join(r.Header.Values("Via"), ","), ",") {
		protocol, _, _ := strings.Cut(strings.TrimSpace(hop), " ")
		if strings.TrimPrefix(protocol, "HTTP/") == "1.0" {
			return false
		}
	}
	return true
}
