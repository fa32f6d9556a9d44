package api

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// prefixKey is the key under which the prefix of an API is left for the code that writes problems.
const prefixKey = "prefix"

// outside is a path that does not exist.
const outside = "/outside-of-the-prefix"

var segments = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// CheckPrefix returns an error if the text cannot be a prefix of every path. A prefix is empty, or
// it begins with a slash, does not end with one, and contains nothing that needs escaping.
func CheckPrefix(prefix string) error {
	if prefix != "" && (!segments.MatchString(prefix) || path.Clean(prefix) != prefix) {
		return fmt.Errorf("api: %q is not a path prefix such as /orders-api: it must begin with a slash, must not end with one, and may contain letters, "+
			"digits and . _ ~ - between slashes", prefix)
	}
	return nil
}

// within returns the request without the prefix. Probes and the scraper of metrics may leave the
// prefix out, because they do not come through the proxy that adds it. done reports whether the
// request has been answered.
func (a *API) within(w http.ResponseWriter, r *http.Request) (inner *http.Request, done bool) {
	if a.prefix == "" {
		return r, false
	}
	switch r.URL.Path {
	case healthPath, readyPath, metricsPath:
		return r, false
	case a.prefix: // the addresses in a page are relative to the folder
		target := url.URL{Path: a.prefix + "/", RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, target.String(), http.StatusPermanentRedirect)
		return nil, true
	}
	inner = new(http.Request)
	*inner = *r
	inner.URL = new(url.URL)
	*inner.URL = *r.URL
	inner.URL.Path, inner.URL.RawPath = cutPrefix(r.URL.Path, a.prefix), cutPrefix(r.URL.RawPath, a.prefix)
	if inner.URL.Path == "" {
		inner.URL.Path, inner.URL.RawPath = outside, ""
	}
	return inner, false
}

// cutPrefix returns the part of the path below the prefix, or "" if the path is elsewhere.
func cutPrefix(text, prefix string) string {
	if rest, found := strings.CutPrefix(text, prefix); found && strings.HasPrefix(rest, "/") {
		return rest
	}
	return ""
}

// links matches the paths of the API in a sentence.
var links = regexp.MustCompile(`(^|[\s("])(/v1/|/openapi\.json|/metrics)`)

// linked adds the prefix to the paths in a sentence.
func linked(text, prefix string) string {
	if prefix == "" {
		return text
	}
	return links.ReplaceAllString(text, "${1}"+prefix+"${2}")
}
