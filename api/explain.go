package api

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Explanation states why an order has its status.
type Explanation struct {
	OrderID   string      `json:"orderId"`
	Status    *string     `json:"status"`
	Summary   []string    `json:"summary" doc:"An explanation in sentences."`
	DecidedBy *uint64     `json:"decidedBy" doc:"Sequence of the notification that decides the status; null when none does."`
	Facts     []Judgement `json:"facts" doc:"The distinct facts, earliest first."`
	Breaks    []Break     `json:"breaks" doc:"The breaks of the order."`
}

// Judgement states what a notification said and what it means for the status.
type Judgement struct {
	Sequence   uint64  `json:"sequence" doc:"Sequence of the first notification with this fact."`
	ReceivedAt string  `json:"receivedAt" format:"date-time"`
	Kind       string  `json:"kind" enum:"reported,fetched"`
	Status     string  `json:"status" doc:"As in the notification."`
	At         string  `json:"at" format:"date-time" doc:"modifiedOn, or the time received if the notification has none."`
	Executed   *string `json:"executed" doc:"Cumulative, as in the notification."`
	Verdict    string  `json:"verdict"`
	Why        string  `json:"why" doc:"The reason in words."`
}

// TransformSchema lists the allowed statuses.
func (*Explanation) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["status"].Enum = append(statusNames(), nil)
	return s
}

// TransformSchema lists the allowed verdicts.
func (*Judgement) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["verdict"].Enum = []any{statemachine.Decides, statemachine.Agrees, statemachine.Outranked,
		statemachine.NoLongerTrue, statemachine.DecidesNothing}
	return s
}

type explanationInput struct {
	ID string `path:"id" doc:"orderId, percent-encoded."`
	AsOf
}

type explanationOutput struct {
	As
	Body Explanation
}

func (a *API) getExplanation(ctx context.Context, in *explanationInput) (*explanationOutput, error) {
	past, at, err := a.orderAsOf(ctx, in.ID, in.AsOf)
	if err != nil {
		return nil, err
	}
	e := newExplanation(&past.Order, a.settlingOf(ctx, in.AsOf, &past.Order))
	if past.Lost > 0 {
		e.Summary = append(e.Summary, fmt.Sprintf("The log lost %d of the order's records, and the loss was accepted. Their content is left out.", past.Lost))
	}
	return &explanationOutput{As{at.Applied}, e}, nil
}

func newExplanation(o *statemachine.Order, on views.Settling) Explanation {
	e, state := o.Explain(), o.State()
	settlement, _ := on.Schedule.Settlement(o.AssetClass(), &state, on.Today)
	body := Explanation{OrderID: o.ID, Status: known(state.Status), Summary: append(e.Summary, on.Schedule.Explain(&settlement, on.Today)...),
		Facts: make([]Judgement, len(e.Facts)), Breaks: newBreaks(state.Breaks)}
	if e.DecidedBy != 0 {
		body.DecidedBy = &e.DecidedBy
	}
	for i, j := range e.Facts {
		body.Facts[i] = Judgement{Sequence: j.Sequence, ReceivedAt: instant(j.Received), Kind: j.Kind.String(),
			Status: string(j.Status), At: instant(j.At), Executed: known(j.Executed), Verdict: string(j.Verdict), Why: j.Why}
	}
	return body
}
