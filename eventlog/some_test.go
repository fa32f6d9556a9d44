package eventlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orderfold/orderfold/eventlog"
)

// requests counts the direct gets of the log, and the records that they request, until take is called.
// Gets of the last record are not counted, because the log makes them from time to time by itself.
func requests(t *testing.T, l *eventlog.Log) (take func() (requests, records int)) {
	t.Helper()
	bounds, err := l.Bounds(t.Context())
	require.NoError(t, err)
	seen := make(chan *nats.Msg, 100_000)
	conn := eventlog.JetStream(l).Conn()
	sub, err := conn.ChanSubscribe("$JS.API.DIRECT.GET.NOTIFICATIONS", seen)
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	return func() (requests, records int) {
		require.NoError(t, conn.Flush())
		require.NoError(t, sub.Unsubscribe())
		for len(seen) > 0 {
			var r struct {
				Seq   uint64
				Batch int
			}
			require.NoError(t, json.Unmarshal((<-seen).Data, &r))
			if r.Seq == bounds.Last && r.Batch == 0 {
				continue
			}
			requests++
			records += max(r.Batch, 1)
		}
		return requests, records
	}
}

// fillMixed appends count records, of which every hundredth is large, and returns the records read from
// the log.
func fillMixed(t *testing.T, l *eventlog.Log, count int) []eventlog.Record {
	t.Helper()
	var bodies []string
	for i := range count {
		body := fmt.Sprintf(`{"n":%d}`, i)
		if i%100 == 99 {
			body += strings.Repeat(" ", 100<<10)
		}
		bodies = append(bodies, body)
	}
	for _, a := range appendTogether(patient(t), l, bodies) {
		require.NoError(t, a.err)
	}
	records, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	return records
}

func TestRecordsYieldsTheRequestedRecords(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	const records = 1000
	all := fillMixed(t, l, records)
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.SampledFrom([]int{1, 2, 4, 5, 40}).Draw(t, "step")
		var want []uint64
		for s := rapid.IntRange(1, records).Draw(t, "from"); s <= records+3; s += rapid.IntRange(1, step).Draw(t, "gap") {
			want = append(want, uint64(s))
		}
		i := 0
		for r, err := range l.Records(t.Context(), want) {
			require.Equal(t, want[i], r.Sequence, "%v", err)
			if r.Sequence > records {
				require.ErrorIs(t, err, eventlog.ErrNotFound)
			} else {
				require.NoError(t, err)
				require.Equal(t, all[r.Sequence-1].Position(), r.Position())
			}
			i++
		}
		require.Len(t, want, i)
	})
}

func TestRecordsRequestsNeighboursTogether(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	fillMixed(t, l, 3000)
	for name, c := range map[string]struct{ step, requests, records int }{
		"every record":     {1, 3000/64 + 3000/100/10 + 2, 2 * 3000}, // a request ends after a megabyte
		"every third":      {3, 3000/64 + 3000/100/10 + 2, 2 * 3000},
		"every fiftieth":   {50, 60, 60},
		"every thousandth": {1000, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var want []uint64
			for s := 1; s <= 3000; s += c.step {
				want = append(want, uint64(s))
			}
			take := requests(t, l)
			for _, err := range l.Records(t.Context(), want) {
				require.NoError(t, err)
			}
			requests, records := take()
			require.LessOrEqual(t, requests, c.requests)
			require.LessOrEqual(t, records, c.records, "records that are not near a wanted one are not requested")
			require.NotZero(t, requests)
		})
	}
}

func TestRecordsYieldsAnErrorForEachLostRecord(t *testing.T) {
	p := embeddedPlace(t)
	before := large(t, p)
	edit(t, blocksOf(t, p)[1], flipInTheMiddle)
	dropIndex(t, p)
	l := open(t, p.options)
	var all []uint64
	for i := range before {
		all = append(all, uint64(i+1))
	}
	read := func() (lost, accepted []uint64) {
		for r, err := range l.Records(t.Context(), all) {
			if errors.Is(err, eventlog.ErrNotFound) {
				lost = append(lost, r.Sequence)
				if errors.Is(err, eventlog.ErrAcceptedLoss) {
					accepted = append(accepted, r.Sequence)
				}
				continue
			}
			require.NoError(t, err)
			require.Equal(t, before[r.Sequence-1].Position(), r.Position())
		}
		return lost, accepted
	}
	lost, accepted := read()
	require.NotEmpty(t, lost)
	require.Empty(t, accepted, "the loss was not accepted yet")
	for _, sequence := range lost {
		_, err := l.Get(t.Context(), sequence)
		require.ErrorIs(t, err, eventlog.ErrNotFound, "%d", sequence)
		_, err = l.HasLost(t.Context(), sequence)
		require.NoError(t, err)
	}
	_, err := l.AcceptLoss(t.Context())
	require.NoError(t, err)
	again, accepted := read()
	require.Equal(t, lost, again)
	require.Equal(t, lost, accepted)
	require.True(t, slices.IsSorted(accepted))
}

func TestRecordsEndsWithAnErrorWhenTheLogIsClosed(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	fillMixed(t, l, 10)
	require.NoError(t, l.Close())
	var last error
	for _, err := range l.Records(t.Context(), []uint64{1, 2, 9}) {
		last = err
	}
	require.ErrorIs(t, last, eventlog.ErrUnavailable)
}

func TestRecordsRequestsLargeRecordsOnlyWhenTheyAreDue(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	var bodies []string
	var want []uint64
	for i := range 200 {
		bodies = append(bodies, fmt.Sprintf(`{"n":%d}`, i)+strings.Repeat(" ", 256<<10))
		want = append(want, uint64(i+1))
	}
	for _, a := range appendTogether(patient(t), l, bodies) {
		require.NoError(t, a.err)
	}
	take := requests(t, l)
	read := 0
	for r, err := range l.Records(t.Context(), want) {
		require.NoError(t, err)
		read++
		require.EqualValues(t, read, r.Sequence)
		if read == 1 {
			asked, _ := take()
			require.Equal(t, 200/64+1, asked, "each span is requested once")
			take = requests(t, l)
		}
	}
	require.Equal(t, 200, read)
	again, _ := take()
	require.GreaterOrEqual(t, again, 200/5-200/64-1, "the other records are requested when they are due, four or five at a time")
}
