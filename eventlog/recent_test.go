package eventlog_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

func TestHashesAreTheSameForFollowedAndReadRecords(t *testing.T) {
	l := open(t, embeddedPlace(t).options)
	all := fillMixed(t, l, 5000)
	var want []uint64
	for s := uint64(1); s <= 5002; s += 3 {
		want = append(want, s)
	}
	requireHashes := func() {
		t.Helper()
		hashes, err := l.Hashes(t.Context(), want)
		require.NoError(t, err)
		for _, sequence := range want {
			if sequence > 5000 {
				require.NotContains(t, hashes, sequence)
				continue
			}
			require.Equal(t, all[sequence-1].Position().Hash, hashes[sequence])
		}
	}
	requireHashes()
	ctx, cancel := context.WithCancel(t.Context())
	for r, err := range l.Follow(ctx, eventlog.Position{}) {
		require.NoError(t, err)
		if r.Sequence == 5000 {
			break
		}
	}
	cancel()
	requireHashes() // the hashes of the last records are kept since Follow
	take := requests(t, l)
	_, err := l.Hashes(t.Context(), []uint64{4990, 4999, 5000})
	require.NoError(t, err)
	asked, _ := take()
	require.Zero(t, asked, "records that were followed recently are not read again")
}

func TestFollowForgetsEarlierHashes(t *testing.T) {
	place := embeddedPlace(t)
	l := open(t, place.options)
	for i := range 3 {
		appendAll(t, l, fmt.Sprintf(`{"n":%d}`, i))
	}
	for r, err := range l.Follow(t.Context(), eventlog.Position{}) {
		require.NoError(t, err)
		if r.Sequence == 3 {
			break
		}
	}
	for _, err := range l.Follow(t.Context(), eventlog.Position{Sequence: 3, Hash: "of another log"}) {
		require.ErrorIs(t, err, eventlog.ErrDiverged)
	}
	take := requests(t, l)
	hashes, err := l.Hashes(t.Context(), []uint64{2})
	require.NoError(t, err)
	require.NotEmpty(t, hashes[2])
	asked, _ := take()
	require.Equal(t, 1, asked)
}
