package access

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// Options configure a Gate. The zero value allows every request that is sent to a loopback name of this
// machine.
type Options struct {
	Keys  []Key // none: every caller is allowed
	Limit Limit // for each key, or for each address without a key; zero: no limit
	// Origins are the origins, such as https://dashboard.example.com, whose pages may read answers
	// in a browser; nil: none.
	Origins []string
}

// Gate decides which requests are allowed. Its methods are safe for concurrent use, except Describe, which
// must be called first. Create one with New.
type Gate struct {
	keys    *keyring
	limiter *limiter
	origins *origins
}

// New returns a gate. It fails if two keys share a secret, or the limit or an origin is invalid.
func New(o Options) (*Gate, error) {
	from, err := newOrigins(o.Origins)
	if err := errors.Join(distinct(o.Keys), o.Limit.Check(), err); err != nil {
		return nil, err
	}
	return &Gate{keys: newKeyring(o.Keys), limiter: newLimiter(o.Limit), origins: from}, nil
}

// Reason is why a request is refused.
type Reason int

// The reasons for a refusal.
const (
	TooOften Reason = iota + 1 // the caller is over the limit
	// WrongHost: no keys are configured, and the request was sent to a name that is not a loopback name
	// of this machine.
	WrongHost
	NoKey       // the request has no key, or an unknown one
	ForeignPage // a page of another site requests a change
	NotOperator // the key may not change anything
)

// Refusal is the error for a request that is not allowed.
type Refusal struct {
	Reason Reason
	Wait   time.Duration // with TooOften: after this time the next request may be allowed
	Limit  Limit         // with TooOften: the limit that was exceeded
}

// Error returns the number of the reason, for logs. Package api words the answer to the caller.
func (r *Refusal) Error() string { return fmt.Sprintf("access: refused, reason %d", r.Reason) }

// Keys returns the keys that are currently allowed. The caller must not change them.
func (g *Gate) Keys() []Key { return *g.keys.keys.Load() }

// Open reports whether no key is configured, so that every caller is allowed.
func (g *Gate) Open() bool { return g.keys.open() }

// Allow counts the request and returns its key, or the zero key if no keys are configured. The
// error is a *Refusal; the key is then the refused one, if it is known.
func (g *Gate) Allow(r *http.Request, now time.Time) (Key, error) {
	key, known := g.keys.authenticate(r)
	// Requests with a wrong key are counted, too, by address.
	if wait := g.limiter.admit(callerOf(key, r.RemoteAddr), now); wait > 0 {
		return key, &Refusal{Reason: TooOften, Wait: wait, Limit: g.limiter.limit}
	}
	if g.Open() && !ownHost(r) {
		return key, &Refusal{Reason: WrongHost}
	}
	if !known {
		return key, &Refusal{Reason: NoKey}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return key, nil
	}
	if g.origins.protection.Check(r) != nil {
		return key, &Refusal{Reason: ForeignPage}
	}
	if key.Role != Operator && !g.Open() {
		return key, &Refusal{Reason: NotOperator}
	}
	return key, nil
}

// Knows reports whether a health probe, which is always answered, comes from an allowed caller, and returns
// the key of the caller. A probe without a key is not counted. A probe with a key is counted, because
// otherwise probes could be used to guess keys.
func (g *Gate) Knows(r *http.Request, now time.Time) (Key, bool) {
	if g.Open() {
		return Key{}, ownHost(r)
	}
	if r.Header.Get("Authorization") == "" {
		return Key{}, false
	}
	key, err := g.Allow(r, now)
	return key, err == nil
}

// Hold registers a long request: cut is called when the key is removed. The caller must call release when
// the request has ended.
func (g *Gate) Hold(key Key, cut context.CancelFunc) (release func()) { return g.keys.hold(key, cut) }

// ReplaceKeys replaces the allowed keys, and cuts the requests that Hold registered with other keys. It
// returns an error and changes nothing if keys is empty, which would allow every caller, if two keys have
// the same secret, or if the gate was created without keys.
func (g *Gate) ReplaceKeys(keys []Key) error {
	if len(keys) == 0 || g.Open() {
		return errors.New("api: keys cannot be removed altogether, or introduced, while the API is running")
	}
	if err := distinct(keys); err != nil {
		return err
	}
	g.keys.replace(slices.Clone(keys))
	return nil
}

// CheckExposure returns an error if there are no keys and addr is neither a loopback address nor a Unix
// socket, because anyone who reaches addr could read orders.
func CheckExposure(addr net.Addr, keys []Key) error {
	if len(keys) > 0 || addr.Network() == "unix" {
		return nil
	}
	if at, err := netip.ParseAddrPort(addr.String()); err == nil && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("api: everyone could read orders at %s: "+
		"set --api-key name:role:key, or listen on a loopback address such as 127.0.0.1", addr)
}

// Describe sets the headers that pages may send and read, besides those that browsers always allow.
func (g *Gate) Describe(sends, reads []string) {
	g.origins.sends = headerList(append(slices.Clone(corsSends), sends...), nil)
	g.origins.reads = headerList(slices.Clone(reads), safelisted)
}

// Share adds the headers that allow a page of an allowed origin to read the answer. It also answers
// the preflight request, which a browser sends without a key. done reports whether the answer is
// complete.
func (g *Gate) Share(w http.ResponseWriter, r *http.Request) (done bool) {
	o := g.origins
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
	h.Set("Access-Control-Expose-Headers", o.reads)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", o.sends)
	h.Set("Access-Control-Max-Age", corsSeconds)
	w.WriteHeader(http.StatusNoContent)
	return true
}
