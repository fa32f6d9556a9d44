package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// rosterPause is how old a list of subscribers may be. The server of the log is asked only once
	// in that time, whatever the number of callers.
	rosterPause = time.Second
	// subscribePatience bounds the time to add or remove a subscriber.
	subscribePatience = 10 * time.Second
)

// ErrNoSubscriber occurs if the subscriber to be removed does not exist.
var ErrNoSubscriber = errors.New("api: there is no such subscriber")

// Subscribers manages the services that follow the log or the feed. Its errors are
// *SubscriberRefusal, ErrUnavailable and, from Unsubscribe, ErrNoSubscriber.
type Subscribers interface {
	Subscribers(ctx context.Context) ([]Subscriber, error)
	// Subscribe adds a subscriber, or returns the existing one with these settings.
	Subscribe(ctx context.Context, s SubscriberSettings) (AddedSubscriber, error)
	Unsubscribe(ctx context.Context, name string) error
}

// SubscriberRefusal occurs when a subscriber cannot be added or removed. Nothing was changed.
type SubscriberRefusal struct {
	Settings bool   // the settings are invalid; false: they conflict with the current state
	Detail   string // what is wrong and what to do, in sentences
}

// Error returns the detail.
func (r *SubscriberRefusal) Error() string { return r.Detail }

// SubscriberSettings select the messages that a subscriber receives.
type SubscriberSettings struct {
	Name       string   `query:"name" required:"true" pattern:"^[a-z0-9][a-z0-9_-]{0,63}$" patternDescription:"1 to 64 lower-case letters, digits, - and _, beginning with a letter or a digit" doc:"Name of the subscriber: 1 to 64 lower-case letters, digits, - and _. Its consumer and its user have the same name."`
	Stream     string   `query:"stream" enum:"orders,notifications" default:"orders" doc:"orders: the feed of order events. notifications: what was posted."`
	AssetClass []string `query:"assetClass,explode" maxItems:"4" enum:"TRADITIONAL,DIGITAL,TOKENIZED,OTHER" doc:"Only messages about orders of this class. Repeatable; default: every message."`
	From       string   `query:"from" default:"start" pattern:"^(now|start|[1-9][0-9]{0,18})$" patternDescription:"now, start or the sequence of a message" doc:"Where it begins: start, at the first message that is kept; now, after the last one; or the sequence of a message in its stream."`
	MaxPending int      `query:"maxPending" minimum:"1" maximum:"100000" default:"1000" doc:"Most unacknowledged messages."`
}

// Subscriber is the current state of a subscriber.
type Subscriber struct {
	Name           string   `json:"name" example:"billing" doc:"Also the name of its consumer and of its user."`
	Stream         string   `json:"stream" enum:"orders,notifications"`
	AssetClasses   []string `json:"assetClasses" example:"[\"DIGITAL\"]" doc:"Asset classes of the orders whose messages it gets; empty: every message."`
	From           string   `json:"from" example:"start" doc:"Where it began: start, now, or a sequence."`
	MaxPending     int      `json:"maxPending"`
	CreatedAt      *string  `json:"createdAt" format:"date-time" doc:"null: its consumer does not exist any more."`
	Pending        uint64   `json:"pending" doc:"Messages that it has not received yet."`
	Unacknowledged int      `json:"unacknowledged" doc:"Messages that it has received but not acknowledged."`
	Redelivered    int      `json:"redelivered" doc:"Unacknowledged messages that were delivered more than once."`
	LastRequestAt  *string  `json:"lastRequestAt" format:"date-time" doc:"When it last requested messages, as far as known: when one was delivered, or a waiting request was seen. null: not since the server was started."`
	StuckSince     *string  `json:"stuckSince" format:"date-time" doc:"Since when it has requested nothing while messages wait, if for an hour or more; null: it is not stuck."`
	Problem        *string  `json:"problem" doc:"Why it cannot be used, and what to do; null: it works."`
}

// AddedSubscriber is a subscriber, and how it can connect.
type AddedSubscriber struct {
	Subscriber
	CredentialsFile *string `json:"credentialsFile" example:"data/subscribers/billing.url" doc:"The file with its URL, in the data folder of the embedded server; null with an external one."`
	Permissions     *string `json:"permissions" doc:"The permissions to set on an external server, in the syntax of its configuration; null with the embedded one, which sets them."`
}

// roster is a list of subscribers that is at most rosterPause old.
type roster struct {
	mu  sync.Mutex // held while the list is requested
	at  time.Time
	all []Subscriber
	err error
}

// of returns the list. An error is kept as long as a list, so that a log that does not answer
// delays only one round of callers.
func (r *roster) of(ctx context.Context, from Subscribers) ([]Subscriber, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.IsZero() || time.Since(r.at) >= rosterPause {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logPatience)
		defer cancel()
		r.all, r.err = from.Subscribers(ctx)
		r.at = time.Now()
	}
	return r.all, r.err
}

// forget discards the list, so that the next caller requests a new one.
func (r *roster) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = time.Time{}
}

type subscribersOutput struct {
	Body List[Subscriber]
}

type subscribedOutput struct {
	Body AddedSubscriber
}

type unsubscribeInput struct {
	Name string `path:"name" example:"billing"`
}

func (a *API) registerSubscribers() {
	tags := []string{"operations"}
	get(a, huma.Operation{OperationID: "list-subscribers", Path: "/v1/subscribers", Tags: tags,
		Summary: "Services that follow the log or the feed, and their waiting messages"},
		[]int{http.StatusNotImplemented, http.StatusServiceUnavailable}, a.listSubscribers)
	huma.Register(a.huma, a.operation(huma.Operation{OperationID: "add-subscriber", Method: http.MethodPost, Path: "/v1/subscribers",
		Tags: tags, DefaultStatus: http.StatusOK, Summary: "Add a service that follows the log or the feed"},
		http.StatusForbidden, http.StatusConflict, http.StatusNotImplemented, http.StatusServiceUnavailable), a.subscribe)
	huma.Register(a.huma, a.operation(huma.Operation{OperationID: "remove-subscriber", Method: http.MethodDelete, Path: "/v1/subscribers/{name}",
		Tags: tags, DefaultStatus: http.StatusNoContent, Summary: "Remove a subscriber; its connections end"},
		http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusNotImplemented, http.StatusServiceUnavailable), a.unsubscribe)
}

func noSubscribers() *Problem {
	return problem(codeNotHere, "This process does not keep subscribers.")
}

func (a *API) listSubscribers(ctx context.Context, _ *struct{}) (*subscribersOutput, error) {
	if a.subscribers == nil {
		return nil, noSubscribers()
	}
	all, err := a.roster.of(ctx, a.subscribers)
	if err != nil {
		return nil, err
	}
	return &subscribersOutput{List[Subscriber]{Data: append([]Subscriber{}, all...)}}, nil
}

func (a *API) subscribe(ctx context.Context, in *SubscriberSettings) (*subscribedOutput, error) {
	if a.subscribers == nil {
		return nil, noSubscribers()
	}
	if in.Stream == "orders" {
		position, err := a.position.Status(ctx)
		if err != nil {
			return nil, asProblem(err)
		}
		if !position.Feed.On {
			return nil, problem(codeConflict, "The feed of order events is off: start the service (the process with the projector) with --feed, and add the subscriber then.")
		}
	}
	// The operation must not stop halfway because the caller has left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), subscribePatience)
	defer cancel()
	defer a.roster.forget()
	added, err := a.subscribers.Subscribe(ctx, *in)
	var refused *SubscriberRefusal
	switch {
	case errors.As(err, &refused) && refused.Settings:
		return nil, problem(codeBadParameter, "%s", refused.Detail)
	case errors.As(err, &refused):
		return nil, problem(codeConflict, "%s", refused.Detail)
	case err != nil:
		return nil, asProblem(err)
	}
	return &subscribedOutput{added}, nil
}

func (a *API) unsubscribe(ctx context.Context, in *unsubscribeInput) (*struct{}, error) {
	if a.subscribers == nil {
		return nil, noSubscribers()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), subscribePatience)
	defer cancel()
	defer a.roster.forget()
	err := a.subscribers.Unsubscribe(ctx, in.Name)
	var refused *SubscriberRefusal
	switch {
	case errors.Is(err, ErrNoSubscriber):
		return nil, problem(codeNotFound, "There is no subscriber of that name: GET /v1/subscribers lists them.")
	case errors.As(err, &refused):
		return nil, problem(codeConflict, "%s", refused.Detail)
	case err != nil:
		return nil, asProblem(err)
	}
	return nil, nil
}
