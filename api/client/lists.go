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

// OrderFilter selects orders: those that satisfy every field given. The zero value selects all.
type OrderFilter struct {
	Statuses   []string // any of these; NONE: no status is known
	AssetClass string   // TRADITIONAL, DIGITAL or TOKENIZED
	Open       *bool    // it can still trade
	Breaks     []string // any of these is open; any: at least one is
	IDPrefix   string   // what the id begins with, at least 4 characters
	Side       string   // BUY or SELL
	Final      *bool    // nothing more is expected

	// Of each of these, any of at most 50 values. ISINs and symbols count in any letter case.
	ExternalIDs, ISINs, Symbols []string
	ProductIDs                  []string // of the depository, wallet or cash product

	OrderTypes, ExchangeCodes []string // any of these, in any letter case
	QuantityMin, QuantityMax  string   // decimals, both included
	Executed                  string   // none, some or all

	Settlement                []string // any of pending, due, overdue, settled, none; today, in Berlin
	DueOn, DueSince, DueUntil string   // days as in 2026-12-28

	ReceivedSince, ReceivedUntil *time.Time // of the last notification; both ends are included, nil leaves one open
	ModifiedSince, ModifiedUntil *time.Time // likewise, as those that follow
	CreatedSince, CreatedUntil   *time.Time
	StatusSince, StatusUntil     *time.Time // since when the order has its status

	Others url.Values // parameters of the API by their names, also such as this package has no field for
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

// addTo adds the values that are given.
func addTo(v url.Values, name string, values ...string) {
	for _, value := range values {
		if value != "" {
			v.Add(name, value)
		}
	}
}

// OrderQuery is a list of orders.
type OrderQuery struct {
	OrderFilter
	AtLeast
	Sort  string // -received, received, -modified, modified, -quantity, quantity, -due or due; "": -received
	Limit int    // of a page, 1 to 500; 0: 100

	// Fields are the members of an order that are wanted, by their JSON names, such as orderId; none: all. What is not wanted has the zero
	// value.
	Fields []string
}

// BreakQuery is a list of open breaks, the one opened first at the top.
type BreakQuery struct {
	AtLeast
	Codes    []string // any of these
	Severity string   // warn or high
	Ages     []string // any of these: 0-1, 1-2, 3-5, over-5
	Limit    int      // of a page, 1 to 500; 0: 100

	Others url.Values // as OrderFilter.Others
}

// Page is one page of a list. It may be shorter than the limit, or empty, and yet not be the last one.
type Page[T any] struct {
	Answer     `json:"-"`
	Data       []T    `json:"data"`
	NextCursor string `json:"nextCursor,omitempty"` // "": the last one
}

// OrderPages returns the pages of a list, newest notification first. It ends with the first error: ErrCursorExpired when the
// views were rebuilt meanwhile and the list must be begun again.
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

// Totals returns how many orders the filter of q selects, and their sums. ErrTooMany: more would have to be looked at than is done for
// one answer; a shorter time, or a filter by status and the like alone, has fewer.
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

// ObjectPages returns the last notifications of the objects of a kind, such as customer, the object notified last at the top, in pages of
// at most limit: 1 to 500; 0 is 100. Errors are those of OrderPages.
func (c *Client) ObjectPages(ctx context.Context, object string, at AtLeast, limit int) iter.Seq2[Page[LastNotification], error] {
	return pages[LastNotification](ctx, c, request{path: objectsPath(object), query: at.query(), header: at.header()}, limit)
}

// Objects is ObjectPages object by object, in large pages.
func (c *Client) Objects(ctx context.Context, object string, at AtLeast) iter.Seq2[LastNotification, error] {
	return each(c.ObjectPages(ctx, object, at, largePage))
}

// Orders is OrderPages order by order.
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

// Breaks is BreakPages break by break.
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
