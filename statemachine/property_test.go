package statemachine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// fingerprint returns everything about an order that must not depend on the order of arrival.
func fingerprint(o *statemachine.Order) string {
	var b strings.Builder
	s := o.State()
	fmt.Fprintln(&b, s.Status, s.StatusSince, s.ModifiedOn, s.Executed, s.Amount, statemachine.AveragePrice(s.Amount, s.Executed), s.Open, s.Final, s.Traded, o.AssetClass(), o.Refusals())
	for _, k := range s.Breaks {
		if k.Code != statemachine.ClockSkew {
			fmt.Fprintln(&b, k.Code, k.Severity, k.OpenedAt, len(k.Sequences), k.Rule)
		}
	}
	for f := range statemachine.Fields {
		fmt.Fprintln(&b, o.Detail(f))
	}
	return b.String()
}

// requireSameInEveryOrder folds the facts in every order of arrival and requires equal results.
func requireSameInEveryOrder(t *testing.T, facts []statemachine.Notification) {
	want := ""
	permutations(facts, func(facts []statemachine.Notification) {
		got := fingerprint(fold(facts))
		if want == "" {
			want = got
		}
		if got != want {
			require.Equal(t, want, got, "%+v", facts)
		}
	})
}

var everyStatus = append(statusTexts(), "MYSTERY")

func statusTexts() []statemachine.Status {
	var texts []statemachine.Status
	for _, row := range statemachine.Statuses() {
		texts = append(texts, row.Status)
	}
	return texts
}

func at(status statemachine.Status, kind statemachine.Kind, m int, executed string) statemachine.Notification {
	n := statemachine.Notification{Status: status, Kind: kind, At: minute(m), Executed: statemachine.Decimal(executed),
		AssetClass: statemachine.Traditional}
	n.Details[statemachine.Quantity] = "7"
	n.Details[statemachine.LimitPrice] = fmt.Sprintf("%d.%s", m, string(status[:1]))
	return n
}

func TestEveryTwoFactsGiveTheSameStateInBothOrders(t *testing.T) {
	var all []statemachine.Notification
	for _, status := range everyStatus {
		for m := 1; m <= 2; m++ {
			for kind := statemachine.Reported; kind <= statemachine.Fetched; kind++ {
				for _, executed := range []string{"", "0", "7", "7.0", "10"} {
					all = append(all, at(status, kind, m, executed))
				}
			}
		}
	}
	for i, a := range all {
		for _, b := range all[i:] {
			requireSameInEveryOrder(t, []statemachine.Notification{a, b})
		}
	}
}

func TestEveryThreeFactsGiveTheSameStateInEveryOrder(t *testing.T) {
	var all []statemachine.Notification
	for m := 1; m <= 2; m++ {
		for _, status := range everyStatus {
			all = append(all, at(status, statemachine.Reported, m, ""))
		}
		for _, status := range []statemachine.Status{"PLACED", "FILLED", "CANCELED", "EXPIRED", "CORRECTED"} {
			all = append(all, at(status, statemachine.Fetched, m, "5"))
		}
		for _, status := range []statemachine.Status{"PARTIALLY_FILLED", "FILLED", "CANCELED"} {
			all = append(all, at(status, statemachine.Reported, m, "3"), at(status, statemachine.Reported, m, "8"))
		}
	}
	for i := range all {
		for j := i; j < len(all); j++ {
			for k := j; k < len(all); k++ {
				requireSameInEveryOrder(t, []statemachine.Notification{all[i], all[j], all[k]})
			}
		}
	}
}

// anyNotification draws facts that are often equal or at the same time: few times, few quantities, every
// status.
func anyNotification() *rapid.Generator[statemachine.Notification] {
	return rapid.Custom(func(t *rapid.T) statemachine.Notification {
		n := statemachine.Notification{
			At:         minute(rapid.IntRange(1, 8).Draw(t, "at")),
			Status:     rapid.SampledFrom(append(everyStatus, "", "ENIGMA")).Draw(t, "status"),
			Kind:       rapid.SampledFrom([]statemachine.Kind{0, 0, 0, statemachine.Fetched}).Draw(t, "kind"),
			AssetClass: rapid.SampledFrom([]statemachine.AssetClass{1, 1, 1, 2}).Draw(t, "class"),
			Executed:   statemachine.Decimal(rapid.SampledFrom([]string{"", "", "0", "3", "3.0", "7", "1e1", "10"}).Draw(t, "executed")),
		}
		n.Amount = statemachine.Decimal(rapid.SampledFrom([]string{"", "", "99", "99.0", "1e2", "700.5"}).Draw(t, "amount"))
		n.Reported = n.Amount.Known() && rapid.Bool().Draw(t, "reported")
		for f := range statemachine.Fields {
			n.Details[f] = rapid.SampledFrom([]string{"", "", "9", "9.0", "10"}).Draw(t, "detail")
		}
		if rapid.IntRange(0, 4).Draw(t, "refused") == 0 {
			n.Refused = true
			n.Refusal.ErrorType = rapid.SampledFrom([]string{"A", "B"}).Draw(t, "error")
		}
		return n
	})
}

func TestLongLifecyclesWithRepeatsDoNotDependOnArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(anyNotification(), 1, 40).Draw(t, "facts")
		shuffled := rapid.Permutation(facts).Draw(t, "arrival")
		repeats := rapid.SliceOfN(rapid.SampledFrom(facts), 0, 20).Draw(t, "repeats")
		require.Equal(t, fingerprint(fold(facts)), fingerprint(fold(append(shuffled, repeats...))))
	})
}

func TestAnEncodedOrderIsTheSameOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(anyNotification(), 0, 20).Draw(t, "facts")
		cut := rapid.IntRange(0, len(facts)).Draw(t, "cut")
		whole := fold(facts)
		encoded, err := fold(facts[:cut]).AppendBinary(nil)
		require.NoError(t, err)
		decoded := &statemachine.Order{ID: "example"}
		require.NoError(t, decoded.UnmarshalBinary(encoded))
		for i, n := range facts[cut:] {
			n.Sequence, n.Received = uint64(cut+i+1), t0.Add(time.Hour)
			decoded.Apply(&n)
		}
		want, err := whole.AppendBinary(nil)
		require.NoError(t, err)
		got, err := decoded.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, whole.State(), decoded.State())
	})
}

func FuzzUnmarshalBinaryNeverPanics(f *testing.F) {
	for _, example := range examples {
		encoded, err := fold(parseFacts(f, example.facts)).AppendBinary(nil)
		require.NoError(f, err)
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := &statemachine.Order{}
		if err := o.UnmarshalBinary(data); err == nil {
			_ = o.State()
		}
	})
}

// Observe returns effects in addition to what Apply does; the resulting order must be the same.
func TestObserveLeavesTheSameOrderAsApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(anyNotification(), 1, 20).Draw(t, "facts")
		o := &statemachine.Order{ID: "example"}
		observer, status := statemachine.NewObserver(o), statemachine.Status("")
		for i, n := range facts {
			n.Sequence, n.Received = uint64(i+1), t0.Add(time.Hour)
			e := observer.Observe(&n)
			require.NotEmpty(t, e.Rule)
			require.Equal(t, o.State().Status, e.StatusAfter)
			if e.StatusAfter != status {
				require.Contains(t, []statemachine.Effect{statemachine.Applied, statemachine.Restated}, e.Effect)
			}
			if e.Effect == statemachine.Applied {
				require.NotEqual(t, status, e.StatusAfter)
			}
			status = e.StatusAfter
		}
		require.Equal(t, fingerprint(fold(facts)), fingerprint(o))
	})
}
