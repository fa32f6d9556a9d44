package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// OrderFilters contains the parameters that select orders. An order must satisfy all that are
// given.
type OrderFilters struct {
	Status        []statusFilter     `query:"status,explode" doc:"Any of these statuses; NONE: orders without a status. Repeatable."`
	AssetClass    assetClassFilter   `query:"assetClass" doc:"The asset class for which the platform reports the order."`
	ISIN          []string           `query:"isin,explode" maxItems:"50" example:"DE0007164600" doc:"Any of these ISINs, in any letter case. Repeatable."`
	Symbol        []string           `query:"symbol,explode" maxItems:"50" doc:"Any of these symbols, in any letter case; for digital or tokenized assets. Repeatable."`
	Side          string             `query:"side" enum:"BUY,SELL" doc:"The side, whatever its letter case in the notification."`
	ProductID     []string           `query:"productId,explode" maxItems:"50" doc:"Any of these is the depository, wallet or cash product of the order. Repeatable."`
	IDPrefix      string             `query:"idPrefix" minLength:"4" maxLength:"512" example:"6f1c1b1e" doc:"The beginning of orderId, at least 4 characters, case-sensitive."`
	ExternalID    []string           `query:"externalId,explode" maxItems:"50" doc:"Any of these ids, exactly as the partner gave them; several orders may have the same one. Repeatable."`
	Break         []anyBreakFilter   `query:"break,explode" doc:"Any of these breaks is open; any: at least one break is open. Repeatable."`
	Open          boolFilter         `query:"open" doc:"true: the order can still trade."`
	Final         boolFilter         `query:"final" doc:"true: nothing more is expected."`
	OrderType     []string           `query:"orderType,explode" maxItems:"50" example:"LIMIT" doc:"Any of these order types, in any letter case. Repeatable."`
	ExchangeCode  []string           `query:"exchangeCode,explode" maxItems:"50" example:"XFRA" doc:"Any of these exchange codes, in any letter case. Repeatable."`
	QuantityMin   decimalFilter      `query:"quantityMin" example:"1000" doc:"The minimum of the ordered quantity. Orders without a quantity, such as orders of an amount, do not match."`
	QuantityMax   decimalFilter      `query:"quantityMax" doc:"The maximum of the ordered quantity."`
	Settlement    []settlementFilter `query:"settlement,explode" doc:"Any of these states is settlement.state today, in Berlin; none also selects orders without a settlement. Repeatable."`
	DueOn         dayFilter          `query:"dueOn" example:"2026-12-28" doc:"settlement.dueOn is that day, whether the order has settled or not."`
	DueSince      dayFilter          `query:"dueSince" doc:"settlement.dueOn is that day or later."`
	DueUntil      dayFilter          `query:"dueUntil" doc:"settlement.dueOn is that day or earlier."`
	Executed      string             `query:"executed" enum:"none,some,all" doc:"none: nothing is executed. some: something is executed. all: at least the ordered quantity or, if that or the executed quantity is unknown, the order is FILLED or SETTLED after a fill."`
	ReceivedSince moment             `query:"receivedSince" example:"2026-03-02T09:00:00Z" doc:"The last notification was received at that time or later."`
	ReceivedUntil moment             `query:"receivedUntil" doc:"The last notification was received at that time or earlier."`
	ModifiedSince moment             `query:"modifiedSince" doc:"modifiedOn is that time or later."`
	ModifiedUntil moment             `query:"modifiedUntil" doc:"modifiedOn is that time or earlier."`
	CreatedSince  moment             `query:"createdSince" doc:"createdOn is that time or later."`
	CreatedUntil  moment             `query:"createdUntil" doc:"createdOn is that time or earlier."`
	StatusSince   moment             `query:"statusChangedSince" doc:"statusSince, the time since which the order has its status, is that time or later."`
	StatusUntil   moment             `query:"statusChangedUntil" doc:"statusSince is that time or earlier."`
}

type ordersInput struct {
	Page
	AtLeast
	IfNoneMatch
	OrderFilters
	Sort   string       `query:"sort" enum:"-received,received,-modified,modified,-quantity,quantity,-due,due" default:"-received" doc:"By the last notification, by modifiedOn, by the ordered quantity or by settlement.dueOn; with - the latest or largest comes first. An unknown modifiedOn or quantity counts as the earliest or smallest; orders without dueOn come last in both. By quantity only if the filters select few orders, about 2000; otherwise refused as too-many."`
	Format string       `query:"format" enum:"json,csv,ndjson" doc:"csv and ndjson: all selected orders, whatever the limit, without pages. Without it Accept decides: text/csv, application/x-ndjson, otherwise json."`
	Fields fieldsFilter `query:"fields" doc:"Only these fields of each order, separated by commas: members of an order in json and ndjson, columns in csv, in the order given."`
	Totals bool         `query:"totals" doc:"true: adds the number of all selected orders and the sums of their quantities to the page. Refused as too-many if too many orders would have to be read."`
	Accept string       `header:"Accept" hidden:"true"`
}

type ordersOutput struct {
	As
	Tagged
	ContentType string `header:"Content-Type" hidden:"true"`
	Disposition string `header:"Content-Disposition" doc:"For csv and ndjson: the name of the file."`
	Revision    string `header:"Orderfold-Revision" doc:"For csv and ndjson: the least revision of the feed of order events that every order has. 0: there was none."`
	FeedAt      string `header:"Orderfold-Feed-Sequence" doc:"For csv and ndjson, if the feed is on: the orders contain the events up to this one. To continue with the feed, read the events after it."`
	Status      int
	Body        func(huma.Context)
}

// Resolve refuses a cursor if the list has no pages, and unknown fields.
func (in *ordersInput) Resolve(huma.Context) []error {
	if err := in.Fields.check(in.form()); err != nil {
		return []error{&huma.ErrorDetail{Location: "query.fields", Message: err.Error(), Value: strings.Join(in.Fields.names, ",")}}
	}
	if in.Totals && in.form() != asJSON {
		return []error{&huma.ErrorDetail{Location: "query.totals", Message: "csv and ndjson cannot contain totals"}}
	}
	if in.Cursor != "" && in.form() != asJSON {
		return []error{&huma.ErrorDetail{Location: "query.cursor", Message: "csv and ndjson contain the whole list: there are no pages"}}
	}
	return nil
}

func (a *API) listResponses() map[string]*huma.Response {
	schemas := a.huma.OpenAPI().Components.Schemas
	list := &huma.Schema{AnyOf: []*huma.Schema{schemas.Schema(reflect.TypeFor[List[Order]](), true, ""),
		schemas.Schema(reflect.TypeFor[SelectedOrders](), true, "")}}
	text := &huma.Schema{Type: huma.TypeString}
	return map[string]*huma.Response{"304": unchanged(), "200": {Description: http.StatusText(http.StatusOK),
		Content: map[string]*huma.MediaType{"application/json": {Schema: list}, csvType: {Schema: text}, ndjsonType: {Schema: text}}}}
}

func (a *API) listOrders(ctx context.Context, in *ordersInput) (*ordersOutput, error) {
	q := in.query(a.zone, a.settling())
	form := in.form()
	if form != asJSON {
		q.Limit = exportPage
	}
	page, err := a.views.Orders(ctx, q)
	if err != nil {
		return nil, err
	}
	if form != asJSON {
		return a.export(in, q, page), nil
	}
	data := make([]Order, len(page.Orders))
	for i := range page.Orders {
		data[i] = newOrder(&page.Orders[i], q.Settling)
	}
	members, err := in.Fields.members()
	if err != nil {
		return nil, err // Resolve has already refused an invalid one
	}
	body := appendPage(make([]byte, 0, orderBytes*(len(data)+1)), data, members, page.Next, page.Totals)
	out := &ordersOutput{As: As{page.Applied}}
	out.Tagged, out.Status = in.tag(page.Lineage, body)
	out.Body = written(out.Status, body)
	return out, nil
}

// written answers with JSON that is already encoded.
func written(status int, body []byte) func(huma.Context) {
	return func(c huma.Context) {
		if status != http.StatusNotModified {
			c.SetHeader("Content-Type", "application/json")
		}
		c.SetStatus(status)
		if status != http.StatusNotModified {
			_, _ = c.BodyWriter().Write(body) // it does not matter whether the client still reads
		}
	}
}

var extents = map[string]statemachine.Extent{"none": statemachine.NothingExecuted, "some": statemachine.SomeExecuted, "all": statemachine.AllExecuted}

var sorts = map[string]views.Sort{"-received": views.LatestReceived, "received": views.EarliestReceived,
	"-modified": views.LatestModified, "modified": views.EarliestModified,
	"-quantity": views.LargestQuantity, "quantity": views.SmallestQuantity, "-due": views.LatestDue, "due": views.EarliestDue}

// query translates the parameters, which have already been checked against the schema.
func (in *ordersInput) query(zone *time.Location, on views.Settling) views.Query {
	q := in.OrderFilters.query(zone, on)
	q.Sort, q.Limit, q.Cursor, q.Totals = sorts[in.Sort], in.Limit, in.Cursor, in.Totals
	return q
}

func (f *OrderFilters) query(zone *time.Location, on views.Settling) views.Query {
	period := func(since, until *moment) views.Period {
		return views.Period{Since: since.begin(zone), Until: until.end(zone)}
	}
	q := views.Query{IDPrefix: f.IDPrefix, ISINs: f.ISIN, Symbols: f.Symbol, Side: f.Side, ProductIDs: f.ProductID, ExternalIDs: f.ExternalID,
		Received: period(&f.ReceivedSince, &f.ReceivedUntil), Modified: period(&f.ModifiedSince, &f.ModifiedUntil),
		Created: period(&f.CreatedSince, &f.CreatedUntil), StatusChanged: period(&f.StatusSince, &f.StatusUntil),
		OrderTypes: f.OrderType, ExchangeCodes: f.ExchangeCode,
		QuantityMin: f.QuantityMin.Decimal, QuantityMax: f.QuantityMax.Decimal, Settling: on}
	f.addSettlement(&q)
	if extent, given := extents[f.Executed]; given {
		q.Executed = &extent
	}
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
	if slices.Contains(f.Break, anyBreak) {
		q.AnyBreak = new(true)
		return q
	}
	for _, name := range f.Break {
		code, _ := statemachine.ParseCode(string(name))
		q.Breaks = append(q.Breaks, code)
	}
	return q
}
