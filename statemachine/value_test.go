package statemachine_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDecimalsAreWrittenWithoutAnExponentUpTo64Digits(t *testing.T) {
	for text, want := range map[statemachine.Decimal]statemachine.Decimal{
		"30314594E-8": "0.30314594", "1e3": "1000", "1E+2": "100", "-1.50e1": "-15.0", "4.0e-1": "0.40", "0e99": "0", "-2e-3": "-0.002",
		"100.50": "100.50", "": "", "1e63": "1" + statemachine.Decimal(strings.Repeat("0", 63)), "1e64": "1e64",
		"1e-63": "0." + statemachine.Decimal(strings.Repeat("0", 62)) + "1", "1e-64": "1e-64", "1e999999999": "1e999999999",
	} {
		require.Equal(t, want, text.Plain(), "%s", text)
	}
}

func TestAnAveragePriceIsRoundedHalfToEven(t *testing.T) {
	for _, c := range [][3]statemachine.Decimal{
		{"4050.00", "40", "101.25"}, {"100", "3", "33.33333333"}, {"200", "3", "66.66666667"}, {"0.000000005", "1", "0"},
		{"0.000000015", "1", "0.00000002"}, {"0.000000025", "1", "0.00000002"}, {"-0.000000015", "1", "-0.00000002"}, {"1e3", "1e1", "100"},
		{"0", "5", "0"}, {"5", "0", ""}, {"", "5", ""}, {"5", "", ""}, {"5", "1e99999", ""},
	} {
		require.Equal(t, c[2], statemachine.AveragePrice(c[0], c[1]), "%s / %s", c[0], c[1])
	}
}

func TestProductsAndNumbersWithoutExponentAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := statemachine.Decimal(anyDecimal().Draw(t, "a")), statemachine.Decimal(anyDecimal().Draw(t, "b"))
		rat := func(d statemachine.Decimal) *big.Rat { r, _ := new(big.Rat).SetString(string(d)); return r }
		product, ok := a.Mul(b)
		require.True(t, ok)
		require.Zero(t, rat(product).Cmp(new(big.Rat).Mul(rat(a), rat(b))))
		require.Zero(t, rat(a.Plain()).Cmp(rat(a)))
		if average := statemachine.AveragePrice(a, b); average.Known() {
			off := new(big.Rat).Sub(new(big.Rat).Quo(rat(a), rat(b)), rat(average))
			require.LessOrEqual(t, off.Abs(off).Cmp(big.NewRat(5, 1e9)), 0)
		}
	})
}

func TestTheExecutedAmountIsThatOfTheExecutedQuantityInEveryArrivalOrder(t *testing.T) {
	worth := func(status statemachine.Status, m int, executed, amount string, reported bool) statemachine.Notification {
		n := at(status, statemachine.Reported, m, executed)
		n.Amount, n.Reported = statemachine.Decimal(amount), reported
		return n
	}
	answer := worth(statemachine.Canceled, 4, "0", "", false)
	answer.Kind = statemachine.Fetched
	for name, c := range map[string]struct {
		facts           []statemachine.Notification
		amount, average string
	}{
		"a later part has no amount":              {[]statemachine.Notification{worth("PARTIALLY_FILLED", 1, "3", "30", true), worth("FILLED", 2, "7", "", false)}, "", ""},
		"the settlement has no amount":            {[]statemachine.Notification{worth("FILLED", 1, "7", "70.7", true), worth("SETTLED", 2, "7.0", "", false)}, "70.7", "10.1"},
		"a reported amount is preferred to a sum": {[]statemachine.Notification{worth("FILLED", 1, "7", "70", true), worth("SETTLED", 2, "7", "77", false)}, "70", "10"},
		"the same fact with an amount":            {[]statemachine.Notification{worth("FILLED", 1, "7", "", false), worth("FILLED", 1, "7", "77", false), worth("FILLED", 1, "7", "70", true)}, "70", "10"},
		"a possible bust":                         {[]statemachine.Notification{worth("FILLED", 1, "7", "70", true), worth("PARTIALLY_FILLED", 2, "3", "30", true)}, "70", "10"},
		"an answer with nothing executed":         {[]statemachine.Notification{worth("FILLED", 1, "7", "70", true), answer}, "", ""},
		"an amount without a quantity":            {[]statemachine.Notification{worth("FILLED", 1, "", "70", true)}, "70", ""},
	} {
		t.Run(name, func(t *testing.T) {
			permutations(c.facts, func(facts []statemachine.Notification) {
				s := stored(t, fold(facts)).State()
				require.Equal(t, c.amount, string(s.Amount))
				require.Equal(t, c.average, string(statemachine.AveragePrice(s.Amount, s.Executed)))
			})
		})
	}
}
