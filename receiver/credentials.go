package receiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Credentials are headers, all of which a request must contain with the right values. Only digests
// of the values are kept. The zero value names no header and is refused by New.
type Credentials struct {
	headers []header
}

type header struct {
	name   string // canonical
	digest [sha256.Size]byte
}

// ParseCredentials parses "api-key=secret", or several headers as "api-key=a,x-tenant=b". Space
// around names and values is ignored; a value may contain "=" but no comma. The error contains the
// number of the invalid part, but none of the text, which may be a secret.
func ParseCredentials(text string) (Credentials, error) {
	var c Credentials
	for i, part := range strings.Split(text, ",") {
		name, value, found := strings.Cut(part, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !found:
			return Credentials{}, fmt.Errorf("receiver: credentials: part %d is not of the form header=secret (a secret cannot contain a comma)", i+1)
		case !isToken(name):
			return Credentials{}, fmt.Errorf("receiver: credentials: part %d does not begin with the name of a header", i+1)
		case value == "" || !isPrintable(value):
			return Credentials{}, fmt.Errorf("receiver: credentials: the secret of part %d is empty or not printable ASCII", i+1)
		}
		h := header{name: http.CanonicalHeaderKey(name), digest: sha256.Sum256([]byte(value))}
		if slices.ContainsFunc(c.headers, func(other header) bool { return other.name == h.name }) {
			return Credentials{}, fmt.Errorf("receiver: credentials: part %d repeats the header of an earlier one", i+1)
		}
		c.headers = append(c.headers, h)
	}
	return c, nil
}

// String returns the names of the headers.
func (c Credentials) String() string {
	names := make([]string, len(c.headers))
	for i, h := range c.headers {
		names[i] = h.name
	}
	return strings.Join(names, ",")
}

// authorized reports whether all headers of any entry of auth match. If auth is empty, it returns
// true. It compares the digests of every header of every entry, so that its duration does not reveal
// which entry or header, or how much of a value, was right.
func authorized(auth []Credentials, get func(name string) string) bool {
	anyEntry := 0
	for _, c := range auth {
		all := 1
		for _, h := range c.headers {
			digest := sha256.Sum256([]byte(get(h.name)))
			all &= subtle.ConstantTimeCompare(digest[:], h.digest[:])
		}
		anyEntry |= all
	}
	return anyEntry == 1 || len(auth) == 0
}

// CheckExposure returns an error if auth is empty and addr is neither a loopback address nor a Unix
// socket, because anyone who reaches addr could post.
func CheckExposure(addr net.Addr, auth []Credentials) error {
	if len(auth) > 0 || addr.Network() == "unix" {
		return nil
	}
	if at, err := netip.ParseAddrPort(addr.String()); err == nil && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("receiver: anyone could post to %s: "+
		"set --webhook-auth 'header=secret', or listen on a loopback address such as 127.0.0.1", addr)
}

func checkCredentials(auth []Credentials) error {
	for _, c := range auth {
		if len(c.headers) == 0 {
			return errors.New("receiver: credentials without a header would admit everyone")
		}
	}
	return nil
}

// isToken reports whether s can be the name of a header (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// isPrintable reports whether s contains only printable ASCII, including space.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
