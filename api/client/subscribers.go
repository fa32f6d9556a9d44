package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Subscriber is a service that follows the log or the feed with a consumer of its own.
type Subscriber struct {
	Name           string   `json:"name"`
	Stream         string   `json:"stream"`         // orders or notifications
	AssetClasses   []string `json:"assetClasses"`   // of the orders whose messages are delivered to it; none: every message
	From           string   `json:"from"`           // start, now, or a sequence
	MaxPending     int      `json:"maxPending"`     // limit of Unacknowledged
	CreatedAt      Instant  `json:"createdAt"`      // "": its consumer no longer exists
	Pending        uint64   `json:"pending"`        // messages that have not been delivered to it yet
	Unacknowledged int      `json:"unacknowledged"` // messages that were delivered and are not acknowledged
	Redelivered    int      `json:"redelivered"`    // those of them that were delivered more than once
	LastRequestAt  Instant  `json:"lastRequestAt"`  // when it last requested messages, as far as is known
	StuckSince     Instant  `json:"stuckSince"`     // since when it has requested nothing while messages wait; "": it is not stuck
	Problem        string   `json:"problem"`        // why it cannot be used, and what to do; "": it can be used
}

// AddedSubscriber is a subscriber and what it needs to connect.
type AddedSubscriber struct {
	Answer `json:"-"`
	Subscriber
	CredentialsFile string `json:"credentialsFile"` // contains its URL; in the data folder of the embedded server
	Permissions     string `json:"permissions"`     // to be set on an external server, in the syntax of its configuration
}

// SubscriberSettings determine which messages are delivered to a subscriber. Only Name is required.
type SubscriberSettings struct {
	Name         string   // 1 to 64 lower-case letters, digits, - and _
	Stream       string   // orders or notifications; "": orders
	AssetClasses []string // TRADITIONAL, DIGITAL, TOKENIZED or OTHER; none: every message
	From         string   // now, start or the sequence of a message; "": start
	MaxPending   int      // 0: 1000
}

// Subscribers returns all subscribers, sorted by name. The data is at most a second old.
func (c *Client) Subscribers(ctx context.Context) (Page[Subscriber], error) {
	return ask[Page[Subscriber]](ctx, c, request{path: "/v1/subscribers"})
}

// AddSubscriber adds a subscriber, or returns the existing one with the same settings. The error is
// ErrConflict if a subscriber with that name has other settings, or if the feed is off.
func (c *Client) AddSubscriber(ctx context.Context, s SubscriberSettings) (AddedSubscriber, error) {
	query := url.Values{"name": {s.Name}}
	addTo(query, "stream", s.Stream)
	addTo(query, "assetClass", s.AssetClasses...)
	addTo(query, "from", s.From)
	if s.MaxPending != 0 {
		query.Set("maxPending", strconv.Itoa(s.MaxPending))
	}
	return ask[AddedSubscriber](ctx, c, request{method: http.MethodPost, path: "/v1/subscribers", query: query})
}

// RemoveSubscriber removes a subscriber and ends its connections. The error is ErrNotFound if there is
// no subscriber with that name.
func (c *Client) RemoveSubscriber(ctx context.Context, name string) error {
	_, _, err := c.bytes(ctx, request{method: http.MethodDelete, path: "/v1/subscribers/" + url.PathEscape(name)})
	return err
}

// FeedPlace is the range of the feed of order events, and one event.
type FeedPlace struct {
	Answer        `json:"-"`
	FirstSequence uint64     `json:"firstSequence"` // LastSequence + 1 if there is no event
	LastSequence  uint64     `json:"lastSequence"`
	Event         *FeedEvent `json:"event"` // nil: the feed does not contain the requested event
}

// FeedEvent is an event of the feed.
type FeedEvent struct {
	Sequence uint64 `json:"sequence"`
	ID       string `json:"id"` // its header ce-id, decoded
}

// FeedPlace returns the range of the feed, and the event with the given sequence unless it is 0. The
// error is ErrNotFound if the feed is off.
func (c *Client) FeedPlace(ctx context.Context, sequence uint64) (FeedPlace, error) {
	r := request{path: "/v1/feed"}
	if sequence > 0 {
		r.query = url.Values{"sequence": {strconv.FormatUint(sequence, 10)}}
	}
	return ask[FeedPlace](ctx, c, r)
}
