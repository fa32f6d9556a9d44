package receiver

import "sync"

// budget bounds the memory that bodies take while they are read or wait for the log. Each request that has a place may use a share that
// is its own, so that a small notification is never refused for the sake of large ones. What a body needs beyond it comes out of a pool.
type budget struct {
	share int64 // bytes
	pool  int64 // bytes, of all bodies together

	mu   sync.Mutex
	used int64 // of the pool
}

// newBudget divides the bytes: a quarter are shares, the rest is the pool.
func newBudget(bytes int64, places int) *budget {
	share := bytes / 4 / int64(places)
	return &budget{share: share, pool: bytes - share*int64(places)}
}

// reservation is what one body has of a budget. Its methods are for one goroutine.
type reservation struct {
	budget *budget
	held   int64 // of the pool
}

// grow reports whether the body may have so many bytes, and takes what it does not have of them yet. A body that is larger than the whole
// pool may have them when no other one has anything of the pool.
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

// release gives back what the body has.
func (r *reservation) release() {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= r.held
	r.held = 0
}

// taken is how many bytes of the pool are in use.
func (b *budget) taken() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return float64(b.used)
}
