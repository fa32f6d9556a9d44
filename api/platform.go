package api

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// Platform tells how it stands with asking the platform for what it did not notify.
type Platform interface {
	Asking() Asking
	// Asked tells what is not in the log: that an order is pending or was given up. lastSequence is of its last notification.
	Asked(id string, lastSequence uint64) (Asked, bool)
}

// Asking says how it stands with asking the platform. Counts are since the start of the process.
type Asking struct {
	Enabled             bool    `json:"enabled" doc:"The platform is asked; false: everything below is 0."`
	Pending             int     `json:"pending" doc:"Orders that are to be asked for."`
	Asked               uint64  `json:"asked" doc:"Answers appended to the log."`
	GivenUp             int     `json:"givenUp" doc:"Orders that the platform does not have or does not answer sensibly."`
	Skipped             uint64  `json:"skipped" doc:"Orders that could not be examined, and undelivered notifications that could not be appended: the others did not wait for them. lastError and recoverError say why."`
	LastAskedAt         *string `json:"lastAskedAt" format:"date-time"`
	LastError           *string `json:"lastError" doc:"It may be over: compare lastErrorAt with lastAskedAt."`
	LastErrorAt         *string `json:"lastErrorAt" format:"date-time"`
	Recovered           uint64  `json:"recovered" doc:"Undelivered notifications appended: holes that the webhook left."`
	RecoveredUnreadable uint64  `json:"recoveredUnreadable" doc:"Of these, entries of a form that is not known, kept under the object undelivered."`
	LastRecoveredAt     *string `json:"lastRecoveredAt" format:"date-time" doc:"When the list of undelivered notifications was last read to its end."`
	RecoverError        *string `json:"recoverError" doc:"Why it cannot be."`
}

// Asked says how it stands with asking the platform for an order.
type Asked struct {
	State    string  `json:"state" enum:"pending,asked,gone" doc:"gone: the platform does not have it, or does not answer sensibly."`
	At       string  `json:"at" format:"date-time" doc:"Since when it is pending; when the platform last said something new; when it was given up."`
	Reason   *string `json:"reason" doc:"Why it is asked for: nothing of it was fetched, it contradicts itself, nothing was heard for too long. null when it was answered."`
	Sequence *uint64 `json:"sequence" doc:"Of the answer in the log."`
	Attempts int     `json:"attempts" doc:"In vain."`
	Error    *string `json:"error" doc:"Of the last attempt."`
}

// TransformSchema names the reasons.
func (*Asked) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["reason"].Enum = []any{"new", "break", "quiet", nil}
	return s
}

// answered says of an order what the log tells: the last answer of the platform that was new.
func answered(o *statemachine.Order) *Asked {
	last, ok := o.LastAnswer()
	if !ok {
		return nil
	}
	return &Asked{State: "asked", At: instant(last.Received), Sequence: &last.Sequence}
}
