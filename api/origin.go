package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// What a page of an allowed origin may send and read beside what every page may.
const (
	corsMethods = "GET, HEAD, POST, DELETE"
	corsSends   = "Authorization, If-None-Match, Last-Event-ID, Prefer, Request-Id, X-Request-Id"
	corsReads   = "Log-Sequence, ETag, Request-Id, Retry-After, Allow, Notification-Sequence, Notification-Received-At, " +
		"Notification-Source, Notification-Object, Notification-Request-Id"
	corsSeconds = "600" // a browser may remember a preflight
)

// origins tells which pages of other sites a browser may let in.
type origins struct {
	allowed []string
	// protection refuses to let a page of another site change anything: a browser sends a POST without asking first, and
	// without keys nothing else would stop it.
	protection *http.CrossOriginProtection
}

// CheckOrigins returns an error that names the first one that is no origin.
func CheckOrigins(allowed []string) error {
	_, err := newOrigins(allowed)
	return err
}

func newOrigins(allowed []string) (*origins, error) {
	o := &origins{allowed, http.NewCrossOriginProtection()}
	for _, origin := range allowed {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || origin != u.Scheme+"://"+strings.ToLower(u.Host) {
			return nil, fmt.Errorf("api: %q is not an origin such as https://dashboard.example.com, exactly as browsers send it: "+
				"no path, no wildcard", origin)
		}
		if err := o.protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("api: origin %q: %w", origin, err)
		}
	}
	return o, nil
}

// share tells the browser that a page of an allowed origin may read the answer, and answers its question before the
// request: that comes without a key. done reports that nothing more is to be answered.
func (o *origins) share(r *http.Request, w *echo.Response) (done bool) {
	if len(o.allowed) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(o.allowed, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsReads)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsSends)
	h.Set("Access-Control-Max-Age", corsSeconds)
	w.WriteHeader(http.StatusNoContent)
	return true
}

// refuse returns a problem when a page of another site wants to change something.
func (o *origins) refuse(r *http.Request) error {
	if err := o.protection.Check(r); err != nil {
		return problem(codeForbidden, "A page of another site may not change anything here, unless its origin is allowed with --api-cors-origin.")
	}
	return nil
}
