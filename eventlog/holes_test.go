package eventlog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// openInSmallBlocks opens a new log with blocks of 32 kB: the server derives their size from the limit
// that the stream has when it is opened. It then raises the limit.
func openInSmallBlocks(t *testing.T, p *place) *eventlog.Log {
	t.Helper()
	p.options.MaxBytes = 100_000
	l := open(t, p.options)
	require.NoError(t, l.SetLimit(t.Context(), 1<<30))
	return l
}

// large creates a log with several blocks, closes it, and returns its records.
func large(t *testing.T, p *place) (records []eventlog.Record) {
	t.Helper()
	l := openInSmallBlocks(t, p)
	var want []string
	for n := range 400 {
		want = append(want, fmt.Sprintf("%d:%s", n, strings.Repeat("x", 100)))
	}
	for _, a := range appendTogether(patient(t), l, want) {
		require.NoError(t, a.err)
	}
	records, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, records, len(want))
	require.NoError(t, l.Close())
	require.Greater(t, len(blocksOf(t, p)), 3)
	return records
}

// blocksOf returns the paths of the blocks of a log, in the order of their records.
func blocksOf(t *testing.T, p *place) []string {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(p.streamDir, "msgs", "*.blk"))
	require.NoError(t, err)
	require.Less(t, len(blocks), 10)
	slices.Sort(blocks)
	return blocks
}

// dropIndex removes the index of the blocks, which the server then builds from the blocks.
func dropIndex(t *testing.T, p *place) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(p.streamDir, "msgs", "index.db")))
}

// requireExactlyLeft checks that a reader gets every record after a position that is not missing: those
// in before, and records with the body "another" that were appended since.
func requireExactlyLeft(t *testing.T, l *eventlog.Log, before []eventlog.Record, after eventlog.Position) {
	t.Helper()
	bounds, err := l.Bounds(t.Context())
	require.NoError(t, err)
	require.Empty(t, bounds.Lost)
	read, err := readAll(t.Context(), l, after)
	require.NoError(t, err)
	require.Len(t, read, int(bounds.Last-after.Sequence-bounds.Missing.Between(after.Sequence, bounds.Last)))
	next := after.Sequence + 1
	for _, r := range read {
		for ; next < r.Sequence; next++ {
			require.True(t, bounds.Missing.Contains(next), "record %d", next)
		}
		require.False(t, bounds.Missing.Contains(next))
		if next <= uint64(len(before)) {
			require.Equal(t, before[next-1].Position(), r.Position())
		} else {
			require.Equal(t, "another", string(r.Body))
		}
		next++
	}
}

func TestADamagedBlockStopsEveryReaderUntilTheLossIsAccepted(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, p *place)
		unread bool // the server notices the damage only when it reads the record
		atEnd  bool // the last record is lost, too
	}{
		{"a bit is flipped in a middle block", func(t *testing.T, p *place) {
			edit(t, blocksOf(t, p)[1], flipInTheMiddle)
			dropIndex(t, p)
		}, false, false},
		{"a bit is flipped in a middle block, and the index hides it", func(t *testing.T, p *place) {
			edit(t, blocksOf(t, p)[1], flipInTheMiddle)
		}, true, false},
		{"the first block is missing", func(t *testing.T, p *place) {
			require.NoError(t, os.Remove(blocksOf(t, p)[0]))
		}, false, false},
		{"the first block and the index are missing", func(t *testing.T, p *place) {
			require.NoError(t, os.Remove(blocksOf(t, p)[0]))
			dropIndex(t, p)
		}, false, false},
		{"a middle block is missing", func(t *testing.T, p *place) {
			require.NoError(t, os.Remove(blocksOf(t, p)[1]))
			dropIndex(t, p)
		}, false, false},
		{"the last record is truncated, and the index still counts it", func(t *testing.T, p *place) {
			blocks := blocksOf(t, p)
			edit(t, blocks[len(blocks)-1], func(data []byte) []byte { return data[:len(data)-5] })
		}, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := embeddedPlace(t)
			before := large(t, p)
			first, last := before[0].Position(), before[len(before)-1].Position()
			test.damage(t, p)
			var lost string
			for again := range 3 {
				l := open(t, p.options)
				if test.unread && again == 0 {
					_, err := readAll(t.Context(), l, last)
					require.NoError(t, err, "the damage is not known yet")
					_, err = readAll(t.Context(), l, first)
					var gap *eventlog.GapError
					require.ErrorAs(t, err, &gap)
					require.ErrorIs(t, err, eventlog.ErrLost, "the reader that finds the damage gets the same error")
				}
				for _, after := range []eventlog.Position{{}, first, last} {
					_, err := readAll(t.Context(), l, after)
					require.ErrorIs(t, err, eventlog.ErrLost, "opened %d times", again+1)
					require.ErrorContains(t, err, "doctor --accept-loss")
				}
				for _, err := range l.Follow(t.Context(), last) {
					require.ErrorIs(t, err, eventlog.ErrLost)
				}
				bounds, err := l.Bounds(t.Context())
				require.NoError(t, err)
				lost = bounds.Missing.Words()
				require.ErrorContains(t, bounds.Lost.Err, lost)
				for n := range uint64(len(before)) {
					_, err := l.Get(t.Context(), n+1)
					require.Equal(t, bounds.Missing.Contains(n+1), err != nil, "record %d: %v", n+1, err)
				}
				appendAll(t, l, "another") // records can still be appended
				require.NoError(t, l.Close())
			}

			l := open(t, p.options)
			said, err := l.AcceptLoss(t.Context())
			require.NoError(t, err)
			require.Contains(t, said, lost)
			for range 2 {
				bounds, err := l.Bounds(t.Context())
				require.NoError(t, err)
				inside := before[bounds.Missing[0].First-1].Position()
				requireExactlyLeft(t, l, before, eventlog.Position{})
				requireExactlyLeft(t, l, before, last)
				requireExactlyLeft(t, l, before, inside)
				for _, wrong := range []eventlog.Position{{Log: "another", Sequence: inside.Sequence}, {Sequence: 300, Hash: inside.Hash}} {
					_, err = readAll(t.Context(), l, wrong)
					require.ErrorIs(t, err, eventlog.ErrDiverged)
				}
				said, err = l.AcceptLoss(t.Context())
				require.NoError(t, err)
				require.Empty(t, said, "there is no other loss to accept")
				require.NoError(t, l.Close())
				l = open(t, p.options)
			}
			bounds, err := l.Bounds(t.Context())
			require.NoError(t, err)
			require.NoError(t, l.Close())

			edit(t, filepath.Join(p.streamDir, "msgs", "3.blk"), flipInTheMiddle) // another hole
			dropIndex(t, p)
			l = open(t, p.options)
			after, err := l.Bounds(t.Context())
			require.NoError(t, err)
			_, err = readAll(t.Context(), l, last)
			require.ErrorIs(t, err, eventlog.ErrLost)
			require.Greater(t, after.Missing.Count(), bounds.Missing.Count())
			if !test.unread { // otherwise the server now cuts the block off at the damage, and the accepted hole has grown
				require.NotContains(t, err.Error(), bounds.Missing.Words(), "the accepted loss is not reported again")
			}
			require.ErrorContains(t, err, "whose loss was accepted")
			_, err = l.AcceptLoss(t.Context())
			require.NoError(t, err)
			requireExactlyLeft(t, l, before, eventlog.Position{})
		})
	}
}

func TestTheAcceptanceOfALossIsWithdrawnWhenTheRecordsReturn(t *testing.T) {
	p := embeddedPlace(t)
	before := large(t, p)
	block := blocksOf(t, p)[1]
	whole, err := os.ReadFile(block)
	require.NoError(t, err)
	for range 2 {
		edit(t, block, flipInTheMiddle)
		dropIndex(t, p)
		l := open(t, p.options)
		_, err = readAll(t.Context(), l, eventlog.Position{})
		require.ErrorIs(t, err, eventlog.ErrLost)
		_, err = l.AcceptLoss(t.Context())
		require.NoError(t, err)
		requireExactlyLeft(t, l, before, eventlog.Position{})
		require.NoError(t, l.Close())

		require.NoError(t, os.WriteFile(block, whole, 0o600))
		dropIndex(t, p)
		l = open(t, p.options)
		bounds, err := l.Bounds(t.Context())
		require.NoError(t, err)
		require.Empty(t, bounds.Missing)
		requireExactlyLeft(t, l, before, eventlog.Position{})
		require.NoError(t, l.Close())
	}

	edit(t, block, flipInTheMiddle) // the index hides the damage
	l := open(t, p.options)
	_, err = readAll(t.Context(), l, eventlog.Position{})
	require.Error(t, err)
	require.NoError(t, l.Close())
	require.NoError(t, os.WriteFile(block, whole, 0o600))
	l = open(t, p.options)
	requireExactlyLeft(t, l, before, eventlog.Position{})
}

func TestAnInvalidListOfAcceptedLossesIsIgnored(t *testing.T) {
	p := separatePlace(t, "")
	stream := holed(t, p, 4, 5)
	l := open(t, p.options)
	bounds, err := l.Bounds(t.Context())
	require.NoError(t, err)
	js := p.admin(t, l)
	set := func(notes map[string]string) {
		config := stream.CachedInfo().Config
		config.DenyDelete, config.DenyPurge, config.AllowDirect, config.AllowAtomicPublish = true, true, true, true
		config.Metadata = notes
		_, err := js.UpdateStream(t.Context(), config)
		require.NoError(t, err)
	}
	for _, c := range []struct{ name, note, says string }{
		{"a list of another log", "2020-01-01T00:00:00Z 4-5", "belongs to another log"},
		{"no identity", "4-5", "belongs to another log"},
		{"no ranges", bounds.Log + " all", "cannot be read"},
		{"an empty list", bounds.Log + " ", "cannot be read"},
		{"ranges that do not ascend", bounds.Log + " 5,4", "cannot be read"},
		{"ranges that touch", bounds.Log + " 4,5", "cannot be read"},
		{"records after the end of the log", bounds.Log + " 4-5000", "does not fit the log, which ends at record 10"},
		{"only some of the missing records", bounds.Log + " 4", "record 5 is missing, in addition to 1 whose loss was accepted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set(map[string]string{"orderfold-accepted": c.note})
			_, err := readAll(t.Context(), l, eventlog.Position{})
			require.ErrorIs(t, err, eventlog.ErrLost)
			require.ErrorContains(t, err, c.says)
			open(t, p.options)
			_, err = l.AcceptLoss(t.Context())
			require.NoError(t, err)
			read, err := readAll(t.Context(), l, eventlog.Position{})
			require.NoError(t, err)
			require.Len(t, read, 8)
		})
	}
	set(map[string]string{"orderfold-accepted": bounds.Log + " 4-5", "orderfold-unreadable": "7"})
	_, err = readAll(t.Context(), l, eventlog.Position{})
	require.ErrorIs(t, err, eventlog.ErrLost, "an invalid list of unreadable records stops readers")
	_, err = l.AcceptLoss(t.Context())
	require.NoError(t, err)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, read, 8)
}
