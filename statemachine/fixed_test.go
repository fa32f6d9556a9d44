package statemachine_test

import (
	"math/big"
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSumsOfFixedNumbersAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,18})?`), 1, 50).Draw(t, "numbers")
		var sum statemachine.Fixed
		want := new(big.Rat)
		for i, text := range numbers {
			f, ok := statemachine.Decimal(text).Fixed()
			require.True(t, ok, text)
			r, _ := new(big.Rat).SetString(text)
			if i%3 == 2 {
				sum, want = sum.Sub(f), want.Sub(want, r)
			} else {
				sum, want = sum.Add(f), want.Add(want, r)
			}
		}
		text := sum.Decimal()
		_, ok := statemachine.ParseDecimal(string(text))
		require.True(t, ok, "%s", text)
		got, _ := new(big.Rat).SetString(string(text))
		require.Zero(t, want.Cmp(got), "%v = %s", numbers, text)
		stored := append(sum.Append(nil), 7)
		again, rest, ok := statemachine.FixedOf(stored)
		require.True(t, ok)
		require.Equal(t, sum, again)
		require.Equal(t, []byte{7}, rest)
		_, _, ok = statemachine.FixedOf(stored[:len(stored)-2])
		require.False(t, ok)
	})
}

func TestANumberThatCannotBeSummedIsReported(t *testing.T) {
	for text, want := range map[statemachine.Decimal]string{
		"": "0", "0": "0", "-0.00": "0", "1e3": "1000", "0.000000000000000001": "0.000000000000000001", "9999999999999.999999999999999999": "9999999999999.999999999999999999",
		"1.500000000000000000000000": "1.5", "-12.5e-1": "-1.25", "10000000000000": "", "1e13": "", "1e12": "1000000000000", "0.0000000000000000001": "",
		"1e-19": "", "-1e999999": "", "1e-999999": "",
	} {
		f, ok := text.Fixed()
		require.Equal(t, want != "", ok, "%s", text)
		if ok {
			require.Equal(t, want, string(f.Decimal()), "%s", text)
		}
	}
}
