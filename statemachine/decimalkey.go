package statemachine

import (
	"encoding/binary"
	"math"
	"strings"
)

// keyDigits bounds the length of a key: numbers that differ in later digits only have the same one.
const keyDigits = 40

// Key returns a text that compares, byte by byte, as the number does; that of an unknown one is empty and comes first. Numbers
// that are equal have the same key, however they are written.
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
	b = binary.BigEndian.AppendUint64(b, uint64(p.exponent)^(1<<63)) // the sign bit is reversed: negative exponents come first
	b = append(b, digits...)
	if p.sign < 0 {
		b = append(b, 0) // longer numbers come before shorter ones that they begin with
		for i := range b {
			b[i] = math.MaxUint8 - b[i]
		}
		b[0] = 1
	}
	return string(b)
}
