package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
)

type notificationInput struct {
	Sequence uint64 `path:"sequence" minimum:"1" doc:"Sequence of the record in the log."`
}

type objectInput struct {
	Object string `path:"object" example:"customer" doc:"Event type in kebab case without -notification."`
	ID     string `path:"id" doc:"Id of the object, percent-encoded."`
	AtLeast
}

// Raw contains the headers of a notification as it was received. Its content comes from outside:
// the headers that every answer has keep a browser from treating it as one of our pages, and it is
// offered as a file.
type Raw struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Disposition string `header:"Content-Disposition"`
	Sequence    uint64 `header:"Notification-Sequence"`
	ReceivedAt  string `header:"Notification-Received-At"`
	Source      string `header:"Notification-Source" enum:"webhook,recovered,fetched"`
	Object      string `header:"Notification-Object"`
	RequestID   string `header:"Notification-Request-Id"`
	Traceparent string `header:"Notification-Traceparent"`
}

type notificationOutput struct {
	Raw
	Body []byte
}

type objectOutput struct {
	As
	Raw
	Body []byte
}

func (a *API) registerRaw() {
	tags := []string{"notifications"}
	get(a, huma.Operation{OperationID: "get-notification", Path: "/v1/notifications/{sequence}", Tags: tags,
		Summary: "One notification, the exact bytes", Responses: rawResponse()},
		[]int{http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable}, a.getNotification)
	get(a, huma.Operation{OperationID: "get-object", Path: "/v1/objects/{object}/{id}", Tags: tags,
		Summary: "The last notification of any object, the exact bytes", Responses: rawResponse()},
		[]int{http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable}, a.getObject)
}

func rawResponse() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "With the content type with which it was received.",
		Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
}

func (a *API) getNotification(ctx context.Context, in *notificationInput) (*notificationOutput, error) {
	record, err := a.record(ctx, in.Sequence)
	if err != nil {
		return nil, err
	}
	return &notificationOutput{newRaw(record), record.Body}, nil
}

func (a *API) getObject(ctx context.Context, in *objectInput) (*objectOutput, error) {
	sequence, applied, err := a.lastOf(ctx, in.Object, in.ID)
	if errors.Is(err, views.ErrNotFound) {
		return nil, problem(codeNotFound, "No notification of a %q with the id %q has been applied.", in.Object, in.ID).at(applied)
	}
	if err != nil {
		return nil, err
	}
	record, err := a.record(ctx, sequence)
	if err != nil {
		return nil, err
	}
	return &objectOutput{As{applied}, newRaw(record), record.Body}, nil
}

// lastOf returns the sequence of the object's last notification. Orders are objects too, but are
// kept elsewhere.
func (a *API) lastOf(ctx context.Context, object, id string) (sequence, applied uint64, err error) {
	if class, found := strings.CutSuffix(object, "-asset-order"); found {
		o, at, err := a.views.Order(ctx, id)
		if err == nil && !strings.EqualFold(o.AssetClass().String(), class) {
			err = views.ErrNotFound
		}
		return o.Last.Sequence, at.Applied, err
	}
	last, applied, err := a.objects.Object(ctx, object, id)
	return last.Sequence, applied, err
}

func (a *API) record(ctx context.Context, sequence uint64) (Record, error) {
	record, err := a.log.Record(ctx, sequence)
	switch {
	case errors.Is(err, ErrNoRecord):
		return Record{}, problem(codeNotFound, "The log has no record %d; GET /v1/status shows where it begins and ends.", sequence)
	case errors.Is(err, ErrMissing):
		return Record{}, problem(codeRecordMissing, "The log lost record %d; see GET /v1/status.", sequence).because(err)
	case err != nil:
		return Record{}, unavailable(ctx, err)
	}
	return record, nil
}

func newRaw(r Record) Raw {
	return Raw{
		ContentType: cmp.Or(r.ContentType, "application/octet-stream"),
		Disposition: fmt.Sprintf(`attachment; filename="notification-%d"`, r.Sequence),
		Sequence:    r.Sequence, ReceivedAt: instant(r.Received), Source: r.Source, Object: r.Object,
		RequestID: r.RequestID, Traceparent: r.Traceparent,
	}
}
