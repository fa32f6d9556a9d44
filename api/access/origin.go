package access

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	corsMethods = "GET, HEAD, POST, DELETE"
	corsSeconds = "600" // how long a browser may remember a preflight answer
)

var (
	// corsSends are headers that pages may send besides those given to Describe. Some streaming
	// libraries send Cache-Control.
	corsSends = []string{"Authorization", "Cache-Control", "Request-Id", "X-Request-Id"}
	// safelisted are the headers that every page may read (https://fetch.spec.whatwg.org).
	safelisted = []string{"Accept", "Cache-Control", "Content-Language", "Content-Length", "Content-Type", "Expires", "Last-Modified", "Pragma"}
)

// origins decides which pages of other sites may read answers and request changes.
type origins struct {
	allowed []string
	// sends and reads list the headers that pages may send and read. See Gate.Describe.
	sends, reads string
	// protection refuses changes that a page of another site requests. A browser sends a POST
	// without a preflight, and without keys nothing else would stop it.
	protection *http.CrossOriginProtection
}

// CheckOrigins returns an error that names the first invalid origin.
func CheckOrigins(allowed []string) error {
	_, err := newOrigins(allowed)
	return err
}

func newOrigins(allowed []string) (*origins, error) {
	o := &origins{allowed: allowed, protection: http.NewCrossOriginProtection()}
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

// headerList returns the names, each once, without those in without.
func headerList(names, without []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return slices.Contains(without, name) }), ", ")
}
