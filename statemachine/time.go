package statemachine

import (
	"errors"
	"time"
)

var (
	errTime = errors.New("not an RFC 3339 time")

	firstShown = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	endOfShown = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// ParseTime parses an RFC 3339 time of the years 0001 to 9999. It returns the time in UTC, where the
// offset may move it to the year before or after these. T and Z may be lower case. A leap second
// becomes the last nanosecond of the second before it. Digits of a fraction after the ninth are
// dropped. ParseTime is stricter than time.Parse, which also accepts a comma and an hour of one digit.
func ParseTime(text string) (time.Time, error) {
	r := timeReader{rest: text}
	year, month, day := r.number(4, 1, 9999, 0), r.number(2, 1, 12, '-'), r.number(2, 1, 31, '-')
	if c := r.byte(); c != 'T' && c != 't' {
		r.bad = true
	}
	hour, minute, second := r.number(2, 0, 23, 0), r.number(2, 0, 59, ':'), r.number(2, 0, 60, ':')
	nanosecond := r.fraction()
	if second == 60 {
		second, nanosecond = 59, 999_999_999
	}
	offset := r.offset()
	if r.bad || r.rest != "" {
		return time.Time{}, errTime
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, time.UTC)
	if t.Day() != day { // the day does not exist, such as 30 February
		return time.Time{}, errTime
	}
	return t.Add(-offset), nil
}

// timeReader reads its text from the beginning. Once bad is set, the results are meaningless.
type timeReader struct {
	rest string
	bad  bool
}

// byte returns the next byte, or 0 at the end.
func (r *timeReader) byte() byte {
	if r.rest == "" {
		r.bad = true
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

// number reads a number with width digits, from least to most, after the separator unless that is 0.
func (r *timeReader) number(width, least, most int, separator byte) (n int) {
	if separator != 0 && r.byte() != separator {
		r.bad = true
	}
	for range width {
		c := r.byte()
		if c < '0' || c > '9' {
			r.bad = true
		}
		n = n*10 + int(c-'0')
	}
	if n < least || n > most {
		r.bad = true
	}
	return n
}

// fraction reads the fraction of a second, if any, in nanoseconds.
func (r *timeReader) fraction() (nanoseconds int) {
	if r.rest == "" || r.rest[0] != '.' {
		return 0
	}
	all, rest := digits(r.rest[1:])
	r.rest = rest
	if all == "" {
		r.bad = true
	}
	for i := range 9 {
		nanoseconds *= 10
		if i < len(all) {
			nanoseconds += int(all[i] - '0')
		}
	}
	return nanoseconds
}

// offset reads Z or the offset from UTC.
func (r *timeReader) offset() time.Duration {
	sign := r.byte()
	switch sign {
	case 'Z', 'z':
		return 0
	case '+', '-':
	default:
		r.bad = true
	}
	offset := time.Duration(r.number(2, 0, 23, 0))*time.Hour + time.Duration(r.number(2, 0, 59, ':'))*time.Minute
	if sign == '-' {
		return -offset
	}
	return offset
}

// FormatTime formats a time that ParseTime can return as RFC 3339 in UTC. If its year in UTC is
// before 0001 or after 9999, which RFC 3339 or other readers do not allow, it is formatted with an
// offset of whole hours that avoids this, or with 23:59.
func FormatTime(t time.Time) string {
	var b [len(time.RFC3339Nano)]byte
	return string(AppendTime(b[:0], t))
}

// AppendTime appends what FormatTime returns.
func AppendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	switch {
	case t.Before(firstShown):
		t = t.In(time.FixedZone("", int(shift(firstShown.Sub(t)-1)/time.Second)))
	case !t.Before(endOfShown):
		t = t.In(time.FixedZone("", -int(shift(t.Sub(endOfShown))/time.Second)))
	}
	return t.AppendFormat(b, time.RFC3339Nano)
}

// shift returns an offset of whole hours that covers outside, at most 23:59.
func shift(outside time.Duration) time.Duration {
	return min(outside.Truncate(time.Hour)+time.Hour, 23*time.Hour+59*time.Minute)
}
