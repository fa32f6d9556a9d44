package api

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// HistoryEntry is what one notification said and did.
type HistoryEntry struct {
	Sequence         uint64   `json:"sequence"`
	ReceivedAt       string   `json:"receivedAt" format:"date-time"`
	At               *string  `json:"at" format:"date-time" doc:"modifiedOn of the notification."`
	Kind             string   `json:"kind" enum:"reported,fetched"`
	Status           *string  `json:"status" doc:"As the notification told it."`
	Executed         *string  `json:"executed" doc:"Cumulative, as the notification told it."`
	NotificationType *string  `json:"notificationType" example:"UPDATED"`
	Effect           string   `json:"effect" doc:"What it did to the order."`
	Rule             string   `json:"rule" doc:"Why, in words."`
	StatusAfter      *string  `json:"statusAfter"`
	BreaksOpened     []string `json:"breaksOpened"`
	BreaksClosed     []string `json:"breaksClosed"`
	Notes            []string `json:"notes" doc:"What could not be read in it."`
}

// TransformSchema names the effects.
func (*HistoryEntry) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["effect"].Enum = []any{statemachine.Applied, statemachine.Confirmed, statemachine.Late,
		statemachine.Duplicate, statemachine.Superseded, statemachine.Restated, statemachine.Annotated}
	s.Properties["statusAfter"].Enum = append(statusNames(), nil)
	return s
}

func newHistoryEntry(e *statemachine.Entry) HistoryEntry {
	return HistoryEntry{
		Sequence: e.Sequence, ReceivedAt: instant(e.Received), At: knownTime(e.At), Kind: e.Kind.String(),
		Status: known(e.Status), Executed: known(e.Executed), NotificationType: known(e.Type),
		Effect: string(e.Effect), Rule: e.Rule, StatusAfter: known(e.StatusAfter),
		BreaksOpened: codeNames(e.Opened), BreaksClosed: codeNames(e.Closed), Notes: append([]string{}, e.Notes...),
	}
}

func codeNames(codes []statemachine.Code) []string {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = code.String()
	}
	return names
}
