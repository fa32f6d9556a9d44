package api

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// Platform reports on the questions to the platform about what it did not notify.
type Platform interface {
	Asking() Asking
	// Asked returns what the log does not contain: whether a question about the order is pending or
	// was given up. lastSequence is the sequence of the order's last notification.
	Asked(id string, lastSequence uint64) (Asked, bool)
}

// Asking is the state of the questions to the platform. The counts are 0 when the process starts.
type Asking struct {
	Enabled             bool    `json:"enabled" doc:"Whether the platform is asked; if false, everything below is 0."`
	Pending             int     `json:"pending" doc:"Orders about which a request is due."`
	Asked               uint64  `json:"asked" doc:"Answers appended to the log."`
	GivenUp             int     `json:"givenUp" doc:"Orders that the platform does not have, or about which its answers cannot be used."`
	Skipped             uint64  `json:"skipped" doc:"Orders that could not be examined, and undelivered notifications that could not be appended; the others were not affected. lastError and recoverError contain the reason."`
	LastAskedAt         *string `json:"lastAskedAt" format:"date-time"`
	LastError           *string `json:"lastError" doc:"The last error, which may be over: compare lastErrorAt with lastAskedAt."`
	LastErrorAt         *string `json:"lastErrorAt" format:"date-time"`
	Recovered           uint64  `json:"recovered" doc:"Undelivered notifications appended."`
	RecoveredUnreadable uint64  `json:"recoveredUnreadable" doc:"Those of an unknown form, kept under the object undelivered."`
	LastRecoveredAt     *string `json:"lastRecoveredAt" format:"date-time" doc:"When the list of undelivered notifications was last read to its end."`
	RecoverError        *string `json:"recoverError" doc:"Why the list cannot be read."`
}

// Asked is the state of the questions about one order.
type Asked struct {
	State    string  `json:"state" enum:"pending,asked,gone" doc:"gone: the platform does not have the order, or its answers cannot be used."`
	At       string  `json:"at" format:"date-time" doc:"Since when it is pending; when the platform last answered with something new; or when it was given up."`
	Reason   *string `json:"reason" doc:"Why the platform is to be asked: the order is new, contradicts itself, or was quiet for too long. null after an answer."`
	Sequence *uint64 `json:"sequence" doc:"Sequence of the answer in the log."`
	Attempts int     `json:"attempts" doc:"Failed attempts."`
	Error    *string `json:"error" doc:"Error of the last attempt."`
}

// TransformSchema lists the allowed reasons.
func (*Asked) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["reason"].Enum = []any{"new", "break", "quiet", nil}
	return s
}

// answered returns what the log contains about the questions about an order: the last answer of the
// platform that was new.
func answered(o *statemachine.Order) *Asked {
	last, ok := o.LastAnswer()
	if !ok {
		return nil
	}
	return &Asked{State: "asked", At: instant(last.Received), Sequence: &last.Sequence}
}
