package api

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestThroughputIsOfTheLastMinute(t *testing.T) {
	begin := time.Now()
	var m throughput
	at := func(seconds int, sequence uint64) *float64 {
		m.add(begin.Add(time.Duration(seconds)*time.Second), sequence)
		return m.perSecond()
	}
	require.Nil(t, at(0, 1000), "a single sample has no result")
	require.InDelta(t, 20, *at(5, 1100), 0.001)
	require.InDelta(t, 10, *at(10, 1100), 0.001)
	for s := 15; s <= 70; s += 5 {
		at(s, 1100)
	}
	require.Zero(t, *m.perSecond(), "values older than a minute do not count")
	require.Nil(t, at(75, 50), "rebuilt views are measured again")
	require.InDelta(t, 2, *at(80, 60), 0.001)
}
