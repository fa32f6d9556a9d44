package statemachine

import (
	"cmp"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFloatsNeverContradictTheOrderOfDecimals(t *testing.T) {
	text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,4}|[1-9][0-9]{15,18})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?`)
	unequal := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := Decimal(text.Draw(t, "a")), Decimal(text.Draw(t, "b"))
		if order := cmp.Compare(a.float(), b.float()); order != 0 {
			require.Equal(t, a.Compare(b), order, "%s and %s", a, b)
			unequal++
		}
	})
	require.NotZero(t, unequal)
	for _, same := range [][]Decimal{
		{"10", "10.0", "1e1", "1E+1", "0.1e2", "100e-1", "10.00e0"},
		{"0", "-0", "0.00", "0e5"},
		{"", "0"}, // not equal; Compare distinguishes unknown from zero
		{"0.001", "1e-3", "0.0010", "10e-4"},
		{"-2.50", "-2.5", "-25e-1"},
		{"1e99999999999999999", "10e99999999999999998", "1e999"},
		{"1e-99999999999999999", "0"},
		{"9007199254740993", "9007199254740992"}, // the nearest float64 is the same
	} {
		for _, d := range same {
			require.Equal(t, 0, cmp.Compare(same[0].float(), d.float()), "%s and %s", same[0], d)
		}
	}
}

func TestExecutedQuantitiesWithEqualFloatsAreComparedExactly(t *testing.T) {
	for _, pair := range [][2]Decimal{
		{"9007199254740992", "9007199254740993"},
		{"1e999", "1e1000"},
		{"0.1", "0.1000000000000000000000000000001"},
		{"0", "1e-999"},
	} {
		var o Order
		for i, executed := range []Decimal{pair[0], pair[1], pair[0]} {
			o.Apply(&Notification{Status: PartiallyFilled, Executed: executed, Sequence: uint64(i + 1)})
		}
		require.Equal(t, pair[1], o.State().Executed)
		require.Len(t, o.facts, 2)
	}
}
