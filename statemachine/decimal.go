package statemachine

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number with the digits that were received: "100", "4050.00", "1e3".
// The zero value "" means unknown. Decimals of any length compare exactly and without being
// expanded, whatever their exponent.
type Decimal string

// maxExponentWidth is the largest number of exponent digits that always fits in 64 bits.
const maxExponentWidth = 17

// maxSumDigits bounds the width of a sum: 1 + 1e999999999 would need a billion digits.
const maxSumDigits = 512

// ParseDecimal returns text as a Decimal if it is a number in the grammar of JSON. ok is false for any
// other text, and for an exponent of more than 17 digits.
func ParseDecimal(text string) (d Decimal, ok bool) {
	rest := strings.TrimPrefix(text, "-")
	whole, rest := digits(rest)
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return "", false
	}
	if frac, found := strings.CutPrefix(rest, "."); found {
		var part string
		if part, rest = digits(frac); part == "" {
			return "", false
		}
	}
	if rest != "" {
		if rest[0] != 'e' && rest[0] != 'E' {
			return "", false
		}
		rest = rest[1:]
		if rest != "" && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		var exponent string
		if exponent, rest = digits(rest); exponent == "" || rest != "" || len(exponent) > maxExponentWidth {
			return "", false
		}
	}
	return Decimal(text), true
}

// digits splits s after the decimal digits at its start.
func digits(s string) (head, tail string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

// Known reports whether d contains a number.
func (d Decimal) Known() bool { return d != "" }

// Zero reports whether d is a known zero.
func (d Decimal) Zero() bool { return d != "" && d.Compare("0") == 0 }

// Compare returns -1, 0 or 1 as d is numerically less than, equal to or greater than e. Unknown is less than any number.
func (d Decimal) Compare(e Decimal) int {
	if d == e {
		return 0
	}
	if d == "" {
		return -1
	}
	if e == "" {
		return 1
	}
	if d.plain() && e.plain() {
		return cmp.Or(cmp.Compare(len(d), len(e)), strings.Compare(string(d), string(e)))
	}
	x, y := d.parts(), e.parts()
	if x.sign != y.sign {
		return cmp.Compare(x.sign, y.sign)
	}
	return x.sign * compareMagnitude(x, y)
}

// float returns the nearest float64, which is infinite beyond its range, and 0 for an unknown decimal.
// The float of a greater decimal is never smaller, and different decimals nearly always have different
// floats.
func (d Decimal) float() float64 {
	if d == "" {
		return 0
	}
	f, _ := strconv.ParseFloat(string(d), 64) // an error means that d is out of range, and f is infinite
	return f
}

// plain reports whether d consists of digits alone, as most quantities do. Such decimals are compared by
// length and text.
func (d Decimal) plain() bool {
	for i := range len(d) {
		if d[i] < '0' || d[i] > '9' {
			return false
		}
	}
	return true
}

// parts is a number as sign · 0.digits · 10^exponent, where digits has no leading zeros.
type parts struct {
	sign     int // -1, 0, 1
	whole    string
	frac     string
	exponent int64
}

// parts splits d without copying its digits. The digits are whole followed by frac: leading zeros
// are removed from the pair, trailing zeros may remain.
func (d Decimal) parts() parts {
	p := parts{sign: 1}
	text, negative := strings.CutPrefix(string(d), "-")
	if negative {
		p.sign = -1
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		p.exponent, _ = strconv.ParseInt(text[i+1:], 10, 64) // ParseDecimal bounds its width
		text = text[:i]
	}
	p.whole, p.frac, _ = strings.Cut(text, ".")
	p.whole = strings.TrimLeft(p.whole, "0")
	shift := len(p.whole)
	if p.whole == "" {
		trimmed := strings.TrimLeft(p.frac, "0")
		shift = len(trimmed) - len(p.frac)
		p.frac = trimmed
	}
	if p.whole == "" && p.frac == "" {
		return parts{}
	}
	p.exponent += int64(shift)
	return p
}

// compareMagnitude compares |x| with |y|; both have the same sign.
func compareMagnitude(x, y parts) int {
	if x.sign == 0 {
		return 0
	}
	if x.exponent != y.exponent {
		return cmp.Compare(x.exponent, y.exponent)
	}
	n := max(len(x.whole)+len(x.frac), len(y.whole)+len(y.frac))
	for i := range n {
		if c := cmp.Compare(x.digit(i), y.digit(i)); c != 0 {
			return c
		}
	}
	return 0
}

// digit returns the i-th digit; '0' past the end.
func (p parts) digit(i int) byte {
	if i < len(p.whole) {
		return p.whole[i]
	}
	if i -= len(p.whole); i < len(p.frac) {
		return p.frac[i]
	}
	return '0'
}

// Add returns d + e without an exponent. ok is false if d or e is unknown, or the sum would have more than
// about 512 digits.
func (d Decimal) Add(e Decimal) (sum Decimal, ok bool) {
	if sum, ok = d.addSmall(e); ok {
		return sum, true
	}
	x, ok := d.fixed()
	if !ok {
		return "", false
	}
	y, ok := e.fixed()
	if !ok {
		return "", false
	}
	scale := max(x.scale, y.scale)
	total := new(big.Int).Add(x.at(scale), y.at(scale))
	negative := total.Sign() < 0
	return pointed(total.Abs(total).String(), scale, negative), true
}

// pointed returns the number with the given digits, scale of them after the decimal point.
func pointed(text string, scale int, negative bool) Decimal {
	if pad := scale + 1 - len(text); pad > 0 {
		text = strings.Repeat("0", pad) + text
	}
	if scale > 0 {
		text = text[:len(text)-scale] + "." + text[len(text)-scale:]
	}
	if negative {
		text = "-" + text
	}
	return Decimal(text)
}

// smallDigits is the number of digits that fit in 64 bits, even if two such numbers are added.
const smallDigits = 18

// addSmall is Add for numbers that fit in 64 bits, as nearly all do; ok is false for other numbers.
func (d Decimal) addSmall(e Decimal) (sum Decimal, ok bool) {
	x, xScale, ok := d.small()
	y, yScale, ok2 := e.small()
	scale := max(xScale, yScale)
	if !ok || !ok2 || len(d)+scale-xScale > smallDigits || len(e)+scale-yScale > smallDigits {
		return "", false
	}
	for ; xScale < scale; xScale++ {
		x *= 10
	}
	for ; yScale < scale; yScale++ {
		y *= 10
	}
	total := x + y
	return pointed(strconv.FormatInt(max(total, -total), 10), scale, total < 0), true
}

// small returns a plain number as unscaled · 10^-scale.
func (d Decimal) small() (unscaled int64, scale int, ok bool) {
	if d == "" || len(d) > smallDigits {
		return 0, 0, false
	}
	text, negative := strings.CutPrefix(string(d), "-")
	whole, text := digits(text)
	frac, rest := "", text
	if text != "" && text[0] == '.' {
		frac, rest = digits(text[1:])
	}
	if whole == "" || rest != "" || text != "" && frac == "" {
		return 0, 0, false
	}
	for _, part := range [...]string{whole, frac} {
		for i := range len(part) {
			unscaled = unscaled*10 + int64(part[i]-'0')
		}
	}
	if negative {
		unscaled = -unscaled
	}
	return unscaled, len(frac), true
}

// fixed is unscaled · 10^-scale.
type fixed struct {
	unscaled *big.Int
	scale    int
}

func (f fixed) at(scale int) *big.Int {
	if scale == f.scale {
		return f.unscaled
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-f.scale)), nil)
	return factor.Mul(factor, f.unscaled)
}

func (d Decimal) fixed() (fixed, bool) {
	if d == "" || len(d) > maxSumDigits {
		return fixed{}, false
	}
	text, exponent := string(d), 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(text[i+1:]); err != nil || exponent > maxSumDigits || exponent < -maxSumDigits {
			return fixed{}, false
		}
		text = text[:i]
	}
	whole, frac, _ := strings.Cut(text, ".")
	unscaled, ok := new(big.Int).SetString(whole+frac, 10)
	if !ok {
		return fixed{}, false
	}
	f := fixed{unscaled, len(frac) - exponent}
	if f.scale < 0 {
		f = fixed{f.at(0), 0}
	}
	return f, true
}
