package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// maxLine bounds the size of an order in an export, in bytes.
const maxLine = 16 << 20

// Export is the list of all orders, as the API streams it. The caller must close it.
type Export struct {
	// LogSequence is the sequence of the last record that the views had applied when the list began.
	LogSequence uint64
	// Revision is the highest revision of the feed of order events that all orders have reached; 0:
	// there was no revision.
	Revision uint64
	// FeedSequence is the sequence after which to continue with the feed: the orders include all
	// events up to it. Fed is false if the feed is off.
	FeedSequence uint64
	Fed          bool

	body io.ReadCloser
}

// Export starts reading all orders.
func (c *Client) Export(ctx context.Context) (*Export, error) {
	response, err := c.send(ctx, request{path: "/v1/orders", query: url.Values{"format": {"ndjson"}}})
	if err != nil {
		return nil, err
	}
	e := &Export{body: response.Body, LogSequence: sequenceOf(response.Header)}
	if e.Revision, err = numberOf(response.Header, "Orderfold-Revision"); err == nil && response.Header.Get("Orderfold-Feed-Sequence") != "" {
		e.Fed = true
		e.FeedSequence, err = numberOf(response.Header, "Orderfold-Feed-Sequence")
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func numberOf(h http.Header, name string) (uint64, error) {
	n, err := strconv.ParseUint(h.Get(name), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("client: the server is not this API: its header %s is %.40q", name, h.Get(name))
	}
	return n, nil
}

// Orders yields each order once, as it was sent. It ends with the first error; the export is then
// incomplete.
func (e *Export) Orders() iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		lines := bufio.NewScanner(e.body)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			if !yield(bytes.Clone(lines.Bytes()), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, fmt.Errorf("client: the list of all orders was cut off: %w", err))
		}
	}
}

// Close stops reading.
func (e *Export) Close() error { return e.body.Close() }
