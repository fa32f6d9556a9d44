package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
)

// ErrHeldBack occurs while nothing is folded until an operator decides. The error that wraps it
// states the reason. Some records may already have been redriven. It does not clear by itself.
var ErrHeldBack = errors.New("api: nothing is folded")

// Redrives decodes quarantined records again. Each call runs for some seconds and returns where to
// continue. Its errors are ErrHeldBack, ErrUnavailable and those of the views.
type Redrives interface {
	Redrive(ctx context.Context, s RedriveSelection) (Redrive, error)
}

// RedriveSelection states which quarantined records to decode again.
type RedriveSelection struct {
	Class    QuarantineClass `query:"class" doc:"Only records of this class; without it, of any class."`
	Sequence []uint64        `query:"sequence,explode" minimum:"1" maxItems:"500" doc:"Only these records. Repeatable."`
	After    uint64          `query:"after" doc:"Only records after this one: nextAfter of the previous answer."`
	DryRun   bool            `query:"dryRun" doc:"Report what would happen, and change nothing."`
}

// QuarantineClass is a kind of fault that puts a record into quarantine; "" is any.
type QuarantineClass string

// Schema lists the allowed classes.
func (QuarantineClass) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: classNames()}
}

func classNames() (names []any) {
	for _, class := range views.Classes() {
		names = append(names, class)
	}
	return names
}

// Redrive states what a redrive did, or would do.
type Redrive struct {
	DryRun   bool             `json:"dryRun"`
	Examined uint64           `json:"examined" doc:"Records decoded again."`
	Redriven uint64           `json:"redriven" doc:"Those that are now part of an order or object."`
	Remain   uint64           `json:"remaining" doc:"Those that still cannot be read."`
	Orders   uint64           `json:"orders" doc:"Orders changed."`
	Records  []RedrivenRecord `json:"records" doc:"The results for the first hundred records."`
	Next     *uint64          `json:"nextAfter" doc:"There are more: repeat the request with this value as after. null: that was all."`
}

// RedrivenRecord is the result for one record.
type RedrivenRecord struct {
	Sequence uint64  `json:"sequence"`
	Object   string  `json:"object"`
	Redriven bool    `json:"redriven" doc:"false: it still cannot be read."`
	ID       *string `json:"id" doc:"Id of the order or object to which it now belongs."`
	Class    *string `json:"class" doc:"As in /v1/quarantine, if it still cannot be read."`
	Reason   *string `json:"reason"`
}

type redriveOutput struct{ Body Redrive }

func (a *API) registerRedrives() {
	huma.Register(a.huma, a.operation(huma.Operation{OperationID: "redrive", Method: http.MethodPost, Path: "/v1/redrives",
		Tags: []string{"operations"}, DefaultStatus: http.StatusOK, Summary: "Decode quarantined records again, after the decoder was corrected"},
		http.StatusForbidden, http.StatusConflict, http.StatusNotImplemented, http.StatusServiceUnavailable), a.redrive)
}

func (a *API) redrive(ctx context.Context, in *RedriveSelection) (*redriveOutput, error) {
	if a.redrives == nil {
		return nil, problem(codeNotHere, "This process only reads the views. Use the process that writes them, or run orderfold redrive while that one is stopped.")
	}
	done, err := a.redrives.Redrive(ctx, *in)
	if errors.Is(err, ErrHeldBack) {
		return nil, problem(codeConflict, "The log does not fit the views, or lost records: see GET /v1/status.").because(err)
	}
	if err != nil {
		return nil, asProblem(err)
	}
	return &redriveOutput{done}, nil
}
