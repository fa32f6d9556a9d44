package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Webhook is the registered target of one event type.
type Webhook struct {
	EventType string   `json:"eventType"` // "CUSTOMER_NOTIFICATION"
	URL       string   `json:"url"`
	Headers   []Header `json:"headers,omitzero"` // at most 5, sent with every notification
}

// Header is one header of a webhook. The value is a secret.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Webhooks returns the registered webhooks. If only the event type of an entry can be read, it returns
// that alone. An error with a non-nil list means that some entries cannot be read and are
// left out.
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	q := &question{op: "webhooks", what: "list webhooks", method: http.MethodGet, path: "/webhooks", limit: maxList}
	entries, next, err := askList[jsontext.Value](ctx, c, q)
	if err == nil && next != "" {
		err = theirs(q, "the list has more pages than the documented one")
	}
	if err != nil {
		return nil, err
	}
	all := make([]Webhook, 0, len(entries))
	for _, entry := range entries {
		var w Webhook
		if json.Unmarshal(entry, &w, lax) != nil {
			w = Webhook{EventType: eventTypeIn(entry)}
		}
		if w.EventType != "" {
			all = append(all, w)
		}
	}
	return all, unreadable(q, len(entries)-len(all), len(entries))
}

// eventTypeIn returns the event type of a list entry, or "" if it cannot be read.
func eventTypeIn(entry []byte) string {
	var e struct {
		EventType string `json:"eventType"`
	}
	if json.Unmarshal(entry, &e, lax) != nil {
		return ""
	}
	return e.EventType
}

// unreadable returns the error for entries that are left out of a list; nil if there are none.
func unreadable(q *question, count, of int) error {
	if count == 0 {
		return nil
	}
	return theirs(q, fmt.Sprintf("%d of %d entries cannot be read, and are left out", count, of))
}

// Webhook returns the webhook of an event type, or an error of the kind Gone if there is none.
func (c *Client) Webhook(ctx context.Context, eventType string) (w Webhook, err error) {
	q := webhookQuestion(http.MethodGet, "get", eventType)
	q.check = func(body []byte) error {
		if json.Unmarshal(body, &w, lax) != nil || w.EventType != eventType {
			return theirs(q, "the answer is not that webhook")
		}
		return nil
	}
	_, err = c.ask(ctx, q)
	return w, err
}

// SetWebhook creates or replaces the webhook of its event type.
func (c *Client) SetWebhook(ctx context.Context, w Webhook) error {
	body, err := json.Marshal(w)
	if err != nil {
		return errors.New("platform: set webhook: the webhook is not valid UTF-8")
	}
	q := &question{op: "webhooks", what: "set webhook " + quoted(w.EventType), method: http.MethodPost, path: "/webhooks",
		body: body, limit: maxRefusal}
	for _, h := range w.Headers {
		q.secrets = append(q.secrets, h.Value)
	}
	_, err = c.ask(ctx, q)
	return err
}

// DeleteWebhook removes the webhook of an event type; it returns an error of the kind Gone if there
// is none.
func (c *Client) DeleteWebhook(ctx context.Context, eventType string) error {
	_, err := c.ask(ctx, webhookQuestion(http.MethodDelete, "delete", eventType))
	return err
}

func webhookQuestion(method, verb, eventType string) *question {
	return &question{op: "webhooks", what: verb + " webhook " + quoted(eventType), method: method,
		path: "/webhooks/" + url.PathEscape(eventType), limit: maxList}
}

// WebhooksMissing returns the event types for which the platform reports a missing webhook. An
// error with a non-nil list means that some entries cannot be read and are left out.
func (c *Client) WebhooksMissing(ctx context.Context) ([]string, error) {
	q := &question{op: "webhooks", what: "list missing webhooks", method: http.MethodGet, path: "/webhooks-missing", limit: maxList}
	entries, _, err := askList[jsontext.Value](ctx, c, q)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		if name := eventTypeIn(entry); name != "" {
			names = append(names, name)
		}
	}
	return names, unreadable(q, len(entries)-len(names), len(entries))
}
