package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
)

// maxFoundOrders is the maximum number of orders named for one finding.
const maxFoundOrders = 10

// leastPrefix is the least number of characters in the beginning of an id, as for the parameter
// idPrefix.
const leastPrefix = 4

// Search contains the meanings of the text searched for.
type Search struct {
	Found []Found `json:"found" doc:"Empty if nothing matches."`
}

// Found is one meaning of the text searched for.
type Found struct {
	Kind       string   `json:"kind" enum:"order,notification,externalId,productId,isin,symbol,object,idPrefix" doc:"order, notification, object: its id or sequence. object: anything that is not an order. All others: the filter of /v1/orders that has the text as its value."`
	Path       string   `json:"path" example:"/v1/orders/6f1c1b1e-0d2a-4f0e-9a55-0b7a9f6f3c11" doc:"The path with more details."`
	OrderIDs   []string `json:"orderIds" doc:"The orders concerned, last notified first, at most 10."`
	More       bool     `json:"more" doc:"There are more orders than these."`
	Object     *string  `json:"object" example:"customer" doc:"The kind of object, for a notification or object."`
	Sequence   *uint64  `json:"sequence" doc:"Sequence of the notification, or of the object's last one."`
	ReceivedAt *string  `json:"receivedAt" format:"date-time" doc:"When that notification was received."`
}

type searchInput struct {
	Text string `query:"q" required:"true" minLength:"1" maxLength:"512" example:"ord-000123" doc:"An order id or at least 4 characters of its beginning, an external id, a product id, an ISIN or symbol in any letter case, the id of any other object, or the sequence of a notification."`
	AtLeast
}

type searchOutput struct {
	As
	Body Search
}

func (a *API) registerSearch() {
	get(a, huma.Operation{OperationID: "search", Path: "/v1/search", Tags: []string{"orders"}, Summary: "Find an id of any kind"},
		[]int{http.StatusServiceUnavailable}, a.search)
}

// search looks for each kind of id in turn. Each look is one query of an index.
func (a *API) search(ctx context.Context, in *searchInput) (*searchOutput, error) {
	out := &searchOutput{Body: Search{Found: []Found{}}}
	order, at, err := a.views.Order(ctx, in.Text)
	out.Applied = at.Applied
	switch {
	case err == nil:
		out.Body.Found = append(out.Body.Found, Found{Kind: "order", Path: a.prefix + "/v1/orders/" + url.PathEscape(order.ID), OrderIDs: []string{order.ID}})
	case !errors.Is(err, views.ErrNotFound):
		return nil, err
	}
	for _, find := range []func(context.Context, string) ([]Found, error){a.findNotification, a.findByFilter, a.findObjects} {
		found, err := find(ctx, in.Text)
		if err != nil {
			return nil, err
		}
		out.Body.Found = append(out.Body.Found, found...)
	}
	if order.ID != "" || utf8.RuneCountInString(in.Text) < leastPrefix {
		return out, nil
	}
	found, err := a.findOrders(ctx, "idPrefix", in.Text, views.Query{IDPrefix: in.Text})
	out.Body.Found = append(out.Body.Found, found...)
	return out, err
}

// findNotification looks a number up in the log. If the log cannot be reached, the other kinds are
// still answered.
func (a *API) findNotification(ctx context.Context, text string) ([]Found, error) {
	if !plainInteger(text, 63) || text == "0" {
		return nil, nil
	}
	sequence, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return nil, nil // cannot happen: plainInteger has accepted it
	}
	record, err := a.log.Record(ctx, sequence)
	if err != nil {
		return nil, ctx.Err()
	}
	found := Found{Kind: "notification", Path: fmt.Sprintf("%s/v1/notifications/%d", a.prefix, sequence), OrderIDs: []string{}, Object: &record.Object,
		Sequence: &sequence, ReceivedAt: knownTime(record.Received, true)}
	if a.orderOf != nil {
		if id := a.orderOf(&record); id != "" {
			found.OrderIDs = []string{id}
		}
	}
	return []Found{found}, nil
}

// findByFilter looks for orders that have the text as a value of one of the filters.
func (a *API) findByFilter(ctx context.Context, text string) (all []Found, err error) {
	value := []string{text}
	for _, filter := range []struct {
		name  string
		query views.Query
	}{
		{"externalId", views.Query{ExternalIDs: value}}, {"productId", views.Query{ProductIDs: value}},
		{"isin", views.Query{ISINs: value}}, {"symbol", views.Query{Symbols: value}},
	} {
		found, err := a.findOrders(ctx, filter.name, text, filter.query)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (a *API) findOrders(ctx context.Context, filter, text string, q views.Query) ([]Found, error) {
	q.Limit = maxFoundOrders
	page, err := a.views.Orders(ctx, q)
	if err != nil || len(page.Orders) == 0 {
		return nil, err
	}
	found := Found{Kind: filter, Path: a.prefix + "/v1/orders?" + url.Values{filter: {text}}.Encode(), More: page.Next != ""}
	for i := range page.Orders {
		found.OrderIDs = append(found.OrderIDs, page.Orders[i].ID)
	}
	return []Found{found}, nil
}

// findObjects looks for objects with this id that are not orders.
func (a *API) findObjects(ctx context.Context, id string) (all []Found, err error) {
	objects, _, err := a.objects.ObjectsWithID(ctx, id)
	for i := range objects {
		o := &objects[i]
		all = append(all, Found{Kind: "object", Path: a.objectPath(o), OrderIDs: []string{}, Object: &o.Object, Sequence: &o.Sequence,
			ReceivedAt: knownTime(o.Received, true)})
	}
	return all, err
}
