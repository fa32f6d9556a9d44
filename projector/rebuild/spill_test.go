package rebuild

import (
	"bytes"
	"hash/maphash"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpilledEntriesAreReadBack(t *testing.T) {
	entries := [][]byte{{}, {1}, bytes.Repeat([]byte{2}, spillBuffer), {3}, bytes.Repeat([]byte{4}, 5*spillBuffer), {5}}
	for n := range len(entries) + 1 {
		s := &spill{path: t.TempDir() + "/spill"}
		for _, e := range entries[:n] {
			require.NoError(t, s.write(e))
		}
		var got [][]byte
		for e, err := range s.read() {
			require.NoError(t, err)
			got = append(got, []byte(e))
		}
		require.Len(t, got, n)
		for i := range got {
			require.True(t, bytes.Equal(entries[i], got[i]), i)
		}
		require.NoError(t, s.remove())
		require.NoFileExists(t, s.path)
		require.LessOrEqual(t, cap(s.buffered), spillBuffer)
	}
}

func TestAnIncompleteSpillIsAnError(t *testing.T) {
	s := &spill{path: t.TempDir() + "/spill"}
	entry := make([]byte, spillBuffer-lengthBytes)
	for range 3 {
		require.NoError(t, s.write(entry))
	}
	size := int64(2 * spillBuffer)
	for _, cut := range []int64{size - 1, spillBuffer, 3, 0} {
		require.NoError(t, os.Truncate(s.path, cut))
		requireCut(t, s)
	}
	require.NoError(t, os.Remove(s.path))
	requireCut(t, s)
	require.NoError(t, os.Mkdir(s.path, 0o700))
	require.ErrorContains(t, s.each(func(string) bool { return true }), "is a directory", "why it cannot be read")
}

func requireCut(t *testing.T, s *spill) {
	t.Helper()
	var failed error
	for _, err := range s.read() {
		failed = err
	}
	require.ErrorContains(t, failed, "read what was spilled: unexpected EOF")
}

func TestManyEntriesAreReadInPieces(t *testing.T) {
	s := &spill{path: t.TempDir() + "/spill"}
	for i := range 40_000 {
		require.NoError(t, s.write(bytes.Repeat([]byte{byte(i)}, i%53)))
	}
	require.NoError(t, s.write(bytes.Repeat([]byte{7}, 3*readTogether)))
	i := 0
	require.NoError(t, s.each(func(entry string) bool {
		if i < 40_000 {
			require.Equal(t, strings.Repeat(string([]byte{byte(i)}), i%53), entry)
		} else {
			require.Len(t, entry, 3*readTogether)
		}
		i++
		return true
	}))
	require.Equal(t, 40_001, i)
}

func TestASpillThatCannotBeWrittenIsAnError(t *testing.T) {
	s := &spill{path: t.TempDir() + "/missing/spill"}
	require.NoError(t, s.write([]byte{1}))
	require.ErrorContains(t, s.write(make([]byte, spillBuffer)), "projector: spill: open")
}

func TestANewPartBeginsWhenOneIsLarge(t *testing.T) {
	f := &bulkFold{builder: &builder{partOrders: 3}, dir: t.TempDir(), seed: maphash.MakeSeed()}
	a := f.part("a")
	require.Same(t, a, f.part("b"))
	require.NoError(t, a.write(make([]byte, partBytes)))
	c := f.part("c")
	require.NotSame(t, a, c)
	require.Same(t, a, f.part("a"))
	require.Same(t, c, f.part("d"))
	require.Same(t, c, f.part("e"))
	require.NotSame(t, c, f.part("f"))
	require.Len(t, f.parts, 3)
}
