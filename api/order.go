package api

import (
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Order is an order as the API shows it. An unknown value is null.
type Order struct {
	of         *statemachine.Order
	state      statemachine.State
	settlement *Settlement // on the day of the answer
	asked      *Asked
	lost       uint64 // number of lost notifications, see Notifications
}

// Execution is one trade of an order.
type Execution struct {
	ID       *string `json:"id"`
	Quantity *string `json:"quantity" example:"40"`
	Price    *string `json:"price" example:"101.25"`
	Amount   *string `json:"amount" example:"4050.00"`
}

// Break is something a person must look at.
type Break struct {
	Code           string   `json:"code" example:"possible_bust"`
	Severity       string   `json:"severity" enum:"warn,high"`
	OpenedAt       string   `json:"openedAt" format:"date-time"`
	OpenedSequence uint64   `json:"openedSequence" doc:"Sequence of the notification that opened it."`
	Sequences      []uint64 `json:"sequences" doc:"Sequences of the notifications that show it."`
	Rule           string   `json:"rule" doc:"The condition in words."`
}

// Refusal is a request that the platform refused.
type Refusal struct {
	At          string `json:"at" format:"date-time"`
	ErrorType   string `json:"errorType"`
	Description string `json:"description"`
}

// Notifications counts the notifications of an order.
type Notifications struct {
	Count           uint64 `json:"count" doc:"Including repeats."`
	Duplicates      uint64 `json:"duplicates" doc:"Those that contained nothing new."`
	DroppedFacts    uint64 `json:"droppedFacts,omitempty" doc:"Distinct facts dropped because there were too many; the state may then depend on the order of arrival."`
	Lost            uint64 `json:"lost,omitempty" doc:"With asOf or asOfSequence: notifications whose records the log lost, with the loss accepted. They are not counted, and their content is left out."`
	FirstSequence   uint64 `json:"firstSequence"`
	LastSequence    uint64 `json:"lastSequence"`
	FirstReceivedAt string `json:"firstReceivedAt" format:"date-time"`
	LastReceivedAt  string `json:"lastReceivedAt" format:"date-time"`
}

// TransformSchema lists the allowed codes.
func (*Break) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["code"].Enum = breakNames()
	return s
}

// statusNames returns the statuses that an order can have: those with a rank.
func statusNames() (names []any) {
	for _, row := range statemachine.Statuses() {
		if row.Rank > 0 {
			names = append(names, string(row.Status))
		}
	}
	return names
}

func assetClassNames() (names []any) {
	for class := statemachine.Traditional; class <= statemachine.Tokenized; class++ {
		names = append(names, class.String())
	}
	return names
}

func breakNames() (names []any) {
	for _, rule := range statemachine.Rules() {
		names = append(names, rule.Code.String())
	}
	return names
}

// newOrder returns o as it is shown on the day of on. The result must not be used after o has
// changed.
func newOrder(o *statemachine.Order, on views.Settling) Order {
	order := undatedOrder(o)
	order.settlement = newSettlement(o, &order.state, on)
	return order
}

// undatedOrder returns the order without the members that depend on the day.
func undatedOrder(o *statemachine.Order) Order {
	return Order{of: o, state: o.State(), asked: answered(o)}
}

func (o *Order) notifications() *Notifications {
	return &Notifications{Count: o.of.Count, Duplicates: o.of.Duplicates, DroppedFacts: o.of.Dropped, Lost: o.lost,
		FirstSequence: o.of.First.Sequence, LastSequence: o.of.Last.Sequence,
		FirstReceivedAt: instant(o.of.First.Received), LastReceivedAt: instant(o.of.Last.Received)}
}

func newExecutions(o *statemachine.Order) []Execution {
	told := o.Executions()
	all := make([]Execution, len(told))
	for i, e := range told {
		all[i] = Execution{known(e.ID), known(e.Quantity), known(e.Price), known(e.Amount)}
	}
	return all
}

func productIDs(o *statemachine.Order) []string {
	ids := make([]string, 0, 2)
	for f, detail := range statemachine.Details() {
		if id := o.Detail(statemachine.Field(f)); id != "" && detail.Form == statemachine.ProductForm && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func newBreaks(found []statemachine.Break) []Break {
	breaks := make([]Break, len(found))
	for i := range found {
		breaks[i] = newBreak(&found[i])
	}
	return breaks
}

func newBreak(b *statemachine.Break) Break {
	return Break{Code: b.Code.String(), Severity: string(b.Severity), OpenedAt: instant(b.OpenedAt),
		OpenedSequence: b.OpenedSequence, Sequences: b.Sequences, Rule: b.Rule}
}

func newRefusals(found []statemachine.Refusal) []Refusal {
	refusals := make([]Refusal, len(found))
	for i, r := range found {
		refusals[i] = Refusal{At: instant(r.At), ErrorType: r.ErrorType, Description: r.Description}
	}
	return refusals
}

// known returns nil for the zero value, which means "not known" everywhere.
func known[T ~string](text T) *string {
	if text == "" {
		return nil
	}
	s := string(text)
	return &s
}

func knownTime(t time.Time, isKnown bool) *string {
	if !isKnown {
		return nil
	}
	return known(instant(t))
}

func instant(t time.Time) string { return statemachine.FormatTime(t) }
