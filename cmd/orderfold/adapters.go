package main

import (
	"context"
	"errors"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/eventlog"
)

// apiLog is the log as the API reads it.
type apiLog struct{ log *eventlog.Log }

func (l apiLog) Record(ctx context.Context, sequence uint64) (api.Record, error) {
	r, err := l.log.Get(ctx, sequence)
	if errors.Is(err, eventlog.ErrNotFound) {
		return api.Record{}, api.ErrNoRecord
	}
	return api.Record{Sequence: r.Sequence, Received: r.Received, Source: string(r.Source), Object: r.Object,
		ContentType: r.ContentType, RequestID: r.RequestID, Traceparent: r.Traceparent, Body: r.Body}, err
}

func (l apiLog) Bounds(ctx context.Context) (api.LogBounds, error) {
	b, err := l.log.Bounds(ctx)
	return api.LogBounds{First: b.First, Last: b.Last}, err
}

func (l apiLog) SyncMode(ctx context.Context) string {
	info, err := l.log.Info(ctx)
	if err != nil {
		return "unknown"
	}
	return info.SyncMode
}
