package platformtest

import (
	"net/http"
	"strconv"
	"time"
)

// Faults sets how often a [Server] fails: every n-th request; 0: never. The seed determines where
// counting begins. A request has at most one fault, the first one in the sequence of the fields. The
// zero value is a platform without faults.
type Faults struct {
	Token429Every, Token5xxEvery int // requests for a token

	API429Every int // requests other than those for a token, which are counted separately
	API5xxEvery int // 500, 502, 503 and 504 in turn
	CutEvery    int // the answer is cut off after the request took effect
	SlowEvery   int // the answer is delayed by SlowFor

	// RetryAfter is the value of the header Retry-After of a 429, alternating between seconds and a
	// date; 0: one second.
	RetryAfter time.Duration
	SlowFor    time.Duration // 0: two seconds
}

// fault is the fault of one request.
type fault int

const (
	noFault fault = iota
	tooMany
	broken
	cut
	slow
)

// ways counts requests to determine which ones have a fault.
type ways struct {
	faults Faults
	phase  uint64
	seen   [2]uint64     // requests for a token, and others
	turns  [slow + 1]int // how often each fault occurred
}

func newWays(f Faults, seed uint64) ways {
	if f.RetryAfter == 0 {
		f.RetryAfter = time.Second
	}
	if f.SlowFor == 0 {
		f.SlowFor = 2 * time.Second
	}
	return ways{faults: f, phase: scramble(seed) >> 1}
}

// next returns the fault of the next request, and how often that fault has occurred before.
func (w *ways) next(isToken bool) (fault, int) {
	f, kind := w.faults, 1
	every := [...]struct {
		fault
		n int
	}{{tooMany, f.API429Every}, {broken, f.API5xxEvery}, {cut, f.CutEvery}, {slow, f.SlowEvery}}
	candidates := every[:]
	if isToken {
		kind = 0
		every[0].n, every[1].n = f.Token429Every, f.Token5xxEvery
		candidates = every[:2]
	}
	w.seen[kind]++
	for i, e := range candidates {
		// Each fault has its own phase; otherwise faults with a common divisor would hide each
		// other.
		if e.n > 0 && (w.seen[kind]+w.phase+uint64(i))%uint64(e.n) == 0 {
			w.turns[e.fault]++
			return e.fault, w.turns[e.fault] - 1
		}
	}
	return noFault, 0
}

// refusal returns the answer that replaces the right one, and false if the fault does not replace it.
func (s *Server) refusal(f fault, turn int) (reply, bool) {
	switch f {
	case tooMany:
		wait := s.ways.faults.RetryAfter
		r := s.message(http.StatusTooManyRequests, "too many requests")
		if turn%2 == 0 {
			seconds := (wait + time.Second - 1) / time.Second
			r.retryAfter = strconv.FormatInt(int64(seconds), 10)
		} else {
			r.retryAfter = s.now().Add(wait + time.Second - 1).UTC().Format(http.TimeFormat)
		}
		return r, true
	case broken:
		codes := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
		return s.message(codes[turn%len(codes)], "something went wrong"), true
	}
	return reply{}, false
}
