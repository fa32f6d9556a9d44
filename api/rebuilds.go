package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

var (
	// ErrRunning occurs at a start while a rebuild runs, which goes on. It clears when that one ends.
	ErrRunning = errors.New("api: a rebuild runs already")
	// ErrNotRunning occurs at a cancellation when no rebuild runs. Nothing was changed.
	ErrNotRunning = errors.New("api: no rebuild runs")
)

// Rebuilds makes the views anew beside the live ones.
type Rebuilds interface {
	// Start begins a rebuild; mode is one of those of Rebuild. It returns ErrRunning.
	Start(mode string) (Rebuild, error)
	// Current returns the one that runs, or the last one; ok is false when there was none since the process began.
	Current() (b Rebuild, ok bool)
	// Cancel ends the one that runs and returns when nothing of it is left. It returns ErrNotRunning.
	Cancel() (Rebuild, error)
}

// Rebuild is a rebuild of the views, running or ended.
type Rebuild struct {
	Mode             string   `json:"mode" enum:"rebuild,dry-run,rollback"`
	State            string   `json:"state" enum:"running,done,failed,canceled"`
	Phase            string   `json:"phase" enum:"folding,writing,indexing,comparing,switching"`
	Records          uint64   `json:"records" doc:"Folded so far; orders compared so far while phase is comparing."`
	Total            uint64   `json:"total" doc:"Of them, as far as is known."`
	RecordsPerSecond float64  `json:"recordsPerSecond"`
	SecondsLeft      *float64 `json:"secondsLeft" doc:"Of the phase; null when that cannot be told."`
	StartedAt        string   `json:"startedAt" format:"date-time"`
	EndedAt          *string  `json:"endedAt" format:"date-time"`
	Seconds          float64  `json:"seconds" doc:"Taken so far."`
	Generation       *int     `json:"generation" doc:"The one that is served since; null before, and after a dry run."`
	Bytes            *int64   `json:"bytes" doc:"Size of the new generation's file."`
	Error            *string  `json:"error"`
	PreviousError    *string  `json:"previousError" doc:"Why the one before it, of the same mode, failed, if it did. To make the first generation is tried until it is there."`
	Changes          *Changes `json:"changes" doc:"Of a dry run that is done: what a rebuild would change."`
}

// Changes are what the views and a new fold of the log tell differently.
type Changes struct {
	Sequence    uint64        `json:"sequence" doc:"Where both stood."`
	Orders      uint64        `json:"orders" doc:"Compared."`
	Different   uint64        `json:"different" doc:"Orders that differ."`
	Differences []OrderChange `json:"differences" doc:"The first hundred of them."`
	Others      []string      `json:"others" doc:"What else differs, in words."`
}

// OrderChange is an order that differs.
type OrderChange struct {
	OrderID string        `json:"orderId"`
	Missing string        `json:"missing,omitempty" enum:"views,log" doc:"The side that does not have it."`
	Fields  []FieldChange `json:"fields,omitempty"`
}

// FieldChange is a field that differs, on both sides in words.
type FieldChange struct {
	Field string `json:"field"`
	Views string `json:"views"`
	Log   string `json:"log"`
}

type startInput struct {
	Mode string `query:"mode" enum:"rebuild,dry-run,rollback" default:"rebuild" doc:"dry-run says what would change and changes nothing; rollback serves the generation before."`
}

type rebuildOutput struct {
	Status int
	Body   Rebuild
}

func (a *API) registerRebuilds() {
	tags := []string{"operations"}
	huma.Register(a.huma, a.operation(huma.Operation{OperationID: "start-rebuild", Method: http.MethodPost, Path: "/v1/rebuilds",
		Tags: tags, DefaultStatus: http.StatusAccepted, Summary: "Make the views anew beside the live ones"},
		http.StatusForbidden, http.StatusConflict, http.StatusNotImplemented), func(_ context.Context, in *startInput) (*rebuildOutput, error) {
		if a.rebuilds == nil {
			return nil, notHere()
		}
		b, err := a.rebuilds.Start(in.Mode)
		if errors.Is(err, ErrRunning) {
			return nil, problem(codeConflict, "A rebuild runs already: see GET /v1/rebuilds/current, or cancel it.")
		}
		if err != nil {
			return nil, asProblem(err)
		}
		return &rebuildOutput{http.StatusAccepted, b}, nil
	})
	get(a, huma.Operation{OperationID: "get-rebuild", Path: "/v1/rebuilds/current", Tags: tags,
		Summary: "The rebuild that runs, or the last one"}, []int{http.StatusNotFound}, func(context.Context, *struct{}) (*rebuildOutput, error) {
		b, ok := Rebuild{}, false
		if a.rebuilds != nil {
			b, ok = a.rebuilds.Current()
		}
		if !ok {
			return nil, problem(codeNotFound, "Nothing was rebuilt since the process began.")
		}
		return &rebuildOutput{http.StatusOK, b}, nil
	})
	huma.Register(a.huma, a.operation(huma.Operation{OperationID: "cancel-rebuild", Method: http.MethodDelete, Path: "/v1/rebuilds/current",
		Tags: tags, Summary: "Cancel the rebuild that runs; nothing of it is left"},
		http.StatusForbidden, http.StatusConflict, http.StatusNotImplemented), func(context.Context, *struct{}) (*rebuildOutput, error) {
		if a.rebuilds == nil {
			return nil, notHere()
		}
		b, err := a.rebuilds.Cancel()
		if errors.Is(err, ErrNotRunning) {
			return nil, problem(codeConflict, "No rebuild runs.")
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

// withoutBody refuses a body, which no route reads: whoever asks for a dry run in it must not start a real one.
func withoutBody(ctx huma.Context, next func(huma.Context)) {
	if c := echoOf(ctx); c.Request().ContentLength != 0 {
		answer(c, problem(codeBadParameter, "No route reads a body; parameters stand in the query, such as ?mode=dry-run."))
		return
	}
	next(ctx)
}

func notHere() *Problem {
	return problem(codeNotHere, "This process only reads the views. Ask the one that writes them, or use orderfold rebuild while that is stopped.")
}

// TransformSchema lets rebuild and platform be null: huma lets no object be.
func (*Status) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return orNull(orNull(s, "rebuild"), "platform")
}

// TransformSchema lets changes be null.
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
