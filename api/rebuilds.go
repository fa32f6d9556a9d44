package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

var (
	// ErrRunning occurs if a rebuild is started while another one is running, which continues. It
	// clears when that rebuild ends.
	ErrRunning = errors.New("api: a rebuild is already running")
	// ErrNotRunning occurs if a rebuild is cancelled while none is running. Nothing was changed.
	ErrNotRunning = errors.New("api: no rebuild is running")
)

// Rebuilds rebuilds the views alongside the live ones.
type Rebuilds interface {
	// Start begins a rebuild; mode is one of the values of Rebuild.Mode. It returns ErrRunning.
	Start(mode string) (Rebuild, error)
	// Current returns the running rebuild, or else the last one; ok is false if the process has had
	// none.
	Current() (b Rebuild, ok bool)
	// Cancel ends the running rebuild and returns when all of it is removed. It returns
	// ErrNotRunning.
	Cancel() (Rebuild, error)
}

// Rebuild is a rebuild of the views, running or ended.
type Rebuild struct {
	Mode             string   `json:"mode" enum:"rebuild,dry-run,rollback"`
	State            string   `json:"state" enum:"running,done,failed,canceled"`
	Phase            string   `json:"phase" enum:"copying,folding,writing,indexing,comparing,switching"`
	Records          uint64   `json:"records" doc:"Records folded so far; while phase is comparing, orders compared so far."`
	Total            uint64   `json:"total" doc:"The total number of these, as far as known."`
	RecordsPerSecond float64  `json:"recordsPerSecond"`
	SecondsLeft      *float64 `json:"secondsLeft" doc:"Time left in this phase; null if unknown."`
	StartedAt        string   `json:"startedAt" format:"date-time"`
	EndedAt          *string  `json:"endedAt" format:"date-time"`
	Seconds          float64  `json:"seconds" doc:"Time elapsed."`
	Generation       *int     `json:"generation" doc:"The generation that is served after the rebuild; null before its end, and after a dry run."`
	Bytes            *int64   `json:"bytes" doc:"Size of the new generation's file."`
	Error            *string  `json:"error"`
	PreviousError    *string  `json:"previousError" doc:"Why the previous rebuild of the same mode failed, if it did. The first generation is attempted until it succeeds."`
	Changes          *Changes `json:"changes" doc:"For a finished dry run: what a rebuild would change."`
}

// Changes contains the differences between the views and a new fold of the log.
type Changes struct {
	Sequence    uint64        `json:"sequence" doc:"The record at which both were compared."`
	Orders      uint64        `json:"orders" doc:"Orders compared."`
	Different   uint64        `json:"different" doc:"Orders that differ."`
	Differences []OrderChange `json:"differences" doc:"The first hundred differing orders."`
	Others      []string      `json:"others" doc:"Other differences, in words."`
}

// OrderChange is an order that differs.
type OrderChange struct {
	OrderID string        `json:"orderId"`
	Missing string        `json:"missing,omitempty" enum:"views,log" doc:"The side on which the order is missing."`
	Fields  []FieldChange `json:"fields,omitempty"`
}

// FieldChange is a field that differs, with the value of each side in words.
type FieldChange struct {
	Field string `json:"field"`
	Views string `json:"views"`
	Log   string `json:"log"`
}

type startInput struct {
	Mode string `query:"mode" enum:"rebuild,dry-run,rollback" default:"rebuild" doc:"dry-run reports what would change and changes nothing; rollback serves the previous generation."`
}

type rebuildOutput struct {
	Status int
	Body   Rebuild
}

func (a *API) registerRebuilds() {
	tags := []string{"operations"}
	huma.Register(a.huma, a.operation(huma.Operation{OperationID: "start-rebuild", Method: http.MethodPost, Path: "/v1/rebuilds",
		Tags: tags, DefaultStatus: http.StatusAccepted, Summary: "Rebuild the views beside the live ones"},
		http.StatusForbidden, http.StatusConflict, http.StatusNotImplemented), func(_ context.Context, in *startInput) (*rebuildOutput, error) {
		if a.rebuilds == nil {
			return nil, notHere()
		}
		b, err := a.rebuilds.Start(in.Mode)
		if errors.Is(err, ErrRunning) {
			return nil, problem(codeConflict, "A rebuild is already running: see GET /v1/rebuilds/current, or cancel it.")
		}
		if err != nil {
			return nil, asProblem(err)
		}
		return &rebuildOutput{http.StatusAccepted, b}, nil
	})
	get(a, huma.Operation{OperationID: "get-rebuild", Path: "/v1/rebuilds/current", Tags: tags,
		Summary: "The running rebuild, or the last one"}, []int{http.StatusNotFound}, func(context.Context, *struct{}) (*rebuildOutput, error) {
		b, ok := Rebuild{}, false
		if a.rebuilds != nil {
			b, ok = a.rebuilds.Current()
		}
		if !ok {
			return nil, problem(codeNotFound, "Nothing was rebuilt since the process started.")
		}
		return &rebuildOutput{http.StatusOK, b}, nil
	})
	huma.Register(a.huma, a.operation(huma.Operation{OperationID: "cancel-rebuild", Method: http.MethodDelete, Path: "/v1/rebuilds/current",
		Tags: tags, Summary: "Cancel the running rebuild; nothing of it is left"},
		http.StatusForbidden, http.StatusConflict, http.StatusNotImplemented), func(context.Context, *struct{}) (*rebuildOutput, error) {
		if a.rebuilds == nil {
			return nil, notHere()
		}
		b, err := a.rebuilds.Cancel()
		if errors.Is(err, ErrNotRunning) {
			return nil, problem(codeConflict, "No rebuild is running.")
		}
		if err != nil {
			return nil, asProblem(err)
		}
		return &rebuildOutput{http.StatusOK, b}, nil
	})
}

func (a *API) operation(op huma.Operation, problems ...int) huma.Operation {
	op.Responses = map[string]*huma.Response{}
	op.Middlewares = huma.Middlewares{withoutBody}
	a.describeProblems(&op, problems)
	return op
}

// withoutBody refuses a request with a body. No route reads a body, and a caller who asks for a dry
// run in the body must not start a real one.
func withoutBody(ctx huma.Context, next func(huma.Context)) {
	if c := echoOf(ctx); c.Request().ContentLength != 0 {
		answer(c, problem(codeBadParameter, "No route reads a body; put parameters in the query, such as ?mode=dry-run."))
		return
	}
	next(ctx)
}

func notHere() *Problem {
	return problem(codeNotHere, "This process only reads the views. Use the process that writes them, or run orderfold rebuild while that one is stopped.")
}

// TransformSchema allows rebuild and platform to be null; huma allows no object to be null.
func (*Status) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return orNull(orNull(s, "rebuild"), "platform")
}

// TransformSchema allows changes to be null.
func (*Rebuild) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return orNull(s, "changes")
}

func orNull(s *huma.Schema, property string) *huma.Schema {
	object := *s.Properties[property]
	description := object.Description
	object.Description = ""
	s.Properties[property] = &huma.Schema{Description: description, AnyOf: []*huma.Schema{&object, {Type: "null"}}}
	return s
}
