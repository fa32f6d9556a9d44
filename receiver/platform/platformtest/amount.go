package platformtest

import (
	"math/big"
	"strconv"
	"strings"
)

// amount is the exact decimal units / 10^scale.
type amount struct {
	units int64
	scale int
}

func (a amount) plus(units int64) amount { return amount{a.units + units, a.scale} }

// times returns the exact product if the product of the units fits in 64 bits, which the quantities and
// prices of the instruments ensure.
func (a amount) times(b amount) amount { return amount{a.units * b.units, a.scale + b.scale} }

func (a amount) rat() *big.Rat {
	denominator := int64(1)
	for range a.scale {
		denominator *= 10
	}
	return big.NewRat(a.units, denominator)
}

// String returns every digit of the scale: 1.50 for 150 / 10².
func (a amount) String() string {
	digits := strconv.FormatInt(a.units, 10)
	if a.scale == 0 {
		return digits
	}
	if missing := a.scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - a.scale
	return digits[:point] + "." + digits[point:]
}

// notation is one of the ways to write the same number in JSON.
type notation int

const (
	plain notation = iota
	padded
	exponent
	notations
)

func (a amount) in(n notation) string {
	switch {
	case n == padded && a.scale == 0:
		return a.String() + ".00"
	case n == exponent:
		units, power := a.units, -a.scale
		for units != 0 && units%10 == 0 {
			units, power = units/10, power+1
		}
		return strconv.FormatInt(units, 10) + "E" + strconv.Itoa(power)
	default:
		return a.String()
	}
}

// exactText returns r with all its digits. r must be a finite decimal.
func exactText(r *big.Rat) string {
	places, _ := r.FloatPrec()
	return r.FloatString(places)
}
