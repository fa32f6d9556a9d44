package client

import (
	"context"
	"iter"
	"maps"
	"net/url"
	"strconv"
	"time"
)

// OrderFilter selects orders: those that satisfy every field given. The zero value selects all.
type OrderFilter struct {
	Statuses   []string // any of these; NONE: no status is known
	AssetClass string   // TRADITIONAL, DIGITAL or TOKENIZED
	Open       *bool    // it can still trade
	Breaks     []string // any of these is open
	ExternalID string
	ISIN       string
	Symbol     string
	Side       string // BUY or SELL
	ProductID  string // of the depository, wallet or cash product
	Final      *bool  // nothing more is expected

	ReceivedSince, ReceivedUntil time.Time // of the last notification; both ends are included, zero leaves one open
	ModifiedSince, ModifiedUntil time.Time // likewise
}

func (f *OrderFilter) addTo(v url.Values) {
	addTo(v, "status", f.Statuses...)
	addTo(v, "assetClass", f.AssetClass)
	addTo(v, "break", f.Breaks...)
	addTo(v, "externalId", f.ExternalID)
	addTo(v, "isin", f.ISIN)
	addTo(v, "symbol", f.Symbol)
	addTo(v, "side", f.Side)
	addTo(v, "productId", f.ProductID)
	for name, value := range map[string]*bool{"open": f.Open, "final": f.Final} {
		if value != nil {
			v.Set(name, strconv.FormatBool(*value))
		}
	}
	for name, at := range map[string]time.Time{"receivedSince": f.ReceivedSince, "receivedUntil": f.ReceivedUntil,
		"modifiedSince": f.ModifiedSince, "modifiedUntil": f.ModifiedUntil} {
		if !at.IsZero() {
			v.Set(name, at.Format(time.RFC3339Nano))
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
	Sort  string // -received, received, -modified or modified; "": -received
	Limit int    // of a page, 1 to 500; 0: 100
}

// BreakQuery is a list of open breaks, the one opened first at the top.
type BreakQuery struct {
	AtLeast
	Codes    []string // any of these
	Severity string   // warn or high
	Ages     []string // any of these: 0-1, 1-2, 3-5, over-5
	Limit    int      // of a page, 1 to 500; 0: 100
}

// Page is one page of a list.
type Page[T any] struct {
	Answer     `json:"-"`
	Data       []T    `json:"data"`
	NextCursor string `json:"nextCursor,omitempty"` // "": the last one
}

// OrderPages returns the pages of a list, newest notification first. It ends with the first error: ErrCursorExpired when the
// views were rebuilt meanwhile and the list must be begun again.
func (c *Client) OrderPages(ctx context.Context, q OrderQuery) iter.Seq2[Page[Order], error] {
	v := q.query()
	q.addTo(v)
	addTo(v, "sort", q.Sort)
	return pages[Order](ctx, c, request{path: "/v1/orders", query: v, header: q.header()}, q.Limit)
}

// Orders is OrderPages order by order.
func (c *Client) Orders(ctx context.Context, q OrderQuery) iter.Seq2[Order, error] {
	return each(c.OrderPages(ctx, q))
}

// BreakPages returns the pages of a list of open breaks, with the errors of OrderPages.
func (c *Client) BreakPages(ctx context.Context, q BreakQuery) iter.Seq2[Page[OpenBreak], error] {
	v := q.query()
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
