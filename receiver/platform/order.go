package platform

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
)

// orderPaths are the paths of the API by object in the log.
var orderPaths = map[string]string{
	"traditional-asset-order": "/trading/order/",
	"digital-asset-order":     "/digital/orders/",
	"tokenized-asset-order":   "/wawex/orders/",
}

// Order returns the platform's answer about an order, byte for byte: a JSON object with that
// orderId, of at most 1 MiB. object is the order's object in the log: "traditional-asset-order".
//
// For a digital order that does not exist the platform answers 400 instead of 404, so a 400 for a
// digital order is an error of the kind Gone.
func (c *Client) Order(ctx context.Context, object, id string) ([]byte, error) {
	path, known := orderPaths[object]
	q := &question{op: "order", what: "get order " + quoted(id), method: http.MethodGet, path: path + url.PathEscape(id),
		limit: maxOrder}
	if !known || id == "" || id == "." || id == ".." { // a dot segment changes the path, even if escaped
		return nil, &Error{Kind: Gone, op: q.what, text: "the API of the platform has no path for this order"}
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
			return theirs(q, "the answer is not about this order")
		}
		return nil
	}
	return c.ask(ctx, q)
}

// quoted returns an id as a JSON string on one line. An id of more than 128 bytes is cut.
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
