package receiver

import "sync"

// budget bounds the memory of bodies that are being read or wait for the log. Each request that holds
// a place has its own share, so that a small notification is never refused because of large ones. A
// body larger than its share takes the rest from a pool.
type budget struct {
	share int64 // bytes
	pool  int64 // bytes, of all bodies together

	mu   sync.Mutex
	used int64 // of the pool
}

// newBudget divides bytes: a quarter becomes the shares of the places, the rest becomes the pool.
func newBudget(bytes int64, places int) *budget {
	share := bytes / 4 / int64(places)
	return &budget{share: share, pool: bytes - share*int64(places)}
}

// reservation is the memory of one body. Its methods are for one goroutine.
type reservation struct {
	budget *budget
	held   int64 // of the pool
}

// grow reserves size bytes in all for the body, and reports whether it could. A body larger than
// the whole pool gets its memory when no other body uses the pool.
func (r *reservation) grow(size int64) bool {
	b := r.budget
	more := size - b.share - r.held
	if more <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+more > b.pool && b.used > r.held {
		return false
	}
	b.used += more
	r.held += more
	return true
}

// release frees the memory of the body.
func (r *reservation) release() {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= r.held
	r.held = 0
}

// taken returns how many bytes of the pool are in use.
func (b *budget) taken() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return float64(b.used)
}
