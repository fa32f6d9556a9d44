package projector

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

func read(sequence int, body string) *eventlog.Record {
	return &eventlog.Record{Sequence: uint64(sequence), Object: "traditional-asset-order", Body: []byte(body)}
}

// noViews contain no order.
type noViews struct{}

func (noViews) Load(context.Context, []string) (map[string]views.Entry, error) { return nil, nil }

// changes returns what the records of a parcel change in empty views.
func changes(t *testing.T, p *fold.Parcel) views.Batch {
	t.Helper()
	b := fold.NewBatcher(noViews{}, 1)
	var m fold.Batch
	require.NoError(t, b.Add(t.Context(), &m, p))
	b.Finish(&m)
	return *m.Changes()
}

func TestAnInboxIsFullAtItsLimits(t *testing.T) {
	order := `{"orderId":"a","status":"PLACED"}`
	large := `{"orderId":"a","note":"` + string(make([]byte, parcelBytes)) + `"}`
	for name, test := range map[string]struct {
		records int // requested
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
			require.Equal(t, test.fit, p.Records)
			require.Equal(t, uint64(test.fit), changes(t, &p).Checkpoint.Sequence)
			require.Len(t, in.room, 1)
		})
	}
}

func TestTheEndOfAnInboxComesWithTheRecordsBeforeIt(t *testing.T) {
	failed := errors.New("the log is away")
	for name, test := range map[string]struct{ end, told error }{
		"reported by the reader":     {failed, failed},
		"not reported by the reader": {nil, errEnded},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(10)
			for i := range 3 {
				in.put(read(i+1, fmt.Sprintf(`{"orderId":"o-%d"}`, i)))
			}
			p, end := in.take()
			require.NoError(t, end)
			require.Len(t, p.Notifications, 3)
			in.giveBack(p.Notifications)
			in.put(read(4, `not JSON`))
			in.close(test.end)
			p, end = in.take()
			require.Equal(t, test.told, end)
			require.Empty(t, p.Notifications, "the released memory is empty")
			require.Len(t, changes(t, &p).Quarantined, 1)
			require.Equal(t, 1, p.Records)
			p, end = in.take()
			require.Equal(t, test.told, end)
			require.Zero(t, p.Records)
		})
	}
}
