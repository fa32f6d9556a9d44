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
