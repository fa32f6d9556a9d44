package rebuild

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnOrderKeepsItsFirstHome(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h homes
	want := map[uint64]int{}
	for i := range 20_000 {
		hash := random.Uint64N(30_000) << homeBits // each hash about twice
		home, known := h.of(hash|random.Uint64N(1<<homeBits), i)
		first, was := want[hash]
		require.Equal(t, was, known)
		if !was {
			first, want[hash] = i, i
		}
		require.Equal(t, first, home)
	}
	require.Equal(t, len(want), h.taken)
	require.LessOrEqual(t, len(h.slots), 22*len(want)/8+1024)
}

func TestOrdersWithEqualHashBitsShareAHome(t *testing.T) {
	var h homes
	home, known := h.of(0, 3) // the smallest hash is distinguished from a free slot
	require.Equal(t, 3, home)
	require.False(t, known)
	home, known = h.of(1<<homeBits-1, 4)
	require.Equal(t, 3, home)
	require.True(t, known)
	home, known = h.of(1<<homeBits, 4)
	require.Equal(t, 4, home)
	require.False(t, known)
}
