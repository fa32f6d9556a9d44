package access

import (
	"errors"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit is how much one caller may ask. The zero value is no limit.
type Limit struct {
	PerSecond float64 // requests, on average
	Burst     int     // at once; 0: what comes in a second, at least one
}

// Check returns an error when the limit makes no sense.
func (l Limit) Check() error {
	if l.PerSecond < 0 || math.IsNaN(l.PerSecond) || math.IsInf(l.PerSecond, 0) || l.Burst < 0 || l.Burst > 0 && l.PerSecond == 0 {
		return errors.New("api: the rate limit must be a number of requests per second, and a burst needs a rate")
	}
	return nil
}

// maxCallers bounds how many callers are remembered, twice over.
const maxCallers = 4096

// limiter counts requests by caller in bounded memory: when recent is full it becomes older, and what was
// older is forgotten, because none of those callers has asked since. A caller who is forgotten begins with
// a whole burst.
type limiter struct {
	limit Limit

	mu            sync.Mutex
	recent, older map[string]*rate.Limiter
}

func newLimiter(l Limit) *limiter {
	if l.Burst == 0 {
		l.Burst = max(1, int(min(l.PerSecond, math.MaxInt32)))
	}
	return &limiter{limit: l, recent: map[string]*rate.Limiter{}}
}

// admit counts a request of the caller and returns 0, or how long to wait before the next one has a chance.
func (l *limiter) admit(caller string, now time.Time) time.Duration {
	if l.limit.PerSecond == 0 {
		return 0
	}
	reservation := l.of(caller).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now) // a refused request uses up nothing
	}
	return wait
}

func (l *limiter) of(caller string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.recent[caller]; ok {
		return known
	}
	if len(l.recent) >= maxCallers {
		l.older, l.recent = l.recent, map[string]*rate.Limiter{}
	}
	known, ok := l.older[caller]
	if !ok {
		known = rate.NewLimiter(rate.Limit(l.limit.PerSecond), l.limit.Burst)
	}
	l.recent[caller] = known
	return known
}

// callerOf returns the name under which a request is counted: the key's, or without a key the address. Of an
// IPv6 address it is the /64, because one customer is given that many.
func callerOf(key Key, remoteAddr string) string {
	if key.Name != "" {
		return "key " + key.Name
	}
	at, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return remoteAddr // of a Unix socket
	}
	addr := at.Addr().Unmap()
	if addr.Is6() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
