package platform

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
)

// Webhook is where the platform posts one event type.
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

// Webhooks returns what is registered.
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	q := &question{op: "webhooks", what: "list webhooks", method: http.MethodGet, path: "/webhooks", limit: maxList}
	all, next, err := askList[Webhook](ctx, c, q)
	if err == nil && next != "" {
		err = theirs(q, "there are more pages than the one that is documented")
	}
	return all, err
}

// Webhook returns what is registered for an event type; an error of the kind Gone when nothing is.
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
		return errors.New("platform: set webhook: its texts are not valid UTF-8")
	}
	q := &question{op: "webhooks", what: "set webhook " + quoted(w.EventType), method: http.MethodPost, path: "/webhooks",
		body: body, limit: maxRefusal}
	for _, h := range w.Headers {
		q.secrets = append(q.secrets, h.Value)
	}
	_, err = c.ask(ctx, q)
	return err
}

// DeleteWebhook removes the webhook of an event type; an error of the kind Gone when there is none.
func (c *Client) DeleteWebhook(ctx context.Context, eventType string) error {
	_, err := c.ask(ctx, webhookQuestion(http.MethodDelete, "delete", eventType))
	return err
}

func webhookQuestion(method, verb, eventType string) *question {
	return &question{op: "webhooks", what: verb + " webhook " + quoted(eventType), method: method,
		path: "/webhooks/" + url.PathEscape(eventType), limit: maxList}
}

// WebhooksMissing returns the event types that the platform says a webhook is missing for.
func (c *Client) WebhooksMissing(ctx context.Context) ([]string, error) {
	q := &question{op: "webhooks", what: "list missing webhooks", method: http.MethodGet, path: "/webhooks-missing", limit: maxList}
	missing, _, err := askList[struct {
		EventType string `json:"eventType"`
	}](ctx, c, q)
	names := make([]string, len(missing))
	for i := range missing {
		names[i] = missing[i].EventType
	}
	return names, err
}
