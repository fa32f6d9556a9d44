package statemachine_test

import (
	"strings"
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestTheExplanationNamesTheFactThatDecidesAndWhyTheOthersDoNot(t *testing.T) {
	for _, c := range []struct{ facts, verdicts, summary, why string }{
		{"PLACED · FILLED 10", "outranked decides", "The order is FILLED since 2026-03-02T09:02:00Z, because notification 2 reported it. " +
			"One fact is outranked. It no longer trades and awaits settlement. Executed: 10.", "FILLED (rank 8) outranks PLACED (rank 4)."},
		{"PLACED · PLACED", "decides agrees", "It can still trade.", "Notification 1 said the same earlier."},
		{"CANCELED · EXPIRED", "decides outranked", "It is final: nothing more is expected.", "Of closed statuses the earliest counts: CANCELED"},
		{"EXPIRED @1 · CANCELED @1", "outranked decides", "notification 2 reported it", "at the same time CANCELED comes before EXPIRED"},
		{"PLACED · FILLED 10 · GET:CANCELED 0", "superseded superseded decides", "because notification 3 fetched it. 2 facts are no longer true: notification 3 restated",
			"Notification 3 restated the order as CANCELED"},
		{"PLACED · MYSTERY", "decides unranked", "One fact is of a status without rank.", "MYSTERY is not a status the rules know"},
		{"PLACED · CANCELLATION_ACCEPTED", "decides unranked", "To be looked at: unused_status (warn).", "does not use CANCELLATION_ACCEPTED"},
		{"MYSTERY", "unranked", "the status is not known", "decides nothing"},
	} {
		t.Run(c.facts, func(t *testing.T) {
			o := fold(parseFacts(t, c.facts))
			e := o.Explain()
			var verdicts, reasons []string
			for _, j := range e.Facts {
				verdicts, reasons = append(verdicts, string(j.Verdict)), append(reasons, j.Why)
			}
			require.Equal(t, c.verdicts, strings.Join(verdicts, " "))
			require.Contains(t, strings.Join(e.Summary, " "), c.summary)
			require.Contains(t, strings.Join(reasons, " "), c.why)
			for _, j := range e.Facts {
				require.Equal(t, j.Verdict == statemachine.Decides, j.Sequence == e.DecidedBy)
			}
		})
	}
}
