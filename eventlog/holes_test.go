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

// openInSmallBlocks opens a new log, with no limit in the tests' way. Its blocks have 32 kB: the server chooses them by the limit that a log
// has when it is opened.
func openInSmallBlocks(t *testing.T, p *place) *eventlog.Log {
	t.Helper()
	p.options.MaxBytes = 100_000
	l := open(t, p.options)
	require.NoError(t, l.SetLimit(t.Context(), 1<<30))
	return l
}

// large fills a log with records that need several blocks, and closes it.
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

func blocksOf(t *testing.T, p *place) []string {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(p.streamDir, "msgs", "*.blk"))
	require.NoError(t, err)
	require.Less(t, len(blocks), 10)
	slices.Sort(blocks)
	return blocks
}

func dropIndex(t *testing.T, p *place) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(p.streamDir, "msgs", "index.db")))
}

// requireExactlyLeft wants every record, of those that were and of those appended since, that the log has, and no other.
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

func TestADamagedBlockHoldsEveryReaderBackUntilTheLossIsAccepted(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, p *place)
		unread bool // the server notices it only when it reads the record
		atEnd  bool // the last record of before is gone, too
	}{
		{"a bit is flipped in a middle block", func(t *testing.T, p *place) {
			edit(t, blocksOf(t, p)[1], flipInTheMiddle)
			dropIndex(t, p)
		}, false, false},
		{"a bit is flipped in a middle block, which the index hides", func(t *testing.T, p *place) {
			edit(t, blocksOf(t, p)[1], flipInTheMiddle)
		}, true, false},
		{"the first block is gone", func(t *testing.T, p *place) {
			require.NoError(t, os.Remove(blocksOf(t, p)[0]))
		}, false, false},
		{"the first block and the index are gone", func(t *testing.T, p *place) {
			require.NoError(t, os.Remove(blocksOf(t, p)[0]))
			dropIndex(t, p)
		}, false, false},
		{"a middle block is gone", func(t *testing.T, p *place) {
			require.NoError(t, os.Remove(blocksOf(t, p)[1]))
			dropIndex(t, p)
		}, false, false},
		{"the last record is torn, and the index still counts it", func(t *testing.T, p *place) {
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
					require.NoError(t, err, "nobody can know yet")
					_, err = readAll(t.Context(), l, first)
					var gap *eventlog.GapError
					require.ErrorAs(t, err, &gap)
					require.ErrorIs(t, err, eventlog.ErrLost, "who met it is told what to do, too")
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
				appendAll(t, l, "another") // receiving goes on
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
				require.Empty(t, said, "nothing is left to accept")
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
			if !test.unread { // where the server cuts the block off there, the hole that was accepted is a larger one now
				require.NotContains(t, err.Error(), bounds.Missing.Words(), "what was accepted is not told again")
			}
			require.ErrorContains(t, err, "whose loss was accepted")
			_, err = l.AcceptLoss(t.Context())
			require.NoError(t, err)
			requireExactlyLeft(t, l, before, eventlog.Position{})
		})
	}
}

func TestALossThatWasAcceptedIsNotAcceptedAgainWhenTheRecordsHaveComeBack(t *testing.T) {
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

	edit(t, block, flipInTheMiddle) // which the index hides
	l := open(t, p.options)
	_, err = readAll(t.Context(), l, eventlog.Position{})
	require.Error(t, err)
	require.NoError(t, l.Close())
	require.NoError(t, os.WriteFile(block, whole, 0o600))
	l = open(t, p.options)
	requireExactlyLeft(t, l, before, eventlog.Position{})
}

func TestANoteThatIsDamagedOrForeignIsNotBelieved(t *testing.T) {
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
		{"of another log", "2020-01-01T00:00:00Z 4-5", "is not of this log"},
		{"of no log", "4-5", "is not of this log"},
		{"no ranges", bounds.Log + " all", "cannot be read"},
		{"nothing", bounds.Log + " ", "cannot be read"},
		{"not in order", bounds.Log + " 5,4", "cannot be read"},
		{"in another form", bounds.Log + " 4,5", "cannot be read"},
		{"for what is to come", bounds.Log + " 4-5000", "does not fit the log, which ends at record 10"},
		{"for too little", bounds.Log + " 4", "record 5 is missing, besides the 1 whose loss was accepted"},
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
	require.ErrorIs(t, err, eventlog.ErrLost, "somebody found something that cannot be read")
	_, err = l.AcceptLoss(t.Context())
	require.NoError(t, err)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, read, 8)
}
