package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/statemachine"
)

// apiLog adapts the log to the API.
type apiLog struct{ log *eventlog.Log }

func (l apiLog) Record(ctx context.Context, sequence uint64) (api.Record, error) {
	r, err := l.log.Get(ctx, sequence)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return api.Record{}, l.why(ctx, sequence)
	case errors.Is(err, eventlog.ErrUnavailable):
		return api.Record{}, unreachable{err}
	}
	return api.Record{Sequence: r.Sequence, Received: r.Received, Source: string(r.Source), Object: r.Object,
		ContentType: r.ContentType, RequestID: r.RequestID, Traceparent: r.Traceparent, Hash: r.Position().Hash, Body: r.Body}, err
}

func (l apiLog) Hashes(ctx context.Context, sequences []uint64) (map[uint64]string, error) {
	return l.log.Hashes(ctx, sequences)
}

// orderOf returns the id of the order that a record is about, or "" if there is none.
func orderOf(r *api.Record) string { return decode.OrderID(r.Object, r.Body) }

// why returns the reason why there is no record: the log lost it, or never had it.
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
	bounds := api.LogBounds{First: b.First, Last: b.Last, Epoch: b.Epoch}
	if b.Lost != nil {
		bounds.Lost = b.Lost.Error()
	}
	for _, m := range b.Missing {
		bounds.Missing = append(bounds.Missing, [2]uint64{m.First, m.Last})
	}
	if errors.Is(err, eventlog.ErrUnavailable) {
		err = unreachable{err}
	}
	return bounds, err
}

// unreachable marks an error as that of a log that cannot be reached, in the terms of the API.
type unreachable struct{ error }

func (unreachable) Is(target error) bool { return target == api.ErrUnavailable }

func (l apiLog) Storage(ctx context.Context) api.Storage {
	info, err := l.log.Info(ctx)
	if err != nil {
		return api.Storage{SyncMode: "unknown", Bytes: -1, MaxBytes: -1, Left: -1, DiskFree: -1, Refuses: err.Error()}
	}
	refuses := ""
	if info.Refuses != nil {
		refuses = info.Refuses.Error()
	}
	servers := make([]api.Replica, len(info.Servers))
	for i, s := range info.Servers {
		servers[i] = api.Replica{Server: s.Server, Leader: s.Leader, Online: s.Online, Lag: s.Lag, SyncMode: s.SyncMode}
	}
	return api.Storage{SyncMode: info.SyncMode, Replicas: info.Replicas, Wanted: info.Wanted, Servers: servers, TooFew: info.TooFew(), Bytes: int64(info.Bytes), MaxBytes: info.MaxBytes,
		Left: info.Left, DiskFree: info.DiskFree, FullAt: info.FullAt, Refuses: refuses}
}

// apiHistory adapts the historian to the API.
type apiHistory struct{ historian *projector.Historian }

func (h apiHistory) AsOf(ctx context.Context, id string, asOf statemachine.AsOf) (statemachine.Past, error) {
	past, err := h.historian.AsOf(ctx, id, asOf)
	return past, historyError(err)
}

func (h apiHistory) History(ctx context.Context, id string, s statemachine.Stretch) (statemachine.Past, error) {
	past, err := h.historian.History(ctx, id, s)
	return past, historyError(err)
}

func historyError(err error) error {
	if errors.Is(err, eventlog.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	if errors.Is(err, eventlog.ErrNotFound) {
		err = fmt.Errorf("%w: %w", api.ErrMissing, err)
	}
	return err
}
