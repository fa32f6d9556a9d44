package statemachine_test

import (
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAnEncodedNotificationIsTheSameNotification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, 200)
		at := func(name string) time.Time {
			return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" nanoseconds")).UTC()
		}
		n := statemachine.Notification{OrderID: text.Draw(t, "order"), Sequence: rapid.Uint64().Draw(t, "sequence"), Received: at("received"),
			Kind: statemachine.Kind(rapid.IntRange(0, 1).Draw(t, "kind")), AssetClass: statemachine.AssetClass(rapid.IntRange(0, 3).Draw(t, "class")),
			Type: text.Draw(t, "type"), Status: statemachine.Status(text.Draw(t, "status")), Executed: statemachine.Decimal(text.Draw(t, "executed")),
			Amount: statemachine.Decimal(text.Draw(t, "amount")), Reported: rapid.Bool().Draw(t, "reported"),
			Refused: rapid.Bool().Draw(t, "refused"), Notes: rapid.SliceOfN(text, 0, 5).Draw(t, "notes")}
		if rapid.Bool().Draw(t, "dated") {
			n.At, n.Dated = at("at"), true
		}
		for i := range n.Details {
			n.Details[i] = text.Draw(t, "detail")
		}
		if n.Refused {
			n.Refusal = statemachine.Refusal{ErrorType: text.Draw(t, "error"), Description: text.Draw(t, "description")}
		}
		encoded, err := n.AppendBinary(nil)
		require.NoError(t, err)
		var decoded statemachine.Notification
		require.NoError(t, decoded.Decode(string(encoded)))
		if len(n.Notes) == 0 {
			n.Notes, decoded.Notes = nil, nil
		}
		require.Equal(t, n, decoded)
		cut := rapid.IntRange(0, len(encoded)-1).Draw(t, "cut")
		require.ErrorIs(t, decoded.Decode(string(encoded[:cut])), statemachine.ErrEncoding)
	})
}

func FuzzUnmarshalNotificationNeverPanics(f *testing.F) {
	n := statemachine.Notification{OrderID: "a", Refused: true, Notes: []string{"note"}}
	n.Details[statemachine.Side] = "BUY"
	encoded, err := n.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, data []byte) {
		var n statemachine.Notification
		if err := n.Decode(string(data)); err != nil {
			require.ErrorIs(t, err, statemachine.ErrEncoding)
		}
	})
}
