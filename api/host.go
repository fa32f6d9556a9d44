package api

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost returns a problem when the request was sent to another name than this machine's own. Without keys only loopback
// addresses are served, yet the page of any site can have its own name lead to one of them (DNS rebinding): for the browser
// that is the same origin then, which neither CORS nor the check of Origin stops. The name in Host still tells.
func checkHost(r *http.Request) error {
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && at.Network() == "unix" {
		return nil // no browser comes that way
	}
	if loopbackHost(r.Host) {
		return nil
	}
	return problem(codeMisdirected, "%q is not a name of this machine's loopback address. Without API keys only localhost, 127.0.0.1 "+
		"and [::1] are answered: ask by one of these, or configure a key with --api-key.", r.Host)
}

// loopbackHost reports whether host, with or without a port, is a loopback address, localhost or a name below it. A request
// without Host, which HTTP/1.0 allows and no browser sends, counts as one.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if at, err := netip.ParseAddr(host); err == nil {
		return at.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
