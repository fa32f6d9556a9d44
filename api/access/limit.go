package access

import (
	"errors"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit bounds the requests of one caller. The zero value means no limit.
type Limit struct {
	PerSecond float64 // average requests per second
	Burst     int     // maximum number at once; 0: the requests of one second, at least one
}

// Check returns an error if the limit is invalid.
func (l Limit) Check() error {
	if l.PerSecond < 0 || math.IsNaN(l.PerSecond) || math.IsInf(l.PerSecond, 0) || l.Burst < 0 || l.Burst > 0 && l.PerSecond == 0 {
		return errors.New("api: the rate limit must be a number of requests per second, and a burst needs a rate")
	}
	return nil
}

// maxCallers bounds the number of callers in each of the two maps of a limiter.
const maxCallers = 4096

// limiter counts requests by caller in bounded memory. When recent is full it becomes older, and the
// callers that are only in the previous older are forgotten, because they have sent no request since. A
// forgotten caller begins with a whole burst.
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

// admit counts a request of the caller and returns 0, or the time until the next request can
// succeed.
func (l *limiter) admit(caller string, now time.Time) time.Duration {
	if l.limit.PerSecond == 0 {
		return 0
	}
	reservation := l.of(caller).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now) // a refused request does not count
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

// callerOf returns the name under which a request is counted: that of the key or, without a key,
// the address. For an IPv6 address it is the /64, because one customer usually has all of its addresses.
func callerOf(key Key, remoteAddr string) string {
	if key.Name != "" {
		return "key " + key.Name
	}
	at, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return remoteAddr // a Unix socket
	}
	addr := at.Addr().Unmap()
	if addr.Is6() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
