package statemachine_test

import (
	"encoding/json"
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFormatExecutionsAgreesWithTheJSONLibrary(t *testing.T) {
	require.Empty(t, statemachine.FormatExecutions(nil))
	value := rapid.OneOf(rapid.StringMatching(`[0-9a-f.-]{0,12}`), rapid.StringMatching(`[ -~]{0,8}`), rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) }))
	execution := rapid.Custom(func(t *rapid.T) statemachine.Execution {
		return statemachine.Execution{ID: value.Draw(t, "id"), Quantity: statemachine.Decimal(value.Draw(t, "quantity")),
			Price: statemachine.Decimal(value.Draw(t, "price")), Amount: statemachine.Decimal(value.Draw(t, "amount"))}
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(execution, 1, 4).Draw(t, "executions")
		want, err := json.Marshal(all)
		require.NoError(t, err)
		require.Equal(t, string(want), statemachine.FormatExecutions(all))
	})
}
