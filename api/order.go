package api

import (
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Order is what is known of an order. A value not known is null.
type Order struct {
	OrderID          string        `json:"orderId" example:"6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11"`
	AssetClass       *string       `json:"assetClass"`
	Status           *string       `json:"status" example:"PARTIALLY_FILLED" doc:"null: no notification has a status that counts."`
	StatusSince      *string       `json:"statusSince" format:"date-time"`
	Open             bool          `json:"open" doc:"The order can still trade."`
	Final            bool          `json:"final" doc:"Nothing more is expected. Neither open nor final: the order awaits settlement."`
	Settlement       *Settlement   `json:"settlement" doc:"When the order should settle; null if nothing is executed, or the asset class has no cycle."`
	Side             *string       `json:"side" example:"BUY"`
	ISIN             *string       `json:"isin" example:"DE0007164600"`
	Symbol           *string       `json:"symbol"`
	OrderType        *string       `json:"orderType" example:"LIMIT"`
	ExchangeCode     *string       `json:"exchangeCode" example:"XFRA"`
	Quantity         *string       `json:"quantity" example:"100" doc:"A decimal with the digits received, like all quantities and prices."`
	Amount           *string       `json:"amount" doc:"Ordered money, if the order is for an amount and not for a quantity."`
	ExecutedQuantity *string       `json:"executedQuantity" example:"40" doc:"Cumulative."`
	ExecutionPrice   *string       `json:"executionPrice" example:"101.25" doc:"The platform's price for the whole execution; executions has that of each trade."`
	ExecutedAmount   *string       `json:"executedAmount" example:"4050.00" doc:"Money for executedQuantity: as the platform reported it, or else the sum of the executions."`
	AveragePrice     *string       `json:"averagePrice" example:"101.25" doc:"executedAmount divided by executedQuantity, rounded half to even to 8 decimal places."`
	Executions       []Execution   `json:"executions" doc:"The trades, if the platform lists them: at most 64."`
	LimitPrice       *string       `json:"limitPrice" example:"101.25"`
	StopPrice        *string       `json:"stopPrice"`
	ExternalID       *string       `json:"externalId" example:"ord-000123"`
	ProductIDs       []string      `json:"productIds" doc:"The depository or wallet, and the cash product."`
	Message          *string       `json:"message"`
	CreatedOn        *string       `json:"createdOn" format:"date-time"`
	ModifiedOn       *string       `json:"modifiedOn" format:"date-time"`
	ExpiryDate       *string       `json:"expiryDate" example:"2026-03-31"`
	Breaks           []Break       `json:"breaks" doc:"Contradictions that a person must look at, sorted as in /v1/states."`
	Refusals         []Refusal     `json:"refusals" doc:"Requests concerning the order that the platform refused, earliest first."`
	Asked            *Asked        `json:"asked" doc:"The state of asking the platform about the order; null: it was not asked. Only the process that asks knows pending and gone, and they appear only for a single, current order."`
	Notifications    Notifications `json:"notifications"`
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

// Notifications counts what an order is made of.
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

// TransformSchema names the statuses and asset classes.
func (*Order) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["status"].Enum = append(statusNames(), nil)
	s.Properties["assetClass"].Enum = append(assetClassNames(), nil)
	return orNull(orNull(s, "asked"), "settlement")
}

// TransformSchema names the codes.
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

// newOrder returns the view of o, on a day.
func newOrder(o *statemachine.Order, on views.Settling) Order {
	state := o.State()
	order := undatedOrder(o, &state)
	order.Settlement = newSettlement(o, &state, on)
	return order
}

// undatedOrder is the view of o without what depends on the day.
func undatedOrder(o *statemachine.Order, state *statemachine.State) Order {
	detail := func(f statemachine.Field) *string { return known(o.Detail(f)) }
	return Order{
		OrderID: o.ID, AssetClass: known(o.AssetClass().String()),
		Status: known(state.Status), StatusSince: knownTime(state.StatusSince, state.Status != ""), Open: state.Open, Final: state.Final,
		Side: detail(statemachine.Side), ISIN: detail(statemachine.ISIN), Symbol: detail(statemachine.Symbol),
		OrderType: detail(statemachine.OrderType), ExchangeCode: detail(statemachine.ExchangeCode),
		Quantity: detail(statemachine.Quantity), Amount: detail(statemachine.Amount),
		ExecutedQuantity: known(state.Executed),
		ExecutionPrice:   detail(statemachine.ExecutionPrice), ExecutedAmount: known(state.Amount),
		AveragePrice: known(statemachine.AveragePrice(state.Amount, state.Executed)),
		Executions:   newExecutions(o),
		LimitPrice:   detail(statemachine.LimitPrice), StopPrice: detail(statemachine.StopPrice),
		ExternalID: detail(statemachine.ExternalID), ProductIDs: productIDs(o), Message: detail(statemachine.Message),
		CreatedOn: detail(statemachine.CreatedOn), ModifiedOn: knownTime(state.ModifiedOn, state.Dated),
		ExpiryDate: detail(statemachine.ExpiryDate),
		Breaks:     newBreaks(state.Breaks), Refusals: newRefusals(o.Refusals()), Asked: answered(o),
		Notifications: Notifications{
			Count: o.Count, Duplicates: o.Duplicates, DroppedFacts: o.Dropped,
			FirstSequence: o.First.Sequence, LastSequence: o.Last.Sequence,
			FirstReceivedAt: instant(o.First.Received), LastReceivedAt: instant(o.Last.Received),
		},
	}
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
	for _, f := range [...]statemachine.Field{statemachine.DepositoryProduct, statemachine.WalletProduct, statemachine.CashProduct} {
		if id := o.Detail(f); id != "" && !slices.Contains(ids, id) {
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

// known returns nil for the zero value, which is "not known" everywhere.
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
