package statemachine

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// Fixed is a number with 18 decimal places, for exact and fast sums. The zero value is zero. A sum of ten
// million numbers that Decimal.Fixed returns does not overflow.
type Fixed struct {
	high int64
	low  uint64
}

const (
	fixedPlaces = 18
	fixedDigits = 13 // before the decimal point
)

// Fixed returns d as a Fixed; ok is false if d has more than 18 decimal places, or more than 13 digits
// before the decimal point. An unknown number is zero.
func (d Decimal) Fixed() (f Fixed, ok bool) {
	p := d.parts()
	if d == "" || p.sign == 0 {
		return f, true
	}
	places := 0 // number of digits, without the zeros at the end
	for i := len(p.whole) + len(p.frac); i > 0 && p.digit(i-1) == '0'; i-- {
		places--
	}
	places += len(p.whole) + len(p.frac)
	zeros := p.exponent - int64(places) + fixedPlaces
	if p.exponent > fixedDigits || zeros < 0 {
		return f, false
	}
	high := uint64(0)
	shift := func(digit byte) {
		over, low := bits.Mul64(f.low, 10)
		sum, carry := bits.Add64(low, uint64(digit), 0)
		f.low, high = sum, high*10+over+carry
	}
	for i := range places {
		shift(p.digit(i) - '0')
	}
	for range zeros {
		shift(0)
	}
	f.high = int64(high)
	if p.sign < 0 {
		f = Fixed{}.Sub(f)
	}
	return f, true
}

// Add returns f + g.
func (f Fixed) Add(g Fixed) Fixed {
	low, carry := bits.Add64(f.low, g.low, 0)
	return Fixed{f.high + g.high + int64(carry), low}
}

// Sub returns f - g.
func (f Fixed) Sub(g Fixed) Fixed {
	low, borrow := bits.Sub64(f.low, g.low, 0)
	return Fixed{f.high - g.high - int64(borrow), low}
}

// Decimal returns the number without trailing zeros.
func (f Fixed) Decimal() Decimal {
	n := new(big.Int).Lsh(big.NewInt(f.high), 64)
	n.Add(n, new(big.Int).SetUint64(f.low))
	negative := n.Sign() < 0
	text := n.Abs(n).String()
	scale := fixedPlaces
	for scale > 0 && text != "0" && text[len(text)-1] == '0' {
		text, scale = text[:len(text)-1], scale-1
	}
	if text == "0" {
		return "0"
	}
	return pointed(text, scale, negative)
}

// Append appends an encoding of the number, which FixedOf decodes. A number with few decimal places, as
// nearly all numbers have, is encoded as its scale and at most 64 bits, any other number as 128 bits.
func (f Fixed) Append(b []byte) []byte {
	for i, one := range usualPlaces {
		if whole, rest, ok := f.divide(one); ok && rest == 0 && int64(whole) >= 0 {
			if f.high < 0 {
				return binary.AppendVarint(append(b, byte(i)), -int64(whole))
			}
			return binary.AppendVarint(append(b, byte(i)), int64(whole))
		}
	}
	return binary.AppendUvarint(binary.AppendVarint(append(b, allBits), f.high), f.low)
}

// usualPlaces are the powers of 10 by which the usual numbers can be divided without a remainder: those
// with 0, 2, 4 and 8 decimal places.
var usualPlaces = [...]uint64{1e18, 1e16, 1e14, 1e10}

const allBits = byte(len(usualPlaces))

// divide returns the magnitude of f divided by one, and the remainder; ok is false if it needs more
// than 64 bits.
func (f Fixed) divide(one uint64) (whole, rest uint64, ok bool) {
	if f.high < 0 {
		f = Fixed{}.Sub(f)
	}
	if uint64(f.high) >= one {
		return 0, 0, false
	}
	whole, rest = bits.Div64(uint64(f.high), f.low, one)
	return whole, rest, true
}

// FixedOf decodes what Append wrote at the beginning of b, and returns the rest of b; ok is false if b
// does not begin with such an encoding.
func FixedOf(b []byte) (f Fixed, rest []byte, ok bool) {
	if len(b) == 0 || b[0] > allBits {
		return f, nil, false
	}
	places, b := b[0], b[1:]
	n, m := binary.Varint(b)
	if m <= 0 {
		return f, nil, false
	}
	b = b[m:]
	if places == allBits {
		low, m := binary.Uvarint(b)
		if m <= 0 {
			return f, nil, false
		}
		return Fixed{n, low}, b[m:], true
	}
	high, low := bits.Mul64(uint64(max(n, -n)), usualPlaces[places])
	f = Fixed{int64(high), low}
	if n < 0 {
		f = Fixed{}.Sub(f)
	}
	return f, b, true
}
