package platform

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecentContainsOnlyTheLatestHashes(t *testing.T) {
	hash := func(n int) (h [16]byte) {
		binary.BigEndian.PutUint64(h[:], uint64(n))
		return h
	}
	r := recent{most: maxArrived}
	require.False(t, r.has(hash(0)))
	for n := range maxArrived {
		r.add(hash(n))
	}
	r.add(hash(1)) // removes 0; now 1 is contained twice
	require.False(t, r.has(hash(0)))
	r.add(hash(maxArrived)) // removes the first 1
	require.True(t, r.has(hash(1)))
	for n := range maxArrived - 2 {
		r.add(hash(2*maxArrived + n))
	}
	require.True(t, r.has(hash(1)))
	r.add(hash(3 * maxArrived))
	require.False(t, r.has(hash(1)))
	require.Len(t, r.known, maxArrived)
}
