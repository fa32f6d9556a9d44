package statemachine

import (
	"encoding/binary"
	"math"
	"strings"
)

// keyDigits bounds the length of a key: numbers that differ only in later digits have the same key.
const keyDigits = 40

// Key returns a string that sorts, byte by byte, as the number does. The key of an unknown number is
// empty and sorts first. Equal numbers have the same key, whatever their notation.
func (d Decimal) Key() string {
	if d == "" {
		return ""
	}
	p := d.parts()
	if p.sign == 0 {
		return "\x02"
	}
	digits := p.whole + p.frac
	digits = strings.TrimRight(digits[:min(keyDigits, len(digits))], "0")
	b := make([]byte, 0, 1+8+len(digits)+1)
	b = append(b, 3)
	b = binary.BigEndian.AppendUint64(b, uint64(p.exponent)^(1<<63)) // the sign bit is inverted so that negative exponents come first
	b = append(b, digits...)
	if p.sign < 0 {
		b = append(b, 0) // so that, inverted, a number sorts after longer ones that begin with it
		for i := range b {
			b[i] = math.MaxUint8 - b[i]
		}
		b[0] = 1
	}
	return string(b)
}
