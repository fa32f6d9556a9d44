package projector

import (
	"errors"
	"fmt"
	"testing"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/stretchr/testify/require"
)

func read(sequence int, body string) *eventlog.Record {
	return &eventlog.Record{Sequence: uint64(sequence), Object: "traditional-asset-order", Body: []byte(body)}
}

func TestAnInboxIsFull(t *testing.T) {
	order := `{"orderId":"a","status":"PLACED"}`
	large := `{"orderId":"a","note":"` + string(make([]byte, parcelBytes)) + `"}`
	for name, test := range map[string]struct {
		records int // asked for
		body    string
		fit     int
	}{
		"with as many records as a batch takes": {records: 3, body: order, fit: 3},
		"with as many as a parcel takes":        {records: 1_000_000, body: order, fit: parcelRecords},
		"with one large record":                 {records: 10, body: large, fit: 1},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(test.records)
			for i := range test.fit {
				require.Empty(t, in.full)
				require.Equal(t, i < test.fit-1, in.put(read(i+1, test.body)))
			}
			require.Len(t, in.full, 1)
			p, end := in.take()
			require.NoError(t, end)
			require.Equal(t, test.fit, p.records)
			require.Equal(t, uint64(test.fit), p.last.Sequence)
			require.Len(t, in.room, 1)
		})
	}
}

func TestTheEndOfAnInboxComesWithWhatWasPutBefore(t *testing.T) {
	failed := errors.New("the log is away")
	for name, test := range map[string]struct{ end, told error }{
		"told by the reader":     {failed, failed},
		"not told by the reader": {nil, errEnded},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(10)
			for i := range 3 {
				in.put(read(i+1, fmt.Sprintf(`{"orderId":"o-%d"}`, i)))
			}
			p, end := in.take()
			require.NoError(t, end)
			require.Len(t, p.notifications, 3)
			in.giveBack(p.notifications)
			in.put(read(4, `not JSON`))
			in.close(test.end)
			p, end = in.take()
			require.Equal(t, test.told, end)
			require.Empty(t, p.notifications, "what was given back is empty")
			require.Len(t, p.intake.batch.Quarantined, 1)
			require.Equal(t, 1, p.records)
			p, end = in.take()
			require.Equal(t, test.told, end)
			require.Zero(t, p.records)
		})
	}
}
