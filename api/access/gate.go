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

// Options say who may ask. The zero value lets everybody ask, by the names of this machine's loopback
// addresses only.
type Options struct {
	Keys    []Key    // none: everybody may ask
	Limit   Limit    // of each key, or of each address without one; zero: none
	Origins []string // such as https://dashboard.example.com, whose pages a browser lets read answers; none
}

// Gate decides which requests are allowed. Its methods may be called from any goroutine, except for
// Describe, which comes first. Make one with New.
type Gate struct {
	keys    *keyring
	limiter *limiter
	origins *origins
}

// New returns a gate. It fails when two keys share a secret, the limit is none that can be kept, or an
// origin is none.
func New(o Options) (*Gate, error) {
	from, err := newOrigins(o.Origins)
	if err := errors.Join(distinct(o.Keys), o.Limit.Check(), err); err != nil {
		return nil, err
	}
	return &Gate{keys: newKeyring(o.Keys), limiter: newLimiter(o.Limit), origins: from}, nil
}

// Reason is why a request is refused.
type Reason int

// The reasons.
const (
	TooOften    Reason = iota + 1 // the caller is over the limit
	WrongHost                     // without keys, the request was sent to a name that is not this machine's own
	NoKey                         // the request carries no key that is configured
	ForeignPage                   // a page of another site asks for a change
	NotOperator                   // the key may not change anything
)

// Refusal occurs when a request is not allowed. Nothing was done for it, except that it was counted.
type Refusal struct {
	Reason Reason
	Wait   time.Duration // with TooOften: when the next request has a chance
	Limit  Limit         // with TooOften: that was exceeded
}

// Error returns the reason for a log; the answer to the caller is worded elsewhere.
func (r *Refusal) Error() string { return fmt.Sprintf("access: refused, reason %d", r.Reason) }

// Keys returns the keys that are allowed now. The caller does not change them.
func (g *Gate) Keys() []Key { return *g.keys.keys.Load() }

// Open reports whether no key is configured, so that everybody may ask.
func (g *Gate) Open() bool { return g.keys.open() }

// Allow counts the request and returns the key that it carries, the zero key if none is configured. The
// error is a *Refusal; the key is then the one that was refused, if it is known.
func (g *Gate) Allow(r *http.Request, now time.Time) (Key, error) {
	key, known := g.keys.authenticate(r)
	// Guesses are counted too, by address.
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

// Knows reports whether a probe, which is answered in any case, comes from a caller who is allowed, and
// returns the caller's key. A probe without a key is not counted. One with a key is: otherwise keys could
// be guessed by how the answer changes.
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

// Hold has cut called when the key is taken away. The caller calls release when the request is over.
func (g *Gate) Hold(key Key, cut context.CancelFunc) (release func()) { return g.keys.hold(key, cut) }

// ReplaceKeys allows these keys and no others from now on, and cuts what is held by a key that is not
// among them. It changes nothing and returns an error if there are none, which would let everybody in,
// if two share a secret, or if the gate began without keys.
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

// CheckExposure returns an error if everybody who reaches addr could read: with these keys everybody may
// ask, because there are none, and addr is neither a loopback address nor a Unix socket.
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

// Describe sets the headers that pages may send, and read, beside those that browsers allow in any case.
func (g *Gate) Describe(sends, reads []string) {
	g.origins.sends = headerList(append(slices.Clone(corsSends), sends...), nil)
	g.origins.reads = headerList(slices.Clone(reads), safelisted)
}

// Share adds the headers that let a page of an allowed origin read the answer, and answers the question
// that a browser sends before the request, without a key. done reports that the answer is complete.
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
