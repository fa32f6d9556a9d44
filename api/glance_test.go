package api

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestManyUnauthorizedProbesReadTheViewsOnlyOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g glance
		asked := 0
		ask := func() Health {
			asked++
			reason := "not for strangers"
			return Health{Ready: asked > 1, Reason: &reason}
		}
		answers := make(chan Health, 100)
		for range 100 {
			go func() { answers <- g.of(ask) }()
		}
		for range 100 {
			require.Equal(t, Health{}, <-answers)
		}
		require.Equal(t, 1, asked)
		time.Sleep(glancePause)
		require.Equal(t, Health{Ready: true}, g.of(ask), "it is not shown for ever")
		require.Equal(t, 2, asked)
	})
}
