package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// keyring contains the allowed keys. They can be replaced while requests are being answered.
type keyring struct {
	keys atomic.Pointer[[]Key]

	mu      sync.Mutex // guards holders, and is held while keys are replaced
	holders map[*holder]struct{}
}

// holder is a long request: its key, and the function that ends it.
type holder struct {
	key Key
	cut context.CancelFunc
}

func newKeyring(keys []Key) *keyring {
	k := &keyring{holders: map[*holder]struct{}{}}
	k.keys.Store(&keys)
	return k
}

// open reports whether there are no keys, so that every caller is allowed.
func (k *keyring) open() bool { return len(*k.keys.Load()) == 0 }

// authenticate returns the key of the request, or the zero key if no keys are configured. It compares the
// digest of the secret with every key, so that its duration does not depend on how close a guess is.
func (k *keyring) authenticate(r *http.Request) (Key, bool) {
	keys := *k.keys.Load()
	if len(keys) == 0 {
		return Key{}, true
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	digest := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var key Key
	found := 0
	for i := range keys {
		same := subtle.ConstantTimeCompare(digest[:], keys[i].digest[:])
		if same == 1 {
			key = keys[i]
		}
		found |= same
	}
	if found == 0 || !strings.EqualFold(scheme, "Bearer") {
		return Key{}, false
	}
	return key, true
}

// hold implements Gate.Hold.
func (k *keyring) hold(key Key, cut context.CancelFunc) (release func()) {
	h := &holder{key, cut}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.holders[h] = struct{}{}
	if keys := *k.keys.Load(); len(keys) > 0 && !slices.Contains(keys, key) {
		cut() // the key was removed after it was authenticated
	}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.holders, h)
	}
}

func (k *keyring) replace(keys []Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys.Store(&keys)
	for h := range k.holders {
		if !slices.Contains(keys, h.key) {
			h.cut()
		}
	}
}
