package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// LastNotification is the last notification of an object.
type LastNotification struct {
	Object        string `json:"object" example:"customer"`
	ID            string `json:"id"`
	Sequence      uint64 `json:"sequence" doc:"Sequence of the last notification."`
	ReceivedAt    string `json:"receivedAt" format:"date-time" doc:"When the last notification was received."`
	Notifications uint64 `json:"notifications" doc:"Number of notifications, including repeats."`
	Raw           string `json:"raw" example:"/v1/objects/customer/123e4567-e89b-12d3-a456-426614174000" doc:"Path of the raw bytes of the last notification."`
}

type objectsInput struct {
	Object string `path:"object" example:"customer" doc:"Event type in kebab case without -notification."`
	Page
	AtLeast
}

type objectsOutput struct {
	As
	Body List[LastNotification]
}

func (a *API) registerObjects() {
	get(a, huma.Operation{OperationID: "list-objects", Path: "/v1/objects/{object}", Tags: []string{"notifications"},
		Summary: "Objects of a kind, last notified first"},
		[]int{http.StatusGone, http.StatusServiceUnavailable}, a.listObjects)
}

func (a *API) listObjects(ctx context.Context, in *objectsInput) (*objectsOutput, error) {
	page, err := a.lastObjects(ctx, in)
	if err != nil {
		return nil, err
	}
	data := make([]LastNotification, len(page.Objects))
	for i := range page.Objects {
		o := &page.Objects[i]
		data[i] = LastNotification{o.Object, o.ID, o.Sequence, instant(o.Received), o.Count, a.objectPath(o)}
	}
	return &objectsOutput{As{page.Applied}, List[LastNotification]{data, known(page.Next)}}, nil
}

// lastObjects returns a page of objects. It does not answer for orders, which are objects too but
// are kept elsewhere.
func (a *API) lastObjects(ctx context.Context, in *objectsInput) (page views.ObjectPage, err error) {
	name, found := strings.CutSuffix(in.Object, "-asset-order")
	class, known := statemachine.ParseAssetClass(strings.ToUpper(name))
	if !found || !known {
		return a.objects.Objects(ctx, views.ObjectQuery{Object: in.Object, Limit: in.Limit, Cursor: in.Cursor})
	}
	orders, err := a.views.Orders(ctx, views.Query{AssetClass: class, Limit: in.Limit, Cursor: in.Cursor})
	page.Next, page.Applied = orders.Next, orders.Applied
	for i := range orders.Orders {
		o := &orders.Orders[i]
		page.Objects = append(page.Objects, views.Object{Object: in.Object, ID: o.ID, Sequence: o.Last.Sequence, Received: o.Last.Received, Count: o.Count})
	}
	return page, err
}

func (a *API) objectPath(o *views.Object) string {
	return fmt.Sprintf("%s/v1/objects/%s/%s", a.prefix, url.PathEscape(o.Object), url.PathEscape(o.ID))
}
