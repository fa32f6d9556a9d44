package platform

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// Limits for reading an answer, in bytes.
const (
	maxOrder   = 1 << 20 // the largest record of the log
	maxList    = 32 << 20
	maxRefusal = 16 << 10
	maxMessage = 200 // of the platform's error message
)

// Options configure a Client. URL, ClientID and ClientSecret are required. For every other field, the
// zero value means the default that its comment gives.
type Options struct {
	URL                    string // of the API; https unless it is on a loopback address: "https://api.example.com"
	ClientID, ClientSecret string

	PerMinute   int           // requests, not counting those for tokens; 300
	Concurrency int           // requests at a time; 4
	Attempts    int           // for one request; 4
	Timeout     time.Duration // for one attempt; 15s
	Pause       time.Duration // before the second attempt, doubled before each further one; 250ms
	// MaxPause is the longest pause, including those that the platform sets with Retry-After; 10s.
	// A request that would have to wait longer fails, and Error.After contains the pause.
	MaxPause time.Duration

	Duty    Duty                  // nil: this process always has the duty
	Metrics prometheus.Registerer // nil: metrics are not registered
}

// Client sends requests to the platform. Its methods are safe for concurrent use. They return an
// *Error, or the cause of the end of their context.
type Client struct {
	options Options
	http    *http.Client
	tokens  *tokens
	rate    *rate.Limiter
	places  chan struct{}
	metrics *clientMetrics
}

// NewClient returns a client without sending a request. It fails if CheckURL refuses the URL, the
// credentials are missing, a number is negative, or a metric is already registered.
func NewClient(o Options) (*Client, error) {
	o.URL = strings.TrimRight(o.URL, "/")
	if err := CheckURL(o.URL); err != nil {
		return nil, err
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("platform: the client id or the client secret is missing")
	}
	if min(o.PerMinute, o.Concurrency, o.Attempts) < 0 || min(o.Timeout, o.Pause, o.MaxPause) < 0 {
		return nil, errors.New("platform: a limit or a time is negative")
	}
	o.PerMinute = cmp.Or(o.PerMinute, 300)
	o.Concurrency, o.Attempts = cmp.Or(o.Concurrency, 4), cmp.Or(o.Attempts, 4)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.Pause, o.MaxPause = cmp.Or(o.Pause, 250*time.Millisecond), cmp.Or(o.MaxPause, 10*time.Second)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // the answer is needed byte for byte
	transport.MaxIdleConnsPerHost = o.Concurrency
	transport.MaxResponseHeaderBytes = 64 << 10
	if o.Duty != nil {
		transport.DialContext = whileHeld(transport.DialContext, o.Duty)
	}
	client := &http.Client{Transport: transport, Timeout: o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	metrics, err := newClientMetrics(o.Metrics)
	if err != nil {
		return nil, err
	}
	return &Client{options: o, http: client, tokens: newTokens(o, client), metrics: metrics,
		rate:   rate.NewLimiter(rate.Limit(o.PerMinute)/60, max(1, o.PerMinute/60)),
		places: make(chan struct{}, o.Concurrency)}, nil
}

// CheckURL returns an error unless text is a URL to which secrets may be sent: https, or http on a
// loopback address, with nothing but a host and a path.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return errors.New("platform: the URL of the platform must be of the form https://api.example.com")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("platform: the URL of the platform must begin with https://, because the client secret is sent there")
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// question is one request, which may take several attempts.
type question struct {
	op, what     string // for metrics and errors: "order", `get order "6f1c…"`
	method, path string // the path is escaped
	query        url.Values
	body         []byte                  // JSON; nil: none
	limit        int64                   // bytes of the answer
	secrets      []string                // that the platform might echo
	classify     func(status int) Kind   // nil: byStatus
	check        func(body []byte) error // checks or decodes the answer without its byte order mark; nil: accept any
}

// ask sends the request, and repeats it while it fails with the kind Again and attempts are left.
func (c *Client) ask(ctx context.Context, q *question) ([]byte, error) {
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	pause := c.options.Pause
	for attempt := 1; ; attempt++ {
		body, err := c.attempt(ctx, q)
		if ctx.Err() != nil && err != nil {
			return nil, context.Cause(ctx)
		}
		c.metrics.count(q.op, err)
		var e *Error
		if err == nil || !errors.As(err, &e) || e.Kind != Again || attempt >= c.options.Attempts || e.After > c.options.MaxPause {
			return body, err
		}
		// Jitter keeps requests that failed together from being repeated together.
		if err := sleep(ctx, max(e.After, pause/2+rand.N(pause/2+1))); err != nil {
			return nil, err
		}
		pause = min(2*pause, c.options.MaxPause)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// attempt sends the request once, and once more with a new token if the platform rejects the cached
// one.
func (c *Client) attempt(ctx context.Context, q *question) ([]byte, error) {
	token, err := c.tokens.get(ctx, "")
	if err != nil {
		return nil, err
	}
	body, err := c.send(ctx, q, token)
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
		return body, err
	}
	if token, err = c.tokens.get(ctx, token); err != nil {
		return nil, err
	}
	return c.send(ctx, q, token)
}

func (c *Client) send(ctx context.Context, q *question, token string) ([]byte, error) {
	if err := c.rate.Wait(ctx); err != nil {
		return nil, fmt.Errorf("platform: wait for the rate limit: %w", err)
	}
	target := c.options.URL + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, q.method, target, bytes.NewReader(q.body))
	if err != nil {
		return nil, &Error{Kind: Ours, op: q.what, text: "the request cannot be sent"}
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	if q.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, &Error{Kind: Again, op: q.what, text: "the platform cannot be reached", cause: withoutURL(err)}
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return nil, c.refusal(q, response, token)
	}
	body, err := readAnswer(q, response)
	if err == nil && q.check != nil {
		err = q.check(bytes.TrimPrefix(body, byteOrderMark))
	}
	return body, err
}

func readAnswer(q *question, response *http.Response) ([]byte, error) {
	fault := func(kind Kind, text string, cause error) error {
		return &Error{Kind: kind, Status: response.StatusCode, op: q.what, text: text, cause: cause}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, q.limit+1))
	switch {
	case err != nil:
		return nil, fault(Again, "the answer was cut off", withoutURL(err))
	case int64(len(body)) > q.limit:
		return nil, fault(Theirs, fmt.Sprintf("the answer is larger than %d bytes", q.limit), nil)
	case response.Header.Get("Content-Encoding") != "" && len(body) > 0:
		return nil, fault(Theirs, "the answer has an encoding that was not requested", nil)
	}
	return body, nil
}

// refusal returns the error for an answer other than 2xx. The error contains the platform's message,
// shortened and without secrets.
func (c *Client) refusal(q *question, response *http.Response, token string) error {
	e := &Error{Kind: byStatus(response.StatusCode), Status: response.StatusCode, op: q.what,
		After: retryAfter(response.Header.Get("Retry-After"), time.Now())}
	if q.classify != nil {
		e.Kind = q.classify(e.Status)
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // whatever could be read
	e.text = messageOf(text)
	for _, secret := range append(q.secrets, token, c.options.ClientSecret) {
		if secret != "" {
			e.text = strings.ReplaceAll(e.text, secret, "***")
		}
	}
	if len(e.text) > maxMessage {
		e.text = strings.ToValidUTF8(e.text[:maxMessage], "") + "…"
	}
	if e.text == "" {
		e.text = strings.ToLower(http.StatusText(e.Status))
	}
	return e
}

// withoutURL removes the URL from an error of net/http, because the error already names the operation.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
