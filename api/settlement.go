package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Settlement states when an order should settle, and the state of its settlement on the day of the
// answer.
type Settlement struct {
	TradeDate   *string `json:"tradeDate" format:"date" doc:"The day, in Berlin, on which the order was completed or closed with something executed; null while it can still trade, and if unknown."`
	DueOn       *string `json:"dueOn" format:"date" doc:"When it should settle: a number of settlement days after tradeDate."`
	Cycle       *string `json:"cycle" example:"T+2" doc:"The number of settlement days."`
	State       string  `json:"state" doc:"pending: it is due on a later day. due: it is due today, in Berlin. overdue: it was due on an earlier day. settled. none: it can still trade."`
	OverdueDays int     `json:"overdueDays" doc:"For an overdue order, settlement days after dueOn up to today: 0 on the weekend after it was due. Otherwise 0."`
}

// TransformSchema lists the allowed states.
func (*Settlement) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["state"].Enum = settlementNames()
	return s
}

func settlementNames() (names []any) {
	for _, state := range statemachine.SettlementStates {
		names = append(names, string(state))
	}
	return names
}

// settling returns the schedule and today.
func (a *API) settling() views.Settling {
	return views.Settling{Schedule: a.schedule, Today: statemachine.BerlinDay(a.clock())}
}

// settlingOf returns the schedule and the day of the question: the day, in Berlin, of the moment
// asked for, or today.
func (a *API) settlingOf(ctx context.Context, q AsOf, o *statemachine.Order) views.Settling {
	on := a.settling()
	if q.AsOf.given {
		on.Today = min(on.Today, statemachine.BerlinDay(*q.AsOf.end(a.zone)))
	}
	if q.AsOfSequence != 0 {
		// If the record asked for is lost, use the last record of the order up to that sequence.
		at := o.Last.Received
		if record, err := a.log.Record(ctx, q.AsOfSequence); err == nil {
			at = record.Received
		}
		on.Today = min(on.Today, statemachine.BerlinDay(at))
	}
	return on
}

func newSettlement(o *statemachine.Order, state *statemachine.State, on views.Settling) *Settlement {
	s, settles := on.Schedule.Settlement(o.AssetClass(), state, on.Today)
	if !settles {
		return nil
	}
	return &Settlement{TradeDate: dayText(s.Trade), DueOn: dayText(s.Due), Cycle: known(s.Cycle()), State: string(s.State), OverdueDays: s.OverdueDays}
}

func dayText(d statemachine.Day) *string { return known(d.String()) }

type settlementFilter string

// Schema lists the allowed states.
func (settlementFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: settlementNames()}
}

// dayFilter is a day of the calendar; 0 means that none is given.
type dayFilter struct{ statemachine.Day }

// Schema describes a day.
func (dayFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{"format": "date"}}
}

// UnmarshalText reads a day such as 2026-03-02.
func (d *dayFilter) UnmarshalText(text []byte) (err error) {
	d.Day, err = statemachine.ParseDay(string(text))
	return err
}

// addSettlement adds the filters by settlement to the query.
func (f *OrderFilters) addSettlement(q *views.Query) {
	for _, state := range f.Settlement {
		q.Settlement = append(q.Settlement, statemachine.SettlementState(state))
	}
	due := statemachine.AllDays
	if f.DueOn.Day != 0 {
		due = statemachine.Days{First: f.DueOn.Day, Last: f.DueOn.Day}
	}
	if f.DueSince.Day != 0 {
		due.First = max(due.First, f.DueSince.Day)
	}
	if f.DueUntil.Day != 0 {
		due.Last = min(due.Last, f.DueUntil.Day)
	}
	if f.DueOn.Day+f.DueSince.Day+f.DueUntil.Day != 0 {
		q.Due = due
	}
}

// Settlements contains the orders that await settlement today.
type Settlements struct {
	Today             string   `json:"today" format:"date" doc:"In Berlin."`
	NextSettlementDay string   `json:"nextSettlementDay" format:"date" doc:"The next one after today."`
	OldestDueOn       *string  `json:"oldestDueOn" format:"date" doc:"dueOn of the orders that have been overdue for the longest time; null: none is overdue."`
	OldestOverdueDays int      `json:"oldestOverdueDays" doc:"How many settlement days they are overdue."`
	Awaiting          []DueDay `json:"awaiting" doc:"Orders that have not settled, by due day, earliest first. At most the last 60 such days."`
	AwaitingEarlier   uint64   `json:"awaitingEarlier" doc:"Orders that are due on earlier days than those."`
}

// DueDay is the number of orders that are due on a day.
type DueDay struct {
	DueOn  string `json:"dueOn" format:"date"`
	Orders uint64 `json:"orders"`
}

// maxDueDays bounds the days with a count of their own, because a notification may have a time in
// any year.
const maxDueDays = 60

// dueCounts counts the orders that await settlement, by the day on which they are due.
type dueCounts struct {
	byState map[statemachine.SettlementState]uint64
	byDay   map[statemachine.Day]uint64
	oldest  statemachine.Day // the oldest overdue day; 0: none
}

func countDue(s *views.Stats, on views.Settling) dueCounts {
	c := dueCounts{byState: map[statemachine.SettlementState]uint64{}, byDay: map[statemachine.Day]uint64{}}
	rest := s.Orders
	for class, orders := range s.Settled {
		if len(on.Schedule.CyclesOf(class)) > 0 {
			c.byState[statemachine.HasSettled] += orders
			rest -= orders
		}
	}
	for of, orders := range s.Awaiting {
		cycle := on.Schedule.CycleOf(of.AssetClass, of.Day)
		if cycle == nil {
			continue
		}
		due := on.Schedule.Due(of.Day, cycle.Days)
		c.byDay[due] += orders
		rest -= orders
		switch {
		case due > on.Today:
			c.byState[statemachine.SettlesLater] += orders
		case due == on.Today:
			c.byState[statemachine.SettlesToday] += orders
		default:
			c.byState[statemachine.Overdue] += orders
			if c.oldest == 0 || due < c.oldest {
				c.oldest = due
			}
		}
	}
	c.byState[statemachine.NothingToSettle] = rest
	return c
}

// overdueDays returns by how many settlement days the oldest order is overdue.
func (c *dueCounts) overdueDays(on views.Settling) int {
	if c.oldest == 0 {
		return 0
	}
	return on.Schedule.Between(c.oldest, on.Today)
}

// byName returns the counts of all states, including zeros.
func (c *dueCounts) byName() map[string]uint64 {
	named := map[string]uint64{}
	for _, state := range statemachine.SettlementStates {
		named[string(state)] = c.byState[state]
	}
	return named
}

func (c *dueCounts) settlements(on views.Settling) Settlements {
	body := Settlements{Today: on.Today.String(), NextSettlementDay: on.Schedule.Due(on.Today, 1).String(),
		OldestDueOn: dayText(c.oldest), OldestOverdueDays: c.overdueDays(on), Awaiting: []DueDay{}}
	days := make([]statemachine.Day, 0, len(c.byDay))
	for day := range c.byDay {
		days = append(days, day)
	}
	slices.Sort(days)
	for i, day := range days {
		if i < len(days)-maxDueDays {
			body.AwaitingEarlier += c.byDay[day]
			continue
		}
		body.Awaiting = append(body.Awaiting, DueDay{day.String(), c.byDay[day]})
	}
	return body
}

// ClosedDay is a day on which nothing settles.
type ClosedDay struct {
	Date   string `json:"date" format:"date" example:"2026-12-25"`
	Reason string `json:"reason" example:"Christmas Day"`
}

// Calendar contains the days in a period on which nothing settles.
type Calendar struct {
	From  string      `json:"from" format:"date"`
	Until string      `json:"until" format:"date"`
	Data  []ClosedDay `json:"data" doc:"The days without settlement; every other day is a settlement day."`
}

type calendarInput struct {
	From  dayFilter `query:"from" example:"2026-12-01" doc:"The first day; default today, in Berlin."`
	Until dayFilter `query:"until" example:"2026-12-31" doc:"The last day; default a year after the first. At most 3,660 days."`
}

type calendarOutput struct{ Body Calendar }

// maxCalendarDays bounds the period of an answer to ten years.
const maxCalendarDays = 3_660

func (a *API) registerCalendar() {
	get(a, huma.Operation{OperationID: "get-calendar", Path: "/v1/calendar", Tags: []string{"orders"},
		Summary: "The days on which nothing settles, and why"}, []int{http.StatusBadRequest}, a.getCalendar)
}

func (a *API) getCalendar(_ context.Context, in *calendarInput) (*calendarOutput, error) {
	from, until := in.From.Day, in.Until.Day
	if from == 0 {
		from = a.settling().Today
	}
	if until == 0 {
		until = min(from+365, statemachine.AllDays.Last)
	}
	switch {
	case until < from:
		return nil, badParameter("query.until", fmt.Sprintf("%s is before %s, the first day", until, from))
	case until-from >= maxCalendarDays:
		return nil, badParameter("query.until", fmt.Sprintf("at most %d days are returned at once; request the rest separately", maxCalendarDays))
	}
	out := &calendarOutput{Calendar{From: from.String(), Until: until.String(), Data: []ClosedDay{}}}
	for _, d := range a.schedule.ClosedDays(from, until) {
		out.Body.Data = append(out.Body.Data, ClosedDay{d.Day.String(), d.Reason})
	}
	return out, nil
}

// SettlementCycle states after how many settlement days the orders of an asset class settle.
type SettlementCycle struct {
	AssetClass string  `json:"assetClass"`
	Cycle      string  `json:"cycle" example:"T+2"`
	Days       int     `json:"days" doc:"Settlement days after the trade date."`
	From       *string `json:"from" format:"date" doc:"The first trade date to which it applies; null: no limit."`
	Until      *string `json:"until" format:"date" doc:"The last trade date to which it applies; null: no limit."`
}

// NewSettlementCycles returns the cycles of a schedule. An asset class that is not among them has
// no cycle.
func NewSettlementCycles(s *statemachine.Schedule) []SettlementCycle {
	all := []SettlementCycle{}
	for _, c := range s.Cycles() {
		all = append(all, SettlementCycle{c.Class.String(), c.Name(), c.Days, dayText(c.From), dayText(c.Until)})
	}
	return all
}
