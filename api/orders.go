package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
)

// none stands for an order without a status or asset class, in filters and counts.
const none = "NONE"

// List is one page.
type List[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor" doc:"Of the next page; null at the end."`
}

// Page are the parameters of a list in pages.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"The most there are on a page."`
	Cursor string `query:"cursor" doc:"nextCursor of the page before, with the same filters."`
}

type statusFilter string

// Schema names the statuses.
func (statusFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: append(statusNames(), none)}
}

type assetClassFilter string

// Schema names the asset classes.
func (assetClassFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: assetClassNames()}
}

type breakFilter string

// Schema names the codes.
func (breakFilter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: breakNames()}
}

// boolFilter is a boolean that may be left out; strictQuery lets only true and false through.
type boolFilter struct{ Value, Given bool }

// Schema says that it is a boolean.
func (boolFilter) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean} }

// Receiver returns where huma puts the value.
func (f *boolFilter) Receiver() reflect.Value { return reflect.ValueOf(&f.Value).Elem() }

// OnParamSet notes that there is one.
func (f *boolFilter) OnParamSet(given bool, _ any) { f.Given = given }

type orderInput struct {
	ID string `path:"id" doc:"orderId, percent-encoded."`
	AsOf
	IfNoneMatch
}

type orderOutput struct {
	As
	Tagged
	Status int
	Body   *Order
}

type historyInput struct {
	ID string `path:"id" doc:"orderId, percent-encoded."`
	AsOf
}

type historyOutput struct {
	As
	Body List[HistoryEntry]
}

func (a *API) registerOrders() {
	tags := []string{"orders"}
	get(a, huma.Operation{OperationID: "list-orders", Path: "/v1/orders", Tags: tags, Summary: "Orders by filters, in pages or all at once",
		Responses: a.listResponses()}, []int{http.StatusGone, http.StatusServiceUnavailable}, a.listOrders)
	get(a, huma.Operation{OperationID: "get-order", Path: "/v1/orders/{id}", Tags: tags, Summary: "One order",
		Responses: map[string]*huma.Response{"304": unchanged()}, Middlewares: huma.Middlewares{a.single}},
		[]int{http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable}, a.getOrder)
	get(a, huma.Operation{OperationID: "get-order-history", Path: "/v1/orders/{id}/history", Tags: tags,
		Summary: "What each notification of an order did, in the order of arrival"},
		[]int{http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable}, a.getHistory)
	get(a, huma.Operation{OperationID: "get-order-explanation", Path: "/v1/orders/{id}/explain", Tags: tags,
		Summary: "Why an order has its status"},
		[]int{http.StatusNotFound, http.StatusServiceUnavailable}, a.getExplanation)
}

func (a *API) getOrder(ctx context.Context, in *orderInput) (*orderOutput, error) {
	o, at, err := a.orderAsOf(ctx, in.ID, in.AsOf)
	if err != nil {
		return nil, err
	}
	// The count too: a redrive adds notifications that are older than the last one.
	tag := orderTag(at.Generation, o.Last.Sequence, o.Count)
	if !in.AsOf.now() {
		// What was received by some time need not be all up to some sequence: clocks are set back.
		tag = fmt.Sprintf(`W/"%d-%d-as-of-%d"`, at.Generation, o.Last.Sequence, o.Count)
	}
	view := newOrder(&o)
	if a.platform != nil && in.AsOf.now() {
		if asked, ok := a.platform.Asked(o.ID, o.Last.Sequence); ok {
			view.Asked = &asked
			tag = fmt.Sprintf(`W/"%d-%d-%s-%d"`, at.Generation, o.Last.Sequence, asked.State, asked.Attempts)
		}
	}
	out := &orderOutput{As: As{at.Applied}}
	if out.Tagged, out.Status = in.tag(tag); out.Status == http.StatusOK {
		out.Body = &view
	}
	return out, nil
}

// orderTag spares what fmt costs: there is one for each order read.
func orderTag(generation int, last, count uint64) string {
	b := strconv.AppendInt(append(make([]byte, 0, 64), `W/"`...), int64(generation), 10)
	b = strconv.AppendUint(append(b, '-'), last, 10)
	b = strconv.AppendUint(append(b, '-'), count, 10)
	return string(append(b, '"'))
}

// noOrder says that an order is unknown to views that stood at applied.
func noOrder(err error, id string, applied uint64) error {
	if errors.Is(err, views.ErrNotFound) {
		return problem(codeNotFound, "No notification of the order %q has been applied. "+
			"With minSequence the answer waits for a notification that was received just now.", id).at(applied)
	}
	return err
}

func (a *API) getHistory(ctx context.Context, in *historyInput) (*historyOutput, error) {
	past, at, err := a.past(ctx, in.ID, in.AsOf)
	if err != nil {
		return nil, err
	}
	data := make([]HistoryEntry, len(past.Entries))
	for i := range past.Entries {
		data[i] = newHistoryEntry(&past.Entries[i])
	}
	return &historyOutput{As{at.Applied}, List[HistoryEntry]{Data: data}}, nil
}
