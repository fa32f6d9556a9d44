package access

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// Role determines what a key allows.
type Role string

// The roles. A reader reads; an operator may also rebuild and redrive.
const (
	Reader   Role = "reader"
	Operator Role = "operator"
)

// Key identifies a caller. It contains only a digest of the secret, so that no log or dump can reveal it.
type Key struct {
	Name   string // name of the caller, for the access log
	Role   Role
	digest [sha256.Size]byte
}

// ParseKey parses "name:role:key"; the key itself may contain colons. Errors never repeat the text.
func ParseKey(text string) (Key, error) {
	name, rest, _ := strings.Cut(text, ":")
	role, secret, found := strings.Cut(rest, ":")
	switch {
	case !found:
		return Key{}, errors.New("api: a key has the form name:role:key, with reader or operator as the role")
	case name == "" || strings.ContainsFunc(name, unprintable):
		return Key{}, errors.New("api: the name of a key must be printable and without spaces")
	case role != string(Reader) && role != string(Operator):
		return Key{}, fmt.Errorf("api: the role of key %q must be %s or %s", name, Reader, Operator)
	case secret == "" || strings.ContainsFunc(secret, unprintable):
		return Key{}, fmt.Errorf("api: the secret of key %q must be printable ASCII without spaces, so that it can be sent in a header", name)
	}
	return Key{Name: name, Role: Role(role), digest: sha256.Sum256([]byte(secret))}, nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// distinct returns an error if two keys have the same secret, because the name in the access log would then
// be ambiguous.
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
