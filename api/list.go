package api

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// OrderFilters are the parameters that select orders; an order satisfies all that are given.
type OrderFilters struct {
	Status        []statusFilter   `query:"status,explode" doc:"Any of these; NONE: no status is known. Repeatable."`
	AssetClass    assetClassFilter `query:"assetClass" doc:"The order object that it was notified as."`
	ISIN          string           `query:"isin" example:"DE0007164600" doc:"Exactly this one."`
	Symbol        string           `query:"symbol" doc:"Exactly this one, of a digital or tokenized asset."`
	Side          string           `query:"side" enum:"BUY,SELL" doc:"Whatever case it was notified in."`
	ProductID     string           `query:"productId" doc:"Of the depository, wallet or cash product."`
	ExternalID    string           `query:"externalId" doc:"Exactly the id that the partner gave the order; several orders may have it."`
	Break         []breakFilter    `query:"break,explode" doc:"Any of these is open. Repeatable."`
	Open          boolFilter       `query:"open" doc:"true: it can still trade."`
	Final         boolFilter       `query:"final" doc:"true: nothing more is expected."`
	ReceivedSince moment           `query:"receivedSince" example:"2026-03-02T09:00:00Z" doc:"The last notification was received then or later."`
	ReceivedUntil moment           `query:"receivedUntil" doc:"It was received then or earlier."`
	ModifiedSince moment           `query:"modifiedSince" doc:"modifiedOn is then or later."`
	ModifiedUntil moment           `query:"modifiedUntil" doc:"modifiedOn is then or earlier."`
}

type ordersInput struct {
	Page
	AtLeast
	IfNoneMatch
	OrderFilters
	Sort   string `query:"sort" enum:"-received,received,-modified,modified" default:"-received" doc:"By the last notification or by modifiedOn; - is latest first. An unknown modifiedOn counts as the earliest."`
	Format string `query:"format" enum:"json,csv,ndjson" doc:"csv and ndjson: all orders selected, whatever the limit, without pages. Without it Accept decides: text/csv, application/x-ndjson, else json."`
	Accept string `header:"Accept" hidden:"true"`
}

type ordersOutput struct {
	As
	Tagged
	ContentType string `header:"Content-Type" hidden:"true"`
	Disposition string `header:"Content-Disposition" hidden:"true"`
	Status      int
	Body        func(huma.Context)
}

// Resolve refuses the cursor of a page where there are no pages.
func (in *ordersInput) Resolve(huma.Context) []error {
	if in.Cursor != "" && in.form() != asJSON {
		return []error{&huma.ErrorDetail{Location: "query.cursor", Message: "csv and ndjson are the whole list: there are no pages"}}
	}
	return nil
}

func (a *API) listResponses() map[string]*huma.Response {
	list := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[List[Order]](), true, "")
	text := &huma.Schema{Type: huma.TypeString}
	return map[string]*huma.Response{"304": unchanged(), "200": {Description: http.StatusText(http.StatusOK),
		Content: map[string]*huma.MediaType{"application/json": {Schema: list}, csvType: {Schema: text}, ndjsonType: {Schema: text}}}}
}

func (a *API) listOrders(ctx context.Context, in *ordersInput) (*ordersOutput, error) {
	q := in.query()
	form := in.form()
	if form != asJSON {
		q.Limit = exportPage
	}
	page, err := a.views.Orders(ctx, q)
	if err != nil {
		return nil, err
	}
	if form != asJSON {
		return a.export(form, q, page), nil
	}
	out := &ordersOutput{As: As{page.Applied}}
	out.Tagged, out.Status = in.tag(tagOf(&page))
	out.Body = func(c huma.Context) {
		if out.Status == http.StatusNotModified {
			c.SetStatus(out.Status)
			return
		}
		c.SetHeader("Content-Type", "application/json")
		c.SetStatus(out.Status)
		data := make([]Order, len(page.Orders))
		for i := range page.Orders {
			data[i] = newOrder(&page.Orders[i])
		}
		_ = writeJSON(c.BodyWriter(), List[Order]{data, known(page.Next)}) // texts and numbers: it can be written
	}
	return out, nil
}

// tagOf changes when an order of the page does, or another one is in it. A cursor tells how far the views had come, but one that
// was made for the same orders earlier leads on just as well.
func tagOf(page *views.Page) string {
	h := fnv.New64a()
	for i := range page.Orders {
		o := &page.Orders[i]
		fmt.Fprintf(h, "%q %d %d,", o.ID, o.Last.Sequence, o.Count) // the count for a redrive
	}
	return fmt.Sprintf(`W/"%d-%d-%t-%x"`, page.Generation, len(page.Orders), page.Next != "", h.Sum64())
}

var sorts = map[string]views.Sort{"-received": views.LatestReceived, "received": views.EarliestReceived,
	"-modified": views.LatestModified, "modified": views.EarliestModified}

// query translates the parameters, which have been checked against the schema.
func (in *ordersInput) query() views.Query {
	q := in.OrderFilters.query()
	q.Sort, q.Limit, q.Cursor = sorts[in.Sort], in.Limit, in.Cursor
	return q
}

func (f *OrderFilters) query() views.Query {
	q := views.Query{ISIN: f.ISIN, Symbol: f.Symbol, Side: f.Side, ProductID: f.ProductID, ExternalID: f.ExternalID,
		Received: views.Period{Since: f.ReceivedSince.Time, Until: f.ReceivedUntil.Time},
		Modified: views.Period{Since: f.ModifiedSince.Time, Until: f.ModifiedUntil.Time}}
	for _, name := range f.Status {
		status := statemachine.Status(name)
		if name == none {
			status = ""
		}
		q.Statuses = append(q.Statuses, status)
	}
	q.AssetClass, _ = statemachine.ParseAssetClass(string(f.AssetClass))
	if f.Open.Given {
		q.Open = &f.Open.Value
	}
	if f.Final.Given {
		q.Final = &f.Final.Value
	}
	for _, name := range f.Break {
		code, _ := statemachine.ParseCode(string(name))
		q.Breaks = append(q.Breaks, code)
	}
	return q
}
