package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// keyring are the keys that admit. They can be replaced while requests are answered.
type keyring struct {
	keys atomic.Pointer[[]Key]

	mu      sync.Mutex // of replacing, and of:
	holders map[*holder]struct{}
}

// holder is a request that lasts, and how to end it.
type holder struct {
	key Key
	cut context.CancelFunc
}

func newKeyring(keys []Key) *keyring {
	k := &keyring{holders: map[*holder]struct{}{}}
	k.keys.Store(&keys)
	return k
}

// open reports that everybody may read.
func (k *keyring) open() bool { return len(*k.keys.Load()) == 0 }

// authenticate returns the key that the request carries, the zero key when none is configured. It looks at every key, and
// at the digest of whatever was sent, so that its time says nothing about how wrong a guess was.
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

// hold has cut called when the key is taken away. The caller calls release when its request is over.
func (k *keyring) hold(key Key, cut context.CancelFunc) (release func()) {
	h := &holder{key, cut}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.holders[h] = struct{}{}
	if keys := *k.keys.Load(); len(keys) > 0 && !slices.Contains(keys, key) {
		cut() // taken away since it was authenticated
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

// ReplaceKeys admits these keys and no others from now on. Streams that were opened with a key that is not among them end.
// It changes nothing and returns an error if there are none, which would let everybody in, if two share a secret, or if the
// API began without keys.
func (a *API) ReplaceKeys(keys []Key) error {
	if len(keys) == 0 || a.keys.open() {
		return errors.New("api: keys cannot be taken away altogether, or introduced, while the API is served")
	}
	if err := distinct(keys); err != nil {
		return err
	}
	a.keys.replace(slices.Clone(keys))
	return nil
}
