package eventlog_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orderfold/orderfold/eventlog"
)

// edit replaces the content of a file.
func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, change(data), 0o600))
}

// flipInTheMiddle flips a bit in the middle of data, in the padding of a body if there is one.
func flipInTheMiddle(data []byte) []byte {
	at := len(data) / 2
	at += max(0, bytes.Index(data[at:], []byte("xxxxxxxx")))
	data[at] ^= 0x10
	return data
}

func TestADamagedLogNeverPassesForAnIntactOne(t *testing.T) {
	remove := func(names ...string) func(t *testing.T, p *place, blocks []string) {
		return func(t *testing.T, p *place, _ []string) {
			for _, name := range names {
				require.NoError(t, os.RemoveAll(filepath.Join(p.streamDir, name)))
			}
		}
	}
	const lost, holes = "THE LOG LOST ITS END", "THE LOG HAS HOLES"
	tests := []struct {
		name   string
		damage func(t *testing.T, p *place, blocks []string)
		sound  bool   // nothing is lost
		says   string // the error that is logged at the start
	}{
		{"the last record is truncated", func(t *testing.T, _ *place, blocks []string) {
			edit(t, blocks[len(blocks)-1], func(data []byte) []byte { return data[:len(data)-5] })
		}, false, holes},
		{"the last record is truncated and the index is missing", func(t *testing.T, p *place, blocks []string) {
			edit(t, blocks[len(blocks)-1], func(data []byte) []byte { return data[:len(data)-5] })
			remove("msgs/index.db")(t, p, blocks)
		}, false, lost},
		{"a bit is flipped in the middle of the first block", func(t *testing.T, _ *place, blocks []string) {
			edit(t, blocks[0], flipInTheMiddle)
		}, false, ""},
		{"a bit is flipped in the middle of the first block and the index is missing", func(t *testing.T, p *place, blocks []string) {
			edit(t, blocks[0], flipInTheMiddle)
			remove("msgs/index.db")(t, p, blocks)
		}, false, holes},
		{"a bit is flipped in the middle of the last block", func(t *testing.T, _ *place, blocks []string) {
			edit(t, blocks[len(blocks)-1], flipInTheMiddle)
		}, false, ""},
		{"a bit is flipped in the middle of the last block and the index is missing", func(t *testing.T, p *place, blocks []string) {
			edit(t, blocks[len(blocks)-1], flipInTheMiddle)
			remove("msgs/index.db")(t, p, blocks)
		}, false, lost},
		{"the first block is missing", func(t *testing.T, _ *place, blocks []string) {
			require.NoError(t, os.Remove(blocks[0]))
		}, false, holes},
		{"the last block is missing", func(t *testing.T, _ *place, blocks []string) {
			require.NoError(t, os.Remove(blocks[len(blocks)-1]))
		}, false, holes},
		{"the index is missing", remove("msgs/index.db"), true, ""},
		{"the index is damaged", func(t *testing.T, p *place, _ []string) {
			edit(t, filepath.Join(p.streamDir, "msgs", "index.db"), flipInTheMiddle)
		}, true, ""},
		{"the checksum of the stream settings is missing", remove("meta.sum"), false, ""},
		{"the folder of the consumers is missing", remove("obs"), true, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := embeddedPlace(t)
			l := openInSmallBlocks(t, p)
			const records = 180
			var want []string
			for n := range records {
				want = append(want, fmt.Sprintf("%d:%s", n, strings.Repeat("x", 500)))
			}
			for _, a := range appendTogether(patient(t), l, want) {
				require.NoError(t, a.err)
			}
			before, err := readAll(t.Context(), l, eventlog.Position{})
			require.NoError(t, err)
			require.Len(t, before, records)
			require.NoError(t, l.Close())
			blocks, err := filepath.Glob(filepath.Join(p.streamDir, "msgs", "*.blk"))
			require.NoError(t, err)
			require.Greater(t, len(blocks), 1)
			slices.Sort(blocks)
			test.damage(t, p, blocks)

			core, logged := observer.New(zap.WarnLevel)
			p.options.Logger = zaptest.NewLogger(t, zaptest.WrapOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return zapcore.NewTee(c, core) })))
			l, err = eventlog.Open(t.Context(), p.options)
			if err != nil {
				require.ErrorIs(t, err, eventlog.ErrNoStream)
				require.ErrorContains(t, err, p.streamDir)
				t.Log(err)
				return
			}
			defer func() { require.NoError(t, l.Close()) }()
			bounds, err := l.Bounds(t.Context())
			require.NoError(t, err)
			t.Logf("the log is now %d to %d", bounds.First, bounds.Last)
			for _, warning := range []string{lost, holes} {
				require.Equal(t, warning == test.says, logged.FilterMessageSnippet(warning).Len() == 1, warning)
			}
			requireNoPretence(t, l, before, test.sound)
			for range 60 { // more than were lost from the end, so that their sequences are given to other records
				appendAll(t, l, "another")
			}
			requireNoPretence(t, l, before, test.sound)
		})
	}
}

// requireNoPretence checks that a reader gets the original records until it gets an error or the log
// ends, and that a reader at the original end gets an error unless the log is intact.
func requireNoPretence(t *testing.T, l *eventlog.Log, before []eventlog.Record, sound bool) {
	t.Helper()
	last := before[len(before)-1].Position()
	read, err := readAll(t.Context(), l, eventlog.Position{})
	same := 0
	for same < min(len(read), len(before)) && read[same].Position() == before[same].Position() {
		same++
	}
	_, atEnd := readAll(t.Context(), l, last)
	t.Logf("%d original records, %d read, then %v; after the original end: %v", same, len(read), err, atEnd)
	if sound {
		require.NoError(t, err)
		require.NoError(t, atEnd)
		require.Equal(t, len(before), same)
		return
	}
	if same < len(before) && err == nil { // the end was cut off, and other records may follow
		require.Error(t, atEnd)
	}
	for _, r := range read[same:] {
		require.Equal(t, "another", string(r.Body), "record %d was changed", r.Sequence)
	}
}
