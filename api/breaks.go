package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// OpenBreak is a break and the order that has it.
type OpenBreak struct {
	OrderID    string  `json:"orderId"`
	AssetClass *string `json:"assetClass"`
	Status     *string `json:"status" doc:"Status of the order."`
	Break
	Age     string `json:"age" doc:"The age in days of 24 hours, see the parameter age."`
	AgeDays int    `json:"ageDays" doc:"Settlement days after that of openedAt up to today, in Berlin; negative if openedAt is in the future."`
}

// BreakCounts counts open breaks. A code, severity or age without open breaks has the count 0.
type BreakCounts struct {
	ByCode     map[string]uint64 `json:"byCode"`
	BySeverity map[string]uint64 `json:"bySeverity"`
	ByAge      map[string]uint64 `json:"byAge"`
}

// Breaks is one page of open breaks.
type Breaks struct {
	List[OpenBreak]
	Counts BreakCounts `json:"counts" doc:"Counts of all open breaks that match the filters, on any page."`
}

// TransformSchema lists the allowed values of status, assetClass, code and age.
func (*OpenBreak) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["status"].Enum = append(statusNames(), nil)
	s.Properties["assetClass"].Enum = append(assetClassNames(), nil)
	s.Properties["code"].Enum = breakNames()
	s.Properties["age"].Enum = ageNames()
	return s
}

func ageNames() (names []any) {
	for age := range views.Ages {
		names = append(names, age.String())
	}
	return names
}

type ageFilter string

// Schema lists the allowed ages.
func (ageFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: ageNames()}
}

type breaksInput struct {
	Page
	AtLeast
	Code     []breakFilter `query:"code,explode" doc:"Any of these codes. Repeatable."`
	Severity string        `query:"severity" enum:"warn,high" doc:"high: the state itself may be wrong; warn: unusual, and worth a look."`
	Age      []ageFilter   `query:"age,explode" doc:"Age since openedAt in days of 24 hours: 0-1 is less than one (or in the future), 1-2 from one to less than three, 3-5 from three to less than five, over-5 five or more. Any of these ages. Repeatable."`
}

type breaksOutput struct {
	As
	Body Breaks
}

func (a *API) registerBreaks() {
	get(a, huma.Operation{OperationID: "list-breaks", Path: "/v1/breaks", Tags: []string{"orders"},
		Summary: "Open breaks, earliest opened first, with counts"},
		[]int{http.StatusGone, http.StatusServiceUnavailable}, a.listBreaks)
}

func (a *API) listBreaks(ctx context.Context, in *breaksInput) (*breaksOutput, error) {
	q := in.query(a.clock())
	page, err := a.views.Breaks(ctx, q)
	if err != nil {
		return nil, err
	}
	data := make([]OpenBreak, len(page.Breaks))
	for i := range page.Breaks {
		data[i] = newOpenBreak(&page.Breaks[i], q.Now, a.schedule)
	}
	return &breaksOutput{As{page.Applied}, Breaks{List[OpenBreak]{data, known(page.Next)}, newBreakCounts(&page)}}, nil
}

// query translates the parameters, which have already been checked against the schema.
func (in *breaksInput) query(now time.Time) views.BreakQuery {
	q := views.BreakQuery{Severity: statemachine.Severity(in.Severity), Now: now, Limit: in.Limit, Cursor: in.Cursor}
	for _, name := range in.Code {
		code, _ := statemachine.ParseCode(string(name))
		q.Codes = append(q.Codes, code)
	}
	for _, name := range in.Age {
		age, _ := views.ParseAge(string(name))
		q.Ages = append(q.Ages, age)
	}
	return q
}

func newOpenBreak(b *views.OpenBreak, now time.Time, schedule *statemachine.Schedule) OpenBreak {
	return OpenBreak{OrderID: b.Order.ID, AssetClass: known(b.Order.AssetClass().String()), Status: known(b.Order.State().Status),
		Break: newBreak(&b.Break), Age: views.AgeOf(b.Break.OpenedAt, now).String(), AgeDays: schedule.Between(statemachine.BerlinDay(b.Break.OpenedAt), statemachine.BerlinDay(now))}
}

func newBreakCounts(page *views.BreakPage) BreakCounts {
	counts := BreakCounts{ByCode: map[string]uint64{}, BySeverity: map[string]uint64{}, ByAge: map[string]uint64{}}
	for _, rule := range statemachine.Rules() {
		for age, n := range page.Counts[rule.Code] {
			counts.ByCode[rule.Code.String()] += n
			counts.BySeverity[string(rule.Severity)] += n
			counts.ByAge[views.Age(age).String()] += n
		}
	}
	return counts
}
