package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAnswer bounds the size of one answer, in bytes.
	maxAnswer = 64 << 20
	// maxProblem bounds the size of an error answer, in bytes.
	maxProblem = 1 << 20
	// largePage is the page limit for lists that are read completely.
	largePage = 500
	// answerTimeout is for a whole answer; the server waits for at most 30 s.
	answerTimeout = time.Minute
)

// Options configure a Client. URL is required.
type Options struct {
	URL  string       // "http://127.0.0.1:8081"
	Key  string       // sent as Authorization: Bearer; "": none
	HTTP *http.Client // nil: a client without a timeout. Every call except a stream ends after a minute
}

// Client calls one API. It is safe for concurrent use. Create one with New.
type Client struct {
	base, key string
	http      *http.Client
}

// New returns a client without sending a request. It fails if URL is not an http or https URL, or
// contains a user or a query.
func New(o Options) (*Client, error) {
	base := strings.TrimRight(o.URL, "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
		return nil, errors.New("client: the URL of an API must be of the form http://127.0.0.1:8081, without a user or password") // the URL is left out because it may contain a password
	}
	c := &Client{base: base, key: o.Key, http: o.HTTP}
	if c.http == nil {
		c.http = &http.Client{}
	}
	return c, nil
}

// Answer is the metadata of an answer.
type Answer struct {
	// LogSequence is the sequence of the last record that the views had applied.
	LogSequence uint64 `json:"-"`
	// Raw is the answer as sent, including members that this package does not know.
	Raw json.RawMessage `json:"-"`
}

func (a *Answer) set(b Answer) { *a = b }

// AtLeast is how recent an answer must be. The zero value accepts the current views.
type AtLeast struct {
	// MinSequence requires that the views have applied the record with this sequence, for example the
	// Log-Sequence of the receiver's answer.
	MinSequence uint64
	// Wait is how long the server waits for the views, in whole seconds, at most 30; 0: 2 s. After
	// that the error is ErrViewBehind.
	Wait time.Duration
}

// AsOf is the moment as of which an order is shown. The zero value means now. If both bounds are set,
// both apply.
type AsOf struct {
	AtLeast
	Sequence uint64    // as known when the record with this sequence had been received
	Received time.Time // as known at this time; the zero time means now
	Day      string    // as known at the end of this day, such as 2026-03-02, in the time zone of the API; it replaces Received
}

func (q AtLeast) query() url.Values {
	v := url.Values{}
	if q.MinSequence > 0 {
		v.Set("minSequence", strconv.FormatUint(q.MinSequence, 10))
	}
	return v
}

func (q AsOf) query() url.Values {
	v := q.AtLeast.query()
	if q.Sequence > 0 {
		v.Set("asOfSequence", strconv.FormatUint(q.Sequence, 10))
	}
	switch {
	case q.Day != "":
		v.Set("asOf", q.Day)
	case !q.Received.IsZero():
		v.Set("asOf", string(instantOf(q.Received)))
	}
	return v
}

// header returns the header that sets the wait.
func (q AtLeast) header() http.Header {
	h := http.Header{}
	if q.Wait > 0 {
		h.Set("Prefer", "wait="+strconv.Itoa(int(min((q.Wait+time.Second-1)/time.Second, 30))))
	}
	return h
}

// request is one HTTP request.
type request struct {
	method string // "" means GET
	path   string // from /v1 on, escaped
	query  url.Values
	header http.Header
}

// send returns an answer with a status of 200 to 299, or an error; the caller closes the body.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	if r.method == "" {
		r.method = http.MethodGet
	}
	q, err := http.NewRequestWithContext(ctx, r.method, target, nil)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	for name, values := range r.header {
		q.Header[name] = values
	}
	if c.key != "" {
		q.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.http.Do(q)
	if err != nil {
		return nil, fmt.Errorf("client: the API does not answer: %w", err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, problemOf(response)
}

// bytes reads a whole answer.
func (c *Client) bytes(ctx context.Context, r request) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	response, err := c.send(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("client: the API's answer was cut off: %w", err)
	case len(body) > maxAnswer:
		return nil, nil, fmt.Errorf("client: the API's answer has more than %d bytes", maxAnswer)
	}
	return body, response.Header, nil
}

// ask decodes an answer into a T and sets its Answer, if it has one.
func ask[T any](ctx context.Context, c *Client, r request) (value T, err error) {
	body, header, err := c.bytes(ctx, r)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(body, &value); err != nil {
		return value, fmt.Errorf("client: the server at %s is not this API: %w", r.path, err)
	}
	if a, ok := any(&value).(interface{ set(Answer) }); ok {
		a.set(Answer{sequenceOf(header), body})
	}
	return value, nil
}

// sequenceOf returns Log-Sequence, or 0 if it is absent.
func sequenceOf(h http.Header) uint64 {
	sequence, err := strconv.ParseUint(h.Get("Log-Sequence"), 10, 64)
	if err != nil {
		return 0
	}
	return sequence
}

// Order returns one order. The error is ErrNotFound if there is no such order, or ErrNotYetKnown if it
// was not known at that moment.
func (c *Client) Order(ctx context.Context, id string, at AsOf) (Order, error) {
	return ask[Order](ctx, c, request{path: orderPath(id, ""), query: at.query(), header: at.header()})
}

// HistoryPages returns the effect of each notification of an order, in the order of arrival, in pages of
// at most limit entries: 1 to 500; 0: 100. It ends with the first error. The errors are those of Order.
func (c *Client) HistoryPages(ctx context.Context, id string, at AsOf, limit int) iter.Seq2[Page[HistoryEntry], error] {
	return pages[HistoryEntry](ctx, c, request{path: orderPath(id, "/history"), query: at.query(), header: at.header()}, limit)
}

// History returns the entries of HistoryPages one by one.
func (c *Client) History(ctx context.Context, id string, at AsOf) iter.Seq2[HistoryEntry, error] {
	return each(c.HistoryPages(ctx, id, at, largePage))
}

// Explain returns why an order has its status. The errors are those of Order.
func (c *Client) Explain(ctx context.Context, id string, at AsOf) (Explanation, error) {
	return ask[Explanation](ctx, c, request{path: orderPath(id, "/explain"), query: at.query(), header: at.header()})
}

func orderPath(id, under string) string { return "/v1/orders/" + url.PathEscape(id) + under }

// Status returns the positions of the log and the views, and whether the service is ready.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, request{path: "/v1/status"})
}

// Access returns the name and role of the client's key.
func (c *Client) Access(ctx context.Context) (Access, error) {
	return ask[Access](ctx, c, request{path: "/v1/access"})
}

// Search finds the id of an order or another object, an external id, a product, an ISIN, a symbol,
// a sequence, or a prefix of order ids. No match is not an error.
func (c *Client) Search(ctx context.Context, text string, at AtLeast) (Search, error) {
	query := at.query()
	query.Set("q", text)
	return ask[Search](ctx, c, request{path: "/v1/search", query: query, header: at.header()})
}

// Throughput returns figures for each minute of the last day in which the service ran.
func (c *Client) Throughput(ctx context.Context) (Throughput, error) {
	return ask[Throughput](ctx, c, request{path: "/v1/throughput"})
}

// Stats returns counts over all orders.
func (c *Client) Stats(ctx context.Context, at AtLeast) (Stats, error) {
	return ask[Stats](ctx, c, request{path: "/v1/stats", query: at.query(), header: at.header()})
}

// Notification returns the record with the given sequence as it was received. The error is ErrNotFound if
// there is no such record, or ErrRecordMissing if the log lost it.
func (c *Client) Notification(ctx context.Context, sequence uint64) (Notification, error) {
	n, err := c.notification(ctx, request{path: "/v1/notifications/" + strconv.FormatUint(sequence, 10)})
	if err == nil && n.Sequence != sequence {
		return Notification{}, errors.New("client: the server is not this API: it returned another notification than the requested one")
	}
	return n, err
}

func (c *Client) notification(ctx context.Context, r request) (Notification, error) {
	body, h, err := c.bytes(ctx, r)
	if err != nil {
		return Notification{}, err
	}
	sequence, err := strconv.ParseUint(h.Get("Notification-Sequence"), 10, 64)
	if err != nil {
		return Notification{}, errors.New("client: the server is not this API: it returned no notification")
	}
	return Notification{Sequence: sequence, ReceivedAt: Instant(h.Get("Notification-Received-At")), Source: h.Get("Notification-Source"),
		Object: h.Get("Notification-Object"), RequestID: h.Get("Notification-Request-Id"),
		Traceparent: h.Get("Notification-Traceparent"), ContentType: h.Get("Content-Type"), Body: body}, nil
}

// Object returns the last notification of an object as it was received, or ErrNotFound. object is
// an event type in kebab case without -notification, such as customer.
func (c *Client) Object(ctx context.Context, object, id string, at AtLeast) (Notification, error) {
	return c.notification(ctx, request{path: objectsPath(object) + "/" + url.PathEscape(id), query: at.query(), header: at.header()})
}

func objectsPath(object string) string { return "/v1/objects/" + url.PathEscape(object) }

// Rebuild starts a rebuild; mode is "rebuild", "dry-run" or "rollback". The error is ErrConflict if one
// is already running.
func (c *Client) Rebuild(ctx context.Context, mode string) (Rebuild, error) {
	return ask[Rebuild](ctx, c, request{method: http.MethodPost, path: "/v1/rebuilds", query: url.Values{"mode": {mode}}})
}

// CurrentRebuild returns the running rebuild, or the last one, or ErrNotFound if there was none.
func (c *Client) CurrentRebuild(ctx context.Context) (Rebuild, error) {
	return ask[Rebuild](ctx, c, request{path: "/v1/rebuilds/current"})
}

// CancelRebuild cancels the running rebuild, and returns when it has ended and its files are removed.
// The error is ErrConflict if none is running.
func (c *Client) CancelRebuild(ctx context.Context) (Rebuild, error) {
	return ask[Rebuild](ctx, c, request{method: http.MethodDelete, path: "/v1/rebuilds/current"})
}

// RedriveQuery selects quarantined records to decode again. The zero value selects all.
type RedriveQuery struct {
	Class     string
	Sequences []uint64 // at most 500
	After     uint64   // Redrive.Next of the previous answer
	DryRun    bool
}

// Redrive decodes quarantined records again, for a few seconds; continue after Next until it is 0. The
// error is ErrConflict while nothing is folded; see Status.
func (c *Client) Redrive(ctx context.Context, q RedriveQuery) (Redrive, error) {
	query := url.Values{"after": {strconv.FormatUint(q.After, 10)}, "dryRun": {strconv.FormatBool(q.DryRun)}}
	addTo(query, "class", q.Class)
	for _, sequence := range q.Sequences {
		query.Add("sequence", strconv.FormatUint(sequence, 10))
	}
	return ask[Redrive](ctx, c, request{method: http.MethodPost, path: "/v1/redrives", query: query})
}
