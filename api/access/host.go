package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ownHost reports whether the request was sent to a name of this machine. Without keys, only
// loopback addresses are served, but any site can point its own name to one of them (DNS
// rebinding). The browser treats that as the same origin, so neither CORS nor the check of Origin
// stops it; only the name in Host shows it.
func ownHost(r *http.Request) bool {
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && at.Network() == "unix" {
		return true // a browser does not connect to a Unix socket
	}
	return loopbackHost(r.Host)
}

// loopbackHost reports whether host, with or without a port, is a loopback address, localhost or a
// name below it. A request without Host, which HTTP/1.0 allows and no browser sends, counts as one.
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
