package statemachine

import (
	"cmp"
	"math/big"
	"strings"
)

const (
	// maxPlainDigits is the largest number of digits of a number that is written without its exponent.
	maxPlainDigits = 64
	// averagePlaces is the number of decimal places of an average price.
	averagePlaces = 8
)

// Plain returns d without an exponent, unless it would then have more than 64 digits.
func (d Decimal) Plain() Decimal {
	if !strings.ContainsAny(string(d), "eE") {
		return d
	}
	f, ok := d.fixed()
	if !ok {
		return d
	}
	digits := new(big.Int).Abs(f.unscaled).String()
	if max(len(digits), f.scale+1) > maxPlainDigits {
		return d
	}
	return pointed(digits, f.scale, f.unscaled.Sign() < 0)
}

// Mul returns d · e without an exponent; ok is false if d or e is unknown or has more than about 512
// digits.
func (d Decimal) Mul(e Decimal) (product Decimal, ok bool) {
	x, ok := d.fixed()
	y, ok2 := e.fixed()
	if !ok || !ok2 {
		return "", false
	}
	p := new(big.Int).Mul(x.unscaled, y.unscaled)
	negative := p.Sign() < 0
	return pointed(p.Abs(p).String(), x.scale+y.scale, negative), true
}

// AveragePrice returns amount divided by quantity, rounded half to even to eight decimal places,
// without trailing zeros. It is unknown if amount or quantity is unknown or has too many digits, or if
// quantity is zero.
func AveragePrice(amount, quantity Decimal) Decimal {
	x, ok := amount.fixed()
	y, ok2 := quantity.fixed()
	if !ok || !ok2 || y.unscaled.Sign() == 0 {
		return ""
	}
	scale := max(x.scale, y.scale)
	numerator, denominator := new(big.Int).Set(x.at(scale)), new(big.Int).Set(y.at(scale))
	numerator.Mul(numerator, big.NewInt(1e8))
	negative := numerator.Sign()*denominator.Sign() < 0
	quotient, rest := numerator.Abs(numerator).QuoRem(numerator, denominator.Abs(denominator), new(big.Int))
	switch half := rest.Lsh(rest, 1).Cmp(denominator); {
	case half > 0, half == 0 && quotient.Bit(0) == 1:
		quotient.Add(quotient, big.NewInt(1))
	}
	price := string(pointed(quotient.String(), averagePlaces, negative && quotient.Sign() != 0))
	return Decimal(strings.TrimSuffix(strings.TrimRight(price, "0"), "."))
}

// value is the money for the executed quantity.
type value struct {
	amount   Decimal
	reported bool // reported by the platform; otherwise the sum of the executions
}

// compareValues orders values: reported ones after sums, and greater after smaller.
func compareValues(a, b value) int {
	if a.reported != b.reported {
		if b.reported {
			return -1
		}
		return 1
	}
	return compareDecimals(a.amount, b.amount)
}

// executedAmount returns the money for the executed quantity, from the facts that contain this quantity.
// It prefers facts that count, then reported values, then the newest fact.
func (c *counted) executedAmount() Decimal {
	var best *fact
	for i := range c.order.facts {
		f := &c.order.facts[i]
		if f.value.amount == "" || f.executed.Compare(c.executed) != 0 {
			continue
		}
		if best == nil || c.compareWorth(f, best) > 0 {
			best = f
		}
	}
	if best == nil {
		return ""
	}
	return best.value.amount
}

func (c *counted) compareWorth(f, g *fact) int {
	truth := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(truth(f.counts(c.base)), truth(g.counts(c.base))), cmp.Compare(truth(f.value.reported), truth(g.value.reported)),
		f.at.Compare(g.at), cmp.Compare(f.rank, g.rank), cmp.Compare(f.kind, g.kind), compareDecimals(f.value.amount, g.value.amount))
}
