package client

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// OrderFilter selects the orders that satisfy every field that is set. The zero value selects all orders.
type OrderFilter struct {
	Statuses   []string // any of these; NONE: orders without a status
	AssetClass string   // TRADITIONAL, DIGITAL or TOKENIZED
	Open       *bool    // the order can still trade
	Breaks     []string // any of these is open; "any": at least one break is open
	IDPrefix   string   // the beginning of the id, at least 4 characters
	Side       string   // BUY or SELL
	Final      *bool    // no further notification is expected

	// Any of at most 50 values of each. ISINs and symbols match in any letter case.
	ExternalIDs, ISINs, Symbols []string
	ProductIDs                  []string // of the depository, wallet or cash product

	OrderTypes, ExchangeCodes []string // any of these, in any letter case
	QuantityMin, QuantityMax  string   // decimals, both included
	Executed                  string   // none, some or all

	Settlement                []string // any of pending, due, overdue, settled, none; as of today in Berlin
	DueOn, DueSince, DueUntil string   // days as in 2026-12-28

	ReceivedSince, ReceivedUntil *time.Time // of the last notification; both bounds are included; nil: no bound
	ModifiedSince, ModifiedUntil *time.Time // likewise for this and the following times
	CreatedSince, CreatedUntil   *time.Time
	StatusSince, StatusUntil     *time.Time // when the order got its current status

	Others url.Values // parameters of the API by name, also those without a field here
}

func (f *OrderFilter) addTo(v url.Values) {
	maps.Copy(v, f.Others)
	addTo(v, "status", f.Statuses...)
	addTo(v, "assetClass", f.AssetClass)
	addTo(v, "break", f.Breaks...)
	addTo(v, "idPrefix", f.IDPrefix)
	addTo(v, "externalId", f.ExternalIDs...)
	addTo(v, "isin", f.ISINs...)
	addTo(v, "symbol", f.Symbols...)
	addTo(v, "side", f.Side)
	addTo(v, "productId", f.ProductIDs...)
	addTo(v, "orderType", f.OrderTypes...)
	addTo(v, "exchangeCode", f.ExchangeCodes...)
	addTo(v, "quantityMin", f.QuantityMin)
	addTo(v, "quantityMax", f.QuantityMax)
	addTo(v, "executed", f.Executed)
	addTo(v, "settlement", f.Settlement...)
	addTo(v, "dueOn", f.DueOn)
	addTo(v, "dueSince", f.DueSince)
	addTo(v, "dueUntil", f.DueUntil)
	for name, value := range map[string]*bool{"open": f.Open, "final": f.Final} {
		if value != nil {
			v.Set(name, strconv.FormatBool(*value))
		}
	}
	for name, at := range map[string]*time.Time{"receivedSince": f.ReceivedSince, "receivedUntil": f.ReceivedUntil,
		"modifiedSince": f.ModifiedSince, "modifiedUntil": f.ModifiedUntil, "createdSince": f.CreatedSince, "createdUntil": f.CreatedUntil,
		"statusChangedSince": f.StatusSince, "statusChangedUntil": f.StatusUntil} {
		if at != nil {
			v.Set(name, string(instantOf(*at)))
		}
	}
}

// addTo adds the values that are not empty.
func addTo(v url.Values, name string, values ...string) {
	for _, value := range values {
		if value != "" {
			v.Add(name, value)
		}
	}
}

// OrderQuery selects and sorts a list of orders.
type OrderQuery struct {
	OrderFilter
	AtLeast
	Sort  string // -received, received, -modified, modified, -quantity, quantity, -due or due; "": -received
	Limit int    // of a page, 1 to 500; 0: 100

	// Fields are the JSON names of the members of an order to return, such as orderId; none: all.
	// Other members have the zero value.
	Fields []string
}

// BreakQuery selects open breaks, earliest opened first.
type BreakQuery struct {
	AtLeast
	Codes    []string // any of these
	Severity string   // warn or high
	Ages     []string // any of these: 0-1, 1-2, 3-5, over-5
	Limit    int      // of a page, 1 to 500; 0: 100

	Others url.Values // like OrderFilter.Others
}

// Page is one page of a list. It may be shorter than the limit, or empty, without being the last
// one.
type Page[T any] struct {
	Answer     `json:"-"`
	Data       []T    `json:"data"`
	NextCursor string `json:"nextCursor,omitempty"` // "" on the last page
}

// OrderPages returns the pages of a list. It ends with the first error. ErrCursorExpired means that the
// views were rebuilt with other rules or the log was restored meanwhile, so that the list must be read
// again from the beginning.
func (c *Client) OrderPages(ctx context.Context, q OrderQuery) iter.Seq2[Page[Order], error] {
	return pages[Order](ctx, c, q.request(), q.Limit)
}

func (q *OrderQuery) request() request {
	v := q.query()
	q.addTo(v)
	addTo(v, "sort", q.Sort)
	addTo(v, "fields", strings.Join(q.Fields, ","))
	return request{path: "/v1/orders", query: v, header: q.header()}
}

// Totals returns how many orders the filter of q selects, and their sums. ErrTooMany means that too many
// orders would have to be examined: select a shorter time, or filter only by status and the like.
func (c *Client) Totals(ctx context.Context, q OrderQuery) (Totals, error) {
	q.Sort, q.Fields = "", []string{"orderId"}
	r := q.request()
	r.query.Set("limit", "1")
	r.query.Set("totals", "true")
	page, err := ask[struct{ Totals *Totals }](ctx, c, r)
	if err == nil && page.Totals == nil {
		err = errors.New("client: the server is not this API, or an older version: its list has no totals")
	}
	if err != nil {
		return Totals{}, err
	}
	return *page.Totals, nil
}

// ObjectPages returns the last notification of each object of a kind, such as customer, latest first, in
// pages of at most limit: 1 to 500; 0: 100. The errors are those of OrderPages.
func (c *Client) ObjectPages(ctx context.Context, object string, at AtLeast, limit int) iter.Seq2[Page[LastNotification], error] {
	return pages[LastNotification](ctx, c, request{path: objectsPath(object), query: at.query(), header: at.header()}, limit)
}

// Objects returns the objects of ObjectPages one by one.
func (c *Client) Objects(ctx context.Context, object string, at AtLeast) iter.Seq2[LastNotification, error] {
	return each(c.ObjectPages(ctx, object, at, largePage))
}

// Orders returns the orders of OrderPages one by one.
func (c *Client) Orders(ctx context.Context, q OrderQuery) iter.Seq2[Order, error] {
	return each(c.OrderPages(ctx, q))
}

// BreakPages returns the pages of a list of open breaks, with the errors of OrderPages.
func (c *Client) BreakPages(ctx context.Context, q BreakQuery) iter.Seq2[Page[OpenBreak], error] {
	v := q.query()
	maps.Copy(v, q.Others)
	addTo(v, "code", q.Codes...)
	addTo(v, "severity", q.Severity)
	addTo(v, "age", q.Ages...)
	return pages[OpenBreak](ctx, c, request{path: "/v1/breaks", query: v, header: q.header()}, q.Limit)
}

// Breaks returns the breaks of BreakPages one by one.
func (c *Client) Breaks(ctx context.Context, q BreakQuery) iter.Seq2[OpenBreak, error] {
	return each(c.BreakPages(ctx, q))
}

func pages[T any](ctx context.Context, c *Client, r request, limit int) iter.Seq2[Page[T], error] {
	if limit > 0 {
		r.query.Set("limit", strconv.Itoa(limit))
	}
	return func(yield func(Page[T], error) bool) {
		r := r
		for r.query = maps.Clone(r.query); ; {
			page, err := ask[Page[T]](ctx, c, r)
			if !yield(page, err) || err != nil || page.NextCursor == "" {
				return
			}
			r.query.Set("cursor", page.NextCursor)
		}
	}
}

func each[T any](pages iter.Seq2[Page[T], error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range pages {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for i := range page.Data {
				if !yield(page.Data[i], nil) {
					return
				}
			}
		}
	}
}
