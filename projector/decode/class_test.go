package decode

import (
	"strings"
	"testing"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// The API and the command refuse any other class.
func TestTheViewsKnowEveryClassOfQuarantine(t *testing.T) {
	var found []string
	for _, body := range []string{`{`, `[]`, `{}`, `{"orderId":"` + strings.Repeat("x", maxID+1) + `"}`} {
		var d Decoder
		_, err := d.Notification(record("traditional-asset-order", body))
		var unreadable *UnreadableError
		require.ErrorAs(t, err, &unreadable)
		found = append(found, unreadable.Class)
	}
	require.Equal(t, found, views.Classes())
}

// The views contain the reasons, and a verification compares them with those of a new fold. Views that
// contain other words must therefore have another fold version.
func TestANewWordingOfAReasonRaisesTheVersion(t *testing.T) {
	var reasons []string
	for _, body := range []string{`{`, `[]`, `{}`, `{"orderId":5}`, `{"orderId":"a","orderId":""}`, `{"orderId":"` + strings.Repeat("x", maxID+1) + `"}`, "{\"orderId\":\"\xff\"}"} {
		var d Decoder
		_, err := d.Notification(record("traditional-asset-order", body))
		require.Error(t, err, body)
		reasons = append(reasons, err.Error())
	}
	require.Equal(t, []string{
		"projector: not-json: not JSON: jsontext: unexpected EOF after offset 1",
		"projector: not-an-object: JSON, but not an object",
		"projector: no-order-id: the body has no orderId",
		"projector: no-order-id: the body has no orderId (orderId: expected text, found a number; ignored)",
		"projector: no-order-id: the body has no orderId (orderId: occurs twice; the last value is used)",
		"projector: bad-order-id: orderId is 129 bytes long; the limit is 128",
		"projector: bad-order-id: orderId is not valid UTF-8",
	}, reasons, "raise decoderVersion, then write the new words here")
	require.Equal(t, 6, decoderVersion)
}
