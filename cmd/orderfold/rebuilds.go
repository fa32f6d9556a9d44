package main

import (
	"context"
	"errors"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/rebuild"
)

// apiRebuilds adapts the rebuilder to the API. Rebuilds end with ctx, not with the request that
// started them.
type apiRebuilds struct {
	ctx       context.Context
	rebuilder *rebuild.Rebuilder
}

func (r apiRebuilds) Start(mode string) (api.Rebuild, error) {
	run, err := r.rebuilder.Start(r.ctx, rebuild.Mode(mode))
	if errors.Is(err, rebuild.ErrRunning) {
		err = api.ErrRunning
	}
	if err != nil {
		return api.Rebuild{}, err
	}
	b := run.Rebuild()
	return newRebuild(&b), nil
}

func (r apiRebuilds) Current() (api.Rebuild, bool) {
	b, ok := r.rebuilder.Current()
	return newRebuild(&b), ok
}

func (r apiRebuilds) Cancel() (api.Rebuild, error) {
	b, err := r.rebuilder.Cancel()
	if errors.Is(err, rebuild.ErrNotRunning) {
		err = api.ErrNotRunning
	}
	return newRebuild(&b), err
}

// newRebuild converts a rebuild to the type that the API and the command show.
func newRebuild(b *rebuild.Rebuild) api.Rebuild {
	r := api.Rebuild{Mode: string(b.Mode), State: "running", Phase: string(b.Progress.Phase), Records: b.Progress.Records,
		Total: b.Progress.Total, RecordsPerSecond: b.Progress.PerSecond, StartedAt: b.Started.UTC().Format(time.RFC3339Nano),
		Seconds: time.Since(b.Started).Seconds()}
	if left := b.Progress.Left.Seconds(); left > 0 {
		r.SecondsLeft = &left
	}
	if b.Bytes > 0 {
		r.Bytes = &b.Bytes
	}
	if b.Generation > 0 {
		r.Generation = &b.Generation
	}
	if b.Before != nil {
		text := b.Before.Error()
		r.PreviousError = &text
	}
	if b.Ended.IsZero() {
		return r
	}
	ended := b.Ended.UTC().Format(time.RFC3339Nano)
	r.EndedAt, r.Seconds, r.SecondsLeft = &ended, b.Ended.Sub(b.Started).Seconds(), nil
	switch {
	case errors.Is(b.Err, context.Canceled):
		r.State = "canceled"
	case b.Err != nil:
		text := b.Err.Error()
		r.State, r.Error = "failed", &text
	default:
		r.State = "done"
		if b.Mode == rebuild.DryRun {
			r.Changes = newChanges(b)
		}
	}
	return r
}

func newChanges(b *rebuild.Rebuild) *api.Changes {
	f := &b.Found
	c := &api.Changes{Sequence: f.Sequence, Orders: f.Orders, Different: f.Different, Differences: []api.OrderChange{},
		Others: append([]string{}, f.Others...)}
	for _, d := range f.Details {
		o := api.OrderChange{OrderID: d.OrderID, Missing: d.Missing}
		for _, field := range d.Fields {
			o.Fields = append(o.Fields, api.FieldChange(field))
		}
		c.Differences = append(c.Differences, o)
	}
	return c
}
