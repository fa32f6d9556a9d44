package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// ErrNoFeed occurs if there is no feed of order events.
var ErrNoFeed = errors.New("api: there is no feed")

// Events is the feed of order events. Subscribers compare their position with it. Its errors are
// ErrNoFeed and ErrUnavailable.
type Events interface {
	// Place returns the ends of the feed, and the event with the given sequence if there is one.
	Place(ctx context.Context, sequence uint64) (p FeedPlace, err error)
}

// FeedPlace contains the ends of the feed and, if requested, one event.
type FeedPlace struct {
	FirstSequence uint64     `json:"firstSequence" doc:"Sequence of the first event in the feed; one more than lastSequence if there is none."`
	LastSequence  uint64     `json:"lastSequence" doc:"Sequence of the last event; 0 if there never was one."`
	Event         *FeedEvent `json:"event" doc:"The event at the requested sequence; null: none was requested, or the feed does not have it."`
}

// FeedEvent is an event of the feed.
type FeedEvent struct {
	Sequence uint64 `json:"sequence"`
	ID       string `json:"id" example:"1034.0.6f1c1b1e-0d54-4c39-9f4e-3c2a0a9d8d11" doc:"Its header ce-id, decoded; unique."`
}

// TransformSchema allows event to be null.
func (*FeedPlace) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return orNull(s, "event")
}

type feedPlaceInput struct {
	Sequence uint64 `query:"sequence" doc:"Of the event whose id is requested."`
}

type feedPlaceOutput struct {
	Body FeedPlace
}

func (a *API) registerFeedPlace() {
	get(a, huma.Operation{OperationID: "get-feed", Path: "/v1/feed", Tags: []string{"operations"},
		Summary: "The ends of the feed of order events, and the id of one event"},
		[]int{http.StatusNotFound, http.StatusNotImplemented, http.StatusServiceUnavailable}, a.getFeed)
}

func (a *API) getFeed(ctx context.Context, in *feedPlaceInput) (*feedPlaceOutput, error) {
	if a.events == nil {
		return nil, problem(codeNotHere, "This process does not know the feed.")
	}
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	place, err := a.events.Place(ctx, in.Sequence)
	if errors.Is(err, ErrNoFeed) {
		return nil, problem(codeNotFound, "The feed of order events is off: start the service (the process with the projector) with --feed.")
	}
	if err != nil {
		return nil, err
	}
	return &feedPlaceOutput{place}, nil
}
