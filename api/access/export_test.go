package access

import (
	"net/netip"
	"time"
)

// Remembered counts requests of the given number of callers. It returns how many of them the limiter
// remembers, and a function that counts another request of a caller.
func Remembered(callers int) (remembered int, known func(caller string) (wait time.Duration)) {
	l := newLimiter(Limit{PerSecond: 0.001, Burst: 1})
	now := time.Now()
	name := func(i int) string {
		return callerOf(Key{}, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1).String())
	}
	for i := range callers {
		l.admit(name(i), now)
		l.admit("often", now)
	}
	return len(l.recent) + len(l.older), func(caller string) time.Duration { return l.admit(caller, now) }
}

// CallerOf is callerOf.
var CallerOf = callerOf

// MaxCallers is maxCallers.
const MaxCallers = maxCallers
