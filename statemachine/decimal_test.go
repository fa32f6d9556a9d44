package statemachine_test

import (
	"cmp"
	"math/big"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOnlyJSONNumbersAreDecimals(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "10": true, "4050.00": true, "1e3": true, "1E+3": true, "1.5e-7": true,
		"": false, "-": false, "01": false, ".5": false, "5.": false, "1e": false, "1e+": false, "+1": false, "0x1": false,
		"NaN": false, "1 ": false, "1e12345678901234567": true, "1e123456789012345678": false,
		strings.Repeat("9", 5000): true,
	} {
		_, ok := statemachine.ParseDecimal(text)
		require.Equal(t, want, ok, "%q", text)
	}
}

func TestDecimalsCompareByValueWhateverTheirNotation(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "-5", -1}, {"0", "", 1},
		{"10", "10.0", 0}, {"10", "1e1", 0}, {"0.001", "1e-3", 0}, {"-0", "0.000", 0}, {"0e99", "0", 0},
		{"9", "10", -1}, {"9.99", "10", -1}, {"-9", "-10", 1}, {"-1", "1", -1}, {"0", "0.1", -1}, {"-0.1", "0", -1},
		{"1e1000000000", "9e999999999", 1}, {"1e-1000000000", "0", 1},
		{"123456789012345678901234567890.1", "123456789012345678901234567890.2", -1},
	} {
		require.Equal(t, c.want, statemachine.Decimal(c.a).Compare(statemachine.Decimal(c.b)), "%s ? %s", c.a, c.b)
		require.Equal(t, -c.want, statemachine.Decimal(c.b).Compare(statemachine.Decimal(c.a)), "%s ? %s", c.b, c.a)
	}
}

func anyDecimal() *rapid.Generator[string] {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`)
}

func TestDecimalsAgreeWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDecimal().Draw(t, "a"), anyDecimal().Draw(t, "b")
		x, ok := statemachine.ParseDecimal(a)
		require.True(t, ok)
		y, ok := statemachine.ParseDecimal(b)
		require.True(t, ok)
		p, _ := new(big.Rat).SetString(a)
		q, _ := new(big.Rat).SetString(b)
		require.Equal(t, p.Cmp(q), x.Compare(y))
		sum, ok := x.Add(y)
		require.True(t, ok)
		_, ok = statemachine.ParseDecimal(string(sum))
		require.True(t, ok, "%s", sum)
		r, _ := new(big.Rat).SetString(string(sum))
		require.Zero(t, r.Cmp(new(big.Rat).Add(p, q)), "%s + %s = %s", a, b, sum)
	})
}

func TestSumsOfManyDigitsAreExact(t *testing.T) {
	for _, c := range [][3]statemachine.Decimal{
		{"999999999999999999", "999999999999999999", "1999999999999999998"}, {"9999999999999999999", "1", "10000000000000000000"},
		{"99999999999999999.9", "0.1", "100000000000000000.0"}, {"123456789012345678", "0.5", "123456789012345678.5"},
		{"-0", "0", "0"}, {"-0.0", "0", "0.0"}, {"-1.50", "1.5", "0.00"}, {"-2", "0.5", "-1.5"}, {"1e2", "1", "101"},
	} {
		sum, ok := c[0].Add(c[1])
		require.True(t, ok)
		require.Equal(t, c[2], sum, "%s + %s", c[0], c[1])
	}
}

func TestTextThatIsNotANumberIsNotAdded(t *testing.T) {
	for _, text := range []statemachine.Decimal{"-", ".", "--1", "1.2.3", "1-2", "+"} {
		_, ok := text.Add("9")
		require.False(t, ok, "%q", text)
	}
}

func TestASumWithTooManyDigitsIsRefused(t *testing.T) {
	for _, c := range [][2]statemachine.Decimal{{"1", "1e5000"}, {"1", "1e-5000"}, {"", "1"}, {"1", ""}, {"1", "1e99999999999999999"}} {
		_, ok := c[0].Add(c[1])
		require.False(t, ok, "%v", c)
	}
}

func TestKeysOfDecimalsCompareAsTheDecimalsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := statemachine.Decimal(anyDecimal().Draw(t, "a")), statemachine.Decimal(anyDecimal().Draw(t, "b"))
		require.Equal(t, a.Compare(b), strings.Compare(a.Key(), b.Key()), "%s ? %s", a, b)
	})
	ascending := []statemachine.Decimal{"", "-1e99999999999999999", "-10", "-9.99", "-9.9", "-9", "-0.12", "-0.1", "-1e-12345678901234567", "0", "1e-12345678901234567",
		"0.1", "0.12", "9", "9.9", "9.99", "10", "9007199254740992", "9007199254740993", "1e99999999999999999"}
	for i, a := range ascending {
		for j, b := range ascending {
			require.Equal(t, cmp.Compare(i, j), strings.Compare(a.Key(), b.Key()), "%s ? %s", a, b)
		}
	}
	for _, same := range [][2]statemachine.Decimal{{"10", "1e1"}, {"-0.00", "0"}, {"7.5", "7.500"}, {"1000", "1E+3"}} {
		require.Equal(t, same[0].Key(), same[1].Key())
	}
	long := statemachine.Decimal(strings.Repeat("7", 5000))
	require.Less(t, len(long.Key()), 60)
	require.LessOrEqual(t, long.Key(), (long + "8").Key())
}
