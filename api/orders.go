package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// none stands for an order without a status or asset class, in filters and counts.
const none = "NONE"

// List is one page of a list.
type List[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor" doc:"Cursor of the next page; null at the end."`
}

// Page contains the parameters of a list with pages.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Maximum number of orders on a page."`
	Cursor string `query:"cursor" doc:"nextCursor of the previous page, with the same filters. Any machine that folds the same log by the same rules accepts it."`
}

type statusFilter string

// Schema lists the allowed statuses.
func (statusFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: append(statusNames(), none)}
}

type assetClassFilter string

// Schema lists the allowed asset classes.
func (assetClassFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: assetClassNames()}
}

type breakFilter string

// Schema lists the allowed codes.
func (breakFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: breakNames()}
}

// anyBreak selects every code.
const anyBreak anyBreakFilter = "any"

type anyBreakFilter string

// Schema lists the allowed codes and "any".
func (anyBreakFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: append(breakNames(), string(anyBreak))}
}

// decimalFilter is a decimal with any number of digits.
type decimalFilter struct{ statemachine.Decimal }

// maxDecimal is the maximum length of a decimal in bytes.
const maxDecimal = 100

// Schema describes the format in extensions, because the messages of huma about a pattern say less.
func (decimalFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{"maxLength": maxDecimal,
		"pattern": `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,17})?$`}}
}

// UnmarshalText reads a number in the grammar of JSON.
func (d *decimalFilter) UnmarshalText(text []byte) error {
	number, ok := statemachine.ParseDecimal(string(text))
	if !ok || len(text) > maxDecimal {
		return fmt.Errorf("expected a decimal such as 1000 or 0.25, of at most %d characters", maxDecimal)
	}
	d.Decimal = number
	return nil
}

// boolFilter is an optional boolean; strictQuery accepts only true and false.
type boolFilter struct{ Value, Given bool }

// Schema describes a boolean.
func (boolFilter) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean} }

// Receiver returns the field into which huma writes the value.
func (f *boolFilter) Receiver() reflect.Value { return reflect.ValueOf(&f.Value).Elem() }

// OnParamSet records whether the parameter was given.
func (f *boolFilter) OnParamSet(given bool, _ any) { f.Given = given }

// orderBytes is more than the size of most orders in JSON.
const orderBytes = 2 << 10

type orderInput struct {
	ID string `path:"id" doc:"orderId, percent-encoded."`
	AsOf
	IfNoneMatch
}

type orderOutput struct {
	As
	Tagged
	Status int
	Body   func(huma.Context)
}

func (a *API) registerOrders() {
	tags := []string{"orders"}
	get(a, huma.Operation{OperationID: "list-orders", Path: "/v1/orders", Tags: tags, Summary: "Orders by filters, in pages or all at once",
		Responses: a.listResponses(), Middlewares: huma.Middlewares{refuseExports}},
		[]int{http.StatusGone, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusHTTPVersionNotSupported}, a.listOrders)
	get(a, huma.Operation{OperationID: "get-order", Path: "/v1/orders/{id}", Tags: tags, Summary: "One order",
		Responses: a.orderResponses()},
		[]int{http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable}, a.getOrder)
	get(a, huma.Operation{OperationID: "get-order-history", Path: "/v1/orders/{id}/history", Tags: tags,
		Summary: "The effect of each notification of an order, in order of arrival, in pages"},
		[]int{http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable}, a.getHistory)
	get(a, huma.Operation{OperationID: "get-order-explanation", Path: "/v1/orders/{id}/explain", Tags: tags,
		Summary: "Why an order has its status"},
		[]int{http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable}, a.getExplanation)
}

func (a *API) orderResponses() map[string]*huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Order](), true, "")
	return map[string]*huma.Response{"304": unchanged(), "200": {Description: http.StatusText(http.StatusOK),
		Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}}
}

func (a *API) getOrder(ctx context.Context, in *orderInput) (*orderOutput, error) {
	view, at, err := a.orderView(ctx, in)
	if err != nil {
		return nil, err
	}
	body := append(appendMembers(make([]byte, 0, orderBytes), &view, orderMembers), '\n')
	out := &orderOutput{As: As{at.Applied}}
	out.Tagged, out.Status = in.tag(at.Lineage, body)
	out.Body = written(out.Status, body)
	return out, nil
}

// orderView returns the order as the API shows it, with the state of questions about it to the
// platform.
func (a *API) orderView(ctx context.Context, in *orderInput) (view Order, at views.At, err error) {
	past, at, err := a.orderAsOf(ctx, in.ID, in.AsOf)
	if err != nil {
		return view, at, err
	}
	o := &past.Order
	view = newOrder(o, a.settlingOf(ctx, in.AsOf, o))
	view.lost = past.Lost
	if a.platform != nil && in.AsOf.now() {
		if asked, ok := a.platform.Asked(o.ID, o.Last.Sequence); ok {
			view.asked = &asked
		}
	}
	return view, at, nil
}

// noOrder reports that an order is unknown to views at position applied.
func noOrder(err error, id string, applied uint64) error {
	if errors.Is(err, views.ErrNotFound) {
		return problem(codeNotFound, "No notification of the order %q has been applied. "+
			"With minSequence the answer waits for a notification that was just received.", id).at(applied)
	}
	return err
}
