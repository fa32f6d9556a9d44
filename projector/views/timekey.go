package views

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// timeKey is how a time of a notification is stored, for lists are sorted by it: keys compare as bytes as the times do. Nanoseconds in
// 64 bits would end in 2262, and a notification may have a time of any year. The empty key is before every time, and stands for
// one that is not known.
type timeKey string

// timeKeyBytes are eight for seconds, and four for nanoseconds.
const timeKeyBytes = 12

const (
	beforeAllTimes timeKey = "\x00" // and after the empty key
	afterAllTimes  timeKey = "\xff\xff\xff\xff\xff\xff\xff\xff\xff"
)

func timeKeyOf(t time.Time) timeKey {
	var b [timeKeyBytes]byte
	binary.BigEndian.PutUint64(b[:], uint64(t.Unix())^1<<63) // the sign bit is reversed: negative numbers come first
	binary.BigEndian.PutUint32(b[8:], uint32(t.Nanosecond()))
	return timeKey(b[:])
}

// modifiedKey is that of the time an order was modified.
func modifiedKey(t time.Time, known bool) timeKey {
	if !known {
		return ""
	}
	return timeKeyOf(t)
}

// Value returns the key as SQLite takes it.
func (k timeKey) Value() (driver.Value, error) { return []byte(k), nil }

// String returns the time, as a person reads it.
func (k timeKey) String() string {
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

// receivedKey is how a time received is stored: in nanoseconds, as the log has it. Times before and after all that the log can
// have count as the first and the last one.
func receivedKey(t time.Time) int64 {
	switch {
	case t.Before(firstReceived):
		return firstReceived.UnixNano()
	case t.After(lastReceived):
		return lastReceived.UnixNano()
	}
	return t.UnixNano()
}

// keyRange is a range of times as they are stored, both ends included.
type keyRange[K int64 | timeKey] struct{ first, last K }

// only is the range of one key.
func only[K int64 | timeKey](key K) keyRange[K] { return keyRange[K]{key, key} }

func (r *keyRange[K]) widen(key K) { r.first, r.last = min(r.first, key), max(r.last, key) }

func (r keyRange[K]) includes(key K) bool { return r.first <= key && key <= r.last }

func (p Period) given() bool { return p.Since != nil || p.Until != nil }

// received is the period as a range of times received.
func (p Period) received() keyRange[int64] {
	r := keyRange[int64]{math.MinInt64, math.MaxInt64}
	if p.Since != nil {
		r.first = receivedKey(*p.Since)
	}
	if p.Until != nil {
		r.last = receivedKey(*p.Until)
	}
	return r
}

// told is the period as a range of times that notifications told.
func (p Period) told() keyRange[timeKey] {
	r := keyRange[timeKey]{"", afterAllTimes}
	if p.given() {
		r.first = beforeAllTimes
	}
	if p.Since != nil {
		r.first = timeKeyOf(*p.Since)
	}
	if p.Until != nil {
		r.last = timeKeyOf(*p.Until)
	}
	return r
}
