package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// Stats are counts over all orders.
type Stats struct {
	Orders       uint64            `json:"orders"`
	Open         uint64            `json:"open"`
	Final        uint64            `json:"final"`
	ByStatus     map[string]uint64 `json:"byStatus" doc:"Orders by status; NONE counts those without one. A status without orders may be missing, here and below."`
	ByAssetClass map[string]uint64 `json:"byAssetClass" doc:"Orders by asset class; NONE counts those without one."`
	ByBreak      map[string]uint64 `json:"byBreak" doc:"Orders by open break."`
	Objects      map[string]uint64 `json:"objects" doc:"Notifications of other objects, by object."`
	BySettlement map[string]uint64 `json:"bySettlement" doc:"Orders by settlement.state; none also counts orders without a settlement."`
	Settlement   Settlements       `json:"settlement" doc:"Orders that await settlement."`
	Quarantined  uint64            `json:"quarantined" doc:"Records that could not be decoded."`
	ByClass      map[string]uint64 `json:"quarantinedByClass" doc:"The quarantined records by class."`
	Records      uint64            `json:"records" doc:"Applied records of the log."`
	Throughput   *float64          `json:"throughput" doc:"Records applied per second, in the last minute; null if unknown."`
}

// Quarantined is a record that could not become part of an order.
type Quarantined struct {
	Sequence   uint64 `json:"sequence"`
	ReceivedAt string `json:"receivedAt" format:"date-time"`
	Object     string `json:"object"`
	Class      string `json:"class" example:"no-order-id" doc:"The kind of fault; its values are stable."`
	Reason     string `json:"reason" doc:"The reason in words."`
	Raw        string `json:"raw" example:"/v1/notifications/1084" doc:"The path of the raw bytes."`
}

// States contains the tables of the state machine.
type States struct {
	Statuses []statemachine.StatusInfo `json:"statuses" doc:"The rank table: among the reported statuses, the one with the highest rank wins."`
	Breaks   []BreakRule               `json:"breaks" doc:"Contradictions that a person must look at."`
	Cycles   []SettlementCycle         `json:"cycles" doc:"The settlement cycles, in settlement days. An asset class that is not listed has no settlement."`
}

// BreakRule states when a break is open.
type BreakRule struct {
	Code      string `json:"code"`
	Severity  string `json:"severity" enum:"warn,high"`
	Condition string `json:"condition"`
}

// Health is the answer to a probe of the service.
type Health struct {
	Ready   bool    `json:"ready"`
	Accepts *bool   `json:"acceptsNotifications,omitempty" doc:"Whether a notification would be stored now; only where this process receives notifications."`
	Reason  *string `json:"reason,omitempty" doc:"Why it is not ready, or why no notification is stored, as in /v1/status. If keys are configured, only a caller with a key gets it."`
}

type statsInput struct {
	AtLeast
	IfNoneMatch
}

type statsOutput struct {
	As
	Tagged
	Status int
	Body   *Stats
}

type quarantineInput struct {
	Class QuarantineClass `query:"class" doc:"Only records of this class; /v1/stats counts them by class."`
	Page
	AtLeast
}

type quarantineOutput struct {
	As
	Body List[Quarantined]
}

type statusOutput struct {
	As
	Body Status
}

type statesInput struct {
	Format string `query:"format" enum:"json,mermaid" doc:"Default json, unless Accept requests text/vnd.mermaid."`
	Accept string `header:"Accept" hidden:"true"`
}

// statesOutput holds States, or the bytes of a diagram.
type statesOutput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        any
}

type healthzOutput struct {
	Body struct {
		Alive bool `json:"alive"`
	} `nameHint:"Alive"`
}

type readyzOutput struct {
	Status int
	Body   Health
}

func (a *API) registerStatus() {
	behind := []int{http.StatusServiceUnavailable}
	tags := []string{"operations"}
	get(a, huma.Operation{OperationID: "get-stats", Path: "/v1/stats", Tags: tags, Summary: "Counts over all orders",
		Responses: map[string]*huma.Response{"304": unchanged()}}, behind, a.getStats)
	get(a, huma.Operation{OperationID: "list-quarantine", Path: "/v1/quarantine", Tags: tags,
		Summary: "Records that could not be decoded, newest first"}, []int{http.StatusGone, http.StatusServiceUnavailable}, a.listQuarantine)
	get(a, huma.Operation{OperationID: "get-status", Path: "/v1/status", Tags: tags,
		Summary: "The positions of log and views, and readiness"}, behind, a.getStatus)
	get(a, huma.Operation{OperationID: "get-states", Path: "/v1/states", Tags: tags,
		Summary: "The state machine: ranks and break rules", Responses: a.statesResponse()}, nil, a.getStates)
	get(a, huma.Operation{OperationID: "get-healthz", Path: healthPath, Tags: tags, Summary: "The process answers"}, nil,
		func(context.Context, *struct{}) (*healthzOutput, error) {
			out := &healthzOutput{}
			out.Body.Alive = true
			return out, nil
		})
	get(a, huma.Operation{OperationID: "get-readyz", Path: readyPath, Tags: tags,
		Summary:   "Whether the views exist, follow the log, and are at most 10 s behind",
		Responses: a.readyzResponse()}, nil, a.getReadyz)
}

func (a *API) getStats(ctx context.Context, in *statsInput) (*statsOutput, error) {
	s, err := a.position.Stats(ctx)
	if err != nil {
		return nil, err
	}
	on := a.settling()
	due := countDue(&s, on)
	body := &Stats{BySettlement: due.byName(), Settlement: due.settlements(on), Orders: s.Orders, Open: s.Open, Final: s.Final, ByStatus: counts(s.ByStatus, statusName),
		ByAssetClass: counts(s.ByAssetClass, assetClassName), ByBreak: counts(s.ByBreak, statemachine.Code.String),
		Objects:     counts(s.Objects, func(object string) string { return object }),
		Quarantined: s.Quarantined, ByClass: s.ByClass, Records: s.Records, Throughput: a.throughput.perSecond()}
	out := &statsOutput{As: As{s.Applied}}
	if out.Tagged, out.Status = in.tag(s.Lineage, rendered(body)); out.Status == http.StatusOK {
		out.Body = body
	}
	return out, nil
}

func counts[K comparable](by map[K]uint64, name func(K) string) map[string]uint64 {
	named := make(map[string]uint64, len(by))
	for k, n := range by {
		named[name(k)] = n
	}
	return named
}

func statusName(s statemachine.Status) string {
	if s == "" {
		return none
	}
	return string(s)
}

func assetClassName(c statemachine.AssetClass) string {
	if c == 0 {
		return none
	}
	return c.String()
}

func (a *API) listQuarantine(ctx context.Context, in *quarantineInput) (*quarantineOutput, error) {
	rows, next, applied, err := a.position.Quarantine(ctx, views.QuarantineQuery{Class: string(in.Class), Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	data := make([]Quarantined, len(rows))
	for i, row := range rows {
		data[i] = Quarantined{row.Sequence, instant(row.Received), row.Object, row.Class, row.Reason,
			fmt.Sprintf("%s/v1/notifications/%d", a.prefix, row.Sequence)}
	}
	return &quarantineOutput{As{applied}, List[Quarantined]{data, known(next)}}, nil
}

func (a *API) getStatus(ctx context.Context, _ *AtLeast) (*statusOutput, error) {
	s := a.where(ctx)
	if s.Duties = []Duty{}; a.duties != nil {
		waiting, cancel := context.WithTimeout(ctx, logPatience)
		defer cancel()
		var err error
		if s.Duties, err = a.duties.Duties(waiting); err != nil {
			s.Duties = nil
		}
	}
	return &statusOutput{As{s.AppliedSequence}, s}, nil
}

const mermaid = "text/vnd.mermaid"

func (a *API) statesResponse() map[string]*huma.Response {
	states := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[States](), true, "")
	return map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
		"application/json": {Schema: states},
		mermaid:            {Schema: &huma.Schema{Type: huma.TypeString, Description: "The rank table as a Mermaid state diagram."}},
	}}}
}

func (a *API) getStates(_ context.Context, in *statesInput) (*statesOutput, error) {
	if in.Format == "mermaid" || in.Format == "" && strings.Contains(in.Accept, mermaid) {
		return &statesOutput{mermaid, []byte(statemachine.Mermaid())}, nil
	}
	rules := statemachine.Rules()
	breaks := make([]BreakRule, len(rules))
	for i, r := range rules {
		breaks[i] = BreakRule{r.Code.String(), string(r.Severity), r.Condition}
	}
	return &statesOutput{"application/json", States{statemachine.Statuses(), breaks, NewSettlementCycles(a.schedule)}}, nil
}

func (a *API) readyzResponse() map[string]*huma.Response {
	health := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Health](), true, "")
	return map[string]*huma.Response{"503": {Description: "Not ready",
		Content: map[string]*huma.MediaType{"application/json": {Schema: health}}}}
}

func (a *API) getReadyz(ctx context.Context, _ *struct{}) (*readyzOutput, error) {
	out := &readyzOutput{Status: http.StatusOK}
	if stranger(ctx) {
		out.Body = a.glance.of(func() Health { return a.Health(context.WithoutCancel(ctx)) })
	} else {
		out.Body = a.Health(ctx)
	}
	if !out.Body.Ready {
		out.Status = http.StatusServiceUnavailable
	}
	return out, nil
}

// Health returns the readiness as /readyz shows it to a caller who is let in.
func (a *API) Health(ctx context.Context) Health {
	s := a.where(ctx)
	return Health{Ready: s.Ready, Accepts: s.Accepts, Reason: s.Reason}
}

// glancePause is the maximum age of the readiness that a stranger is shown.
const glancePause = time.Second

// glance is the readiness that strangers are shown. It has no reason, and the views and the log are
// asked at most once per glancePause, however many strangers ask.
type glance struct {
	// mu is held while the views and the log are asked. Strangers wait for each other; nobody else
	// waits for them.
	mu     sync.Mutex
	at     time.Time
	health Health
}

func (g *glance) of(ask func() Health) Health {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.at.IsZero() || time.Since(g.at) >= glancePause {
		g.health = ask()
		g.health.Reason = nil
		g.at = time.Now()
	}
	return g.health
}
