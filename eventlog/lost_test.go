package eventlog_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// It does not matter how often the log is opened, or what is appended meanwhile.
func TestALogThatLostItsEndCannotBeReadUntilTheLossIsAccepted(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(t *testing.T, p *place)
		says string
		left int
	}{
		{"the end is cut off", func(t *testing.T, p *place) {
			blocks, err := filepath.Glob(filepath.Join(p.streamDir, "msgs", "*.blk"))
			require.NoError(t, err)
			edit(t, blocks[len(blocks)-1], func(data []byte) []byte { return data[:len(data)-5] })
			require.NoError(t, os.Remove(filepath.Join(p.streamDir, "msgs", "index.db")))
		}, "its last record was 5, and is 4 now: 1 records that were acknowledged are gone", 4},
		{"the store is deleted", func(t *testing.T, p *place) {
			require.NoError(t, os.RemoveAll(filepath.Join(p.options.Dir, "nats")))
		}, "had 5 records; the one that is here now is ", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := embeddedPlace(t)
			l := open(t, p.options)
			for range 5 {
				appendAll(t, l, "one")
			}
			require.NoError(t, l.Close())
			c.harm(t, p)
			for again := range 3 {
				l = open(t, p.options)
				_, err := readAll(t.Context(), l, eventlog.Position{})
				require.ErrorIs(t, err, eventlog.ErrLost, "opened %d times", again+1)
				require.ErrorContains(t, err, c.says)
				require.ErrorContains(t, err, "doctor --accept-loss")
				bounds, err := l.Bounds(t.Context())
				require.NoError(t, err)
				require.ErrorContains(t, bounds.Lost.Err, c.says)
				require.Equal(t, eventlog.LossAdvice, bounds.Lost.Hint)
				require.NotContains(t, bounds.Lost.Err.Error(), eventlog.LossAdvice)
				require.False(t, bounds.Lost.Clears)
				for range 4 {
					appendAll(t, l, "another") // after three rounds these are more than were lost
				}
				require.NoError(t, l.Close())
			}

			options := p.options
			options.ReadLost = true
			l = open(t, options)
			left, err := readAll(t.Context(), l, eventlog.Position{})
			require.NoError(t, err, "with ReadLost the remaining records can be read")
			require.Len(t, left, c.left+12)
			missing, err := l.AcceptLoss(t.Context())
			require.NoError(t, err)
			require.Contains(t, missing, c.says)
			missing, err = l.AcceptLoss(t.Context())
			require.NoError(t, err)
			require.Empty(t, missing, "there is no other loss to accept")
			require.NoError(t, l.Close())

			l = open(t, p.options)
			_, err = readAll(t.Context(), l, eventlog.Position{})
			require.NoError(t, err)
			require.NoError(t, l.Close())
		})
	}
}

// Two copies of a log that diverged have the same identity. Only the hash of a record distinguishes
// them.
func TestADivergedCopyInThePlaceOfTheLogIsALoss(t *testing.T) {
	p, other := embeddedPlace(t), embeddedPlace(t)
	store := func(p *place) string { return filepath.Join(p.options.Dir, "nats") }
	l := open(t, p.options)
	appendAll(t, l, numbered(1, 5)...)
	require.NoError(t, l.Close())
	require.NoError(t, os.CopyFS(store(other), os.DirFS(store(p))))
	for at, bodies := range map[*place][]string{p: {"6"}, other: {"six", "seven"}} {
		l := open(t, at.options)
		appendAll(t, l, bodies...)
		require.NoError(t, l.Close())
	}
	require.NoError(t, os.RemoveAll(store(p)))
	require.NoError(t, os.CopyFS(store(p), os.DirFS(store(other))))

	l = open(t, p.options)
	_, err := readAll(t.Context(), l, eventlog.Position{})
	require.ErrorIs(t, err, eventlog.ErrLost)
	require.ErrorContains(t, err, "its record 6, which was the last one, is now a different record")
	_, err = l.AcceptLoss(t.Context())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	l = open(t, p.options)
	read, err := readAll(t.Context(), l, eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, read, 7)
}
