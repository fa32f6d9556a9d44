package platform

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
)

// orderPaths say where an order is asked for, by its object in the log.
var orderPaths = map[string]string{
	"traditional-asset-order": "/trading/order/",
	"digital-asset-order":     "/digital/orders/",
	"tokenized-asset-order":   "/wawex/orders/",
}

// Order returns what the platform says of an order, the bytes as they came: a JSON object with that orderId, of at most
// 1 MiB. object is the order's in the log: "traditional-asset-order".
//
// Digital orders that the platform does not have are answered 400 where 404 is due, so their 400 is Gone.
func (c *Client) Order(ctx context.Context, object, id string) ([]byte, error) {
	path, known := orderPaths[object]
	q := &question{op: "order", what: "get order " + quoted(id), method: http.MethodGet, path: path + url.PathEscape(id),
		limit: maxOrder}
	if !known || id == "" || id == "." || id == ".." { // a dot is a step in a path, however it is escaped
		return nil, &Error{Kind: Gone, op: q.what, text: "the platform cannot be asked for it"}
	}
	if object == "digital-asset-order" {
		q.classify = func(status int) Kind {
			if status == http.StatusBadRequest {
				return Gone
			}
			return byStatus(status)
		}
	}
	q.check = func(body []byte) error {
		var answer struct {
			OrderID string `json:"orderId"`
		}
		switch {
		case json.Unmarshal(body, &answer, lax) != nil:
			return theirs(q, "the answer is not an order in JSON")
		case answer.OrderID != id:
			return theirs(q, "the answer is about another order, or none")
		}
		return nil
	}
	return c.ask(ctx, q)
}

// quoted writes a foreign id on one line.
func quoted(id string) string {
	const most = 128
	if len(id) > most {
		id = id[:most]
	}
	text, err := json.Marshal(id, lax)
	if err != nil {
		return `"?"`
	}
	return string(text)
}
