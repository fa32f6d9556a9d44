package main

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// size is a flag whose value is a number of bytes.
type size int64

func (s *size) String() string { return sizeText(int64(*s)) }

func (s *size) Set(text string) error {
	n, err := parseSize(text)
	if err == nil {
		*s = size(n)
	}
	return err
}

// duration is a flag whose value is a duration, which may contain days.
type duration time.Duration

func (d *duration) String() string { return durationText(time.Duration(*d)) }

func (d *duration) Set(text string) error {
	value, err := parseDuration(text)
	if err == nil {
		*d = duration(value)
	}
	return err
}

// sizeUnits contains the units in the order in which sizeText tries them.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
}

const sizeExamples = "a number of bytes, or a size like 10MB (10,000,000 bytes) or 1GiB (1,073,741,824 bytes)"

// maxSizeText is the maximum length of a size as it is written; the largest size has 19 digits.
const maxSizeText = 40

// parseSize parses a number of bytes, without a unit or with a unit in any letter case, as in 10MB,
// 1.5 GiB or 10mb. It refuses units of a single letter, because 10M is 10,000,000 to some programs
// and 10,485,760 to others.
func parseSize(text string) (int64, error) {
	wrong := fmt.Errorf("%q is not %s", text, sizeExamples)
	if len(text) > maxSizeText {
		return 0, wrong
	}
	end := strings.LastIndexAny(text, "0123456789") + 1
	number, unit := text[:end], strings.TrimLeft(text[end:], " ")
	bytes := int64(0)
	for _, u := range sizeUnits {
		if strings.EqualFold(unit, u.name) || unit == "" && u.bytes == 1 {
			bytes = u.bytes
		}
	}
	whole, fraction, _ := strings.Cut(number, ".")
	if bytes == 0 || whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || strings.HasSuffix(number, ".") {
		return 0, wrong
	}
	value, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, wrong
	}
	value.Mul(value, new(big.Rat).SetInt64(bytes))
	switch {
	case !value.IsInt():
		return 0, fmt.Errorf("%q is not a whole number of bytes", text)
	case !value.Num().IsInt64():
		return 0, fmt.Errorf("%q is too large; the largest size is %d bytes", text, int64(math.MaxInt64))
	}
	return value.Num().Int64(), nil
}

// sizeText formats the size in the largest unit of which it is a whole number.
func sizeText(n int64) string {
	for _, u := range sizeUnits {
		if n != 0 && n%u.bytes == 0 && u.bytes > 1 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

const (
	day              = 24 * time.Hour
	durationExamples = "a duration like 500ms, 30s, 1h30m or 7d"
)

// parseDuration parses what time.ParseDuration parses, optionally after a whole number of days, as
// in 7d or 1d12h. It refuses a negative duration, because no setting has a use for one.
func parseDuration(text string) (time.Duration, error) {
	days, rest := time.Duration(0), text
	if before, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(before, 10, 63)
		if errors.Is(err, strconv.ErrRange) || n > uint64(math.MaxInt64/day) {
			return 0, tooLong(text)
		}
		if err != nil {
			return 0, fmt.Errorf("%q is not %s", text, durationExamples)
		}
		if days, rest = time.Duration(n)*day, after; rest == "" {
			return days, nil
		}
	}
	value, err := time.ParseDuration(rest)
	switch {
	case err != nil || rest[0] == '+' && rest != text:
		return 0, fmt.Errorf("%q is not %s", text, durationExamples)
	case value < 0 || rest[0] == '-':
		return 0, fmt.Errorf("%q is negative; write %s", text, durationExamples)
	case days+value < days:
		return 0, tooLong(text)
	}
	return days + value, nil
}

func tooLong(text string) error {
	return fmt.Errorf("%q is too long; the longest duration is %dd", text, int64(math.MaxInt64/day))
}

// durationText formats a duration so that parseDuration can parse it, without parts that are zero.
func durationText(d time.Duration) string {
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	if d >= time.Minute && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d >= time.Hour && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
