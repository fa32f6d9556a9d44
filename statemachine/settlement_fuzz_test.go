package statemachine_test

import (
	"strings"
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func FuzzClosedDays(f *testing.F) {
	f.Add("2026-12-24 # Christmas Eve\n\n# nothing\n2027-12-31")
	f.Add("tomorrow\n2026-13-01\n")
	f.Fuzz(func(t *testing.T, text string) {
		days, err := statemachine.ParseClosedDays(text)
		if err != nil {
			require.Contains(t, err.Error(), "line ")
			require.Less(t, len(err.Error()), 20_000)
			return
		}
		s, err := statemachine.NewSchedule(nil, days)
		require.NoError(t, err)
		for _, d := range days {
			require.NotEmpty(t, s.Closed(d.Day))
			require.Contains(t, text, strings.TrimSpace(d.Day.String()))
		}
	})
}

func FuzzCycle(f *testing.F) {
	f.Add("TRADITIONAL=1@2027-10-11")
	f.Add("DIGITAL=0")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := statemachine.ParseCycle(text)
		if err != nil {
			return
		}
		again := c.Class.String() + "=" + strings.TrimPrefix(c.Name(), "T+")
		if c.From != 0 {
			again += "@" + c.From.String()
		}
		require.Equal(t, text, again, "a cycle has only one notation")
	})
}
