package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// ViewsCopy is a copy of the served views, a SQLite file, as the API sends it. The caller must close it.
type ViewsCopy struct {
	io.ReadCloser       // ends with an error if the file was cut off
	Size          int64 // in bytes
}

// CopyViews starts reading a copy of the views. It requires a key with the role operator.
func (c *Client) CopyViews(ctx context.Context) (*ViewsCopy, error) {
	// Otherwise the transport requests compression, and the length is unknown.
	plain := http.Header{"Accept-Encoding": {"identity"}}
	response, err := c.send(ctx, request{method: http.MethodPost, path: "/v1/copies", header: plain})
	if err != nil {
		return nil, err
	}
	if response.ContentLength <= 0 {
		response.Body.Close()
		return nil, fmt.Errorf("client: the server is not this API: it sends a copy without its length")
	}
	return &ViewsCopy{response.Body, response.ContentLength}, nil
}
