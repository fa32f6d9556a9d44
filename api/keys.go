package api

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Role is what a key may do.
type Role string

// The roles: a reader reads, an operator may also rebuild and redrive.
const (
	Reader   Role = "reader"
	Operator Role = "operator"
)

// Key admits a caller. It keeps a digest, so that no log or dump can show the secret.
type Key struct {
	Name   string // of the caller, for the access log
	Role   Role
	digest [sha256.Size]byte
}

// ParseKey reads "name:role:key"; the key itself may hold colons. Errors never repeat the text.
func ParseKey(text string) (Key, error) {
	name, rest, _ := strings.Cut(text, ":")
	role, secret, found := strings.Cut(rest, ":")
	switch {
	case !found:
		return Key{}, errors.New("api: a key is written name:role:key, with reader or operator as the role")
	case name == "" || strings.ContainsFunc(name, unprintable):
		return Key{}, errors.New("api: the name of a key must be printable and without spaces")
	case role != string(Reader) && role != string(Operator):
		return Key{}, fmt.Errorf("api: the role of key %q must be %s or %s", name, Reader, Operator)
	case secret == "" || strings.ContainsFunc(secret, unprintable):
		return Key{}, fmt.Errorf("api: the secret of key %q must be printable ASCII without spaces, to be sent in a header", name)
	}
	return Key{Name: name, Role: Role(role), digest: sha256.Sum256([]byte(secret))}, nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// CheckExposure returns an error if whoever reaches addr could read without a key: there is none, and addr is neither a
// loopback address nor a Unix socket.
func CheckExposure(addr net.Addr, keys []Key) error {
	if len(keys) > 0 || addr.Network() == "unix" {
		return nil
	}
	if at, err := netip.ParseAddrPort(addr.String()); err == nil && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("api: anybody could read orders at %s: "+
		"set --api-key name:role:key, or listen on a loopback address such as 127.0.0.1", addr)
}

// distinct returns an error when two keys have the same secret: which name did it would be a guess.
func distinct(keys []Key) error {
	seen := make(map[[sha256.Size]byte]string, len(keys))
	for _, k := range keys {
		if other, found := seen[k.digest]; found {
			return fmt.Errorf("api: the keys %q and %q have the same secret", other, k.Name)
		}
		seen[k.digest] = k.Name
	}
	return nil
}
