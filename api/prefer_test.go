package api

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPreferredWaitIsBounded(t *testing.T) {
	for prefer, want := range map[string]time.Duration{
		"":                             2 * time.Second,
		"wait=0":                       0,
		"wait=7":                       7 * time.Second,
		"respond-async, Wait = 7":      7 * time.Second,
		"wait=31":                      30 * time.Second,
		"wait=4294967295":              30 * time.Second,
		"wait=99999999999999999999999": 2 * time.Second,
		"wait=-1":                      2 * time.Second,
		"wait=soon":                    2 * time.Second,
		"wait":                         2 * time.Second,
	} {
		require.Equal(t, want, preferredWait(prefer), prefer)
	}
	require.Greater(t, requestTimeout, maxWait, "net/http would cancel a request that waits longer than it may be read")
}
