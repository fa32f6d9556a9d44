package list

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// TimeKey is the stored form of a time of a notification, for lists sorted by it: the bytes of keys
// compare as the times do. Nanoseconds in 64 bits would end in 2262, and a notification may have a
// time of any year. The empty key means an unknown time, and is before every time.
type TimeKey string

// timeKeyBytes is eight bytes for seconds and four for nanoseconds.
const timeKeyBytes = 12

const (
	beforeAllTimes TimeKey = "\x00" // but after the empty key
	afterAllTimes  TimeKey = "\xff\xff\xff\xff\xff\xff\xff\xff\xff"
)

// TimeKeyOf returns the key of a time.
func TimeKeyOf(t time.Time) TimeKey {
	var b [timeKeyBytes]byte
	// The sign bit is reversed: negative numbers come first.
	binary.BigEndian.PutUint64(b[:], uint64(t.Unix())^1<<63)
	binary.BigEndian.PutUint32(b[8:], uint32(t.Nanosecond()))
	return TimeKey(b[:])
}

// ModifiedKey returns the key of the time an order was modified.
func ModifiedKey(t time.Time, known bool) TimeKey {
	if !known {
		return ""
	}
	return TimeKeyOf(t)
}

// Value returns the key in the type that SQLite stores.
func (k TimeKey) Value() (driver.Value, error) { return []byte(k), nil }

// String returns the time in a readable form.
func (k TimeKey) String() string {
	switch len(k) {
	case 0:
		return "not known"
	case timeKeyBytes:
		seconds, nanoseconds := binary.BigEndian.Uint64([]byte(k[:8]))^1<<63, binary.BigEndian.Uint32([]byte(k[8:]))
		return statemachine.FormatTime(time.Unix(int64(seconds), int64(nanoseconds)))
	}
	return fmt.Sprintf("%x", string(k))
}

var (
	firstReceived = time.Unix(0, math.MinInt64+1)
	lastReceived  = time.Unix(0, math.MaxInt64)
)

// ReceivedKey returns the stored form of a time received: in nanoseconds, like the log. Times that
// the log cannot contain become the first or the last one.
func ReceivedKey(t time.Time) int64 {
	switch {
	case t.Before(firstReceived):
		return firstReceived.UnixNano()
	case t.After(lastReceived):
		return lastReceived.UnixNano()
	}
	return t.UnixNano()
}

// KeyRange is a range of stored times, both ends included.
type KeyRange[K int64 | TimeKey] struct{ First, Last K }

// Only returns the range that contains one key.
func Only[K int64 | TimeKey](key K) KeyRange[K] { return KeyRange[K]{key, key} }

// Widen makes the range contain the key.
func (r *KeyRange[K]) Widen(key K) { r.First, r.Last = min(r.First, key), max(r.Last, key) }

// Includes reports whether the key is in the range.
func (r KeyRange[K]) Includes(key K) bool { return r.First <= key && key <= r.Last }

func (p Period) given() bool { return p.Since != nil || p.Until != nil }

// received returns the period as a range of times received.
func (p Period) received() KeyRange[int64] {
	r := KeyRange[int64]{math.MinInt64, math.MaxInt64}
	if p.Since != nil {
		r.First = ReceivedKey(*p.Since)
	}
	if p.Until != nil {
		r.Last = ReceivedKey(*p.Until)
	}
	return r
}

// told returns the period as a range of times in notifications.
func (p Period) told() KeyRange[TimeKey] {
	r := KeyRange[TimeKey]{"", afterAllTimes}
	if p.given() {
		r.First = beforeAllTimes
	}
	if p.Since != nil {
		r.First = TimeKeyOf(*p.Since)
	}
	if p.Until != nil {
		r.Last = TimeKeyOf(*p.Until)
	}
	return r
}
