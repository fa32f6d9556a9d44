package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/statemachine"
)

// apiLog is the log as the API reads it.
type apiLog struct{ log *eventlog.Log }

func (l apiLog) Record(ctx context.Context, sequence uint64) (api.Record, error) {
	r, err := l.log.Get(ctx, sequence)
	if errors.Is(err, eventlog.ErrNotFound) {
		return api.Record{}, l.why(ctx, sequence)
	}
	return api.Record{Sequence: r.Sequence, Received: r.Received, Source: string(r.Source), Object: r.Object,
		ContentType: r.ContentType, RequestID: r.RequestID, Traceparent: r.Traceparent, Body: r.Body}, err
}

// why there is no record: the log lost it, or never had it.
func (l apiLog) why(ctx context.Context, sequence uint64) error {
	lost, err := l.log.HasLost(ctx, sequence)
	switch {
	case err != nil:
		return err
	case lost:
		return api.ErrMissing
	}
	return api.ErrNoRecord
}

func (l apiLog) Bounds(ctx context.Context) (api.LogBounds, error) {
	b, err := l.log.Bounds(ctx)
	bounds := api.LogBounds{First: b.First, Last: b.Last, Lost: b.Lost}
	for _, m := range b.Missing {
		bounds.Missing = append(bounds.Missing, [2]uint64{m.First, m.Last})
	}
	return bounds, err
}

func (l apiLog) Storage(ctx context.Context) api.Storage {
	info, err := l.log.Info(ctx)
	if err != nil {
		return api.Storage{SyncMode: "unknown"}
	}
	return api.Storage{SyncMode: info.SyncMode, Replicas: info.Replicas}
}

// apiHistory is the historian as the API asks it.
type apiHistory struct{ historian projector.Historian }

func (h apiHistory) History(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error) {
	past, err := h.historian.History(ctx, id, asOf)
	if errors.Is(err, eventlog.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	if errors.Is(err, eventlog.ErrNotFound) {
		err = fmt.Errorf("%w: %w", api.ErrMissing, err)
	}
	return past, err
}
