package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/orderfold/orderfold/projector/views"
)

// StreamOptions bound the stream of changes. Every zero field means the default noted beside it.
type StreamOptions struct {
	Heartbeat    time.Duration // pause between two heartbeats; 15s
	WriteTimeout time.Duration // a reader that takes nothing for so long is cut off; 10s
	Kept         int           // changes kept for all readers; who falls behind them is cut off; 8,192
	CatchUp      int           // changed orders that a reader can resume over; more are a resync; 10,000
	Readers      int           // at once; 4,096
}

func (o StreamOptions) complete() StreamOptions {
	return StreamOptions{Heartbeat: cmp.Or(o.Heartbeat, 15*time.Second), WriteTimeout: cmp.Or(o.WriteTimeout, 10*time.Second),
		Kept: cmp.Or(o.Kept, 8_192), CatchUp: cmp.Or(o.CatchUp, 10_000), Readers: cmp.Or(o.Readers, 4_096)}
}

type streamInput struct {
	AtLeast
	OrderFilters
	Snapshot    bool   `query:"snapshot" default:"true" doc:"false: leave the snapshot out and begin with what changes from now on."`
	LastEventID string `header:"Last-Event-ID" doc:"The id of the last event received: the stream goes on after it. A browser's EventSource sends it by itself."`
	Resume      string `query:"lastEventId" doc:"As Last-Event-ID, for clients that cannot send a header. The header goes first."`
}

type streamOutput struct {
	As
	ContentType string `header:"Content-Type" hidden:"true"`
	Buffering   string `header:"X-Accel-Buffering" doc:"no: a proxy must not hold events back."`
	Body        func(huma.Context)
}

func (a *API) registerStream() {
	get(a, huma.Operation{OperationID: "stream-orders", Path: "/v1/stream", Tags: []string{"orders"},
		Summary:     "Orders as they are, then every change, as server-sent events",
		Description: streamDescription, Responses: a.streamResponse()},
		[]int{http.StatusServiceUnavailable}, a.stream)
}

const streamDescription = `Without Last-Event-ID the stream begins with a snapshot of the orders that match, in events of up to 100 orders; the last one
has "last": true and the id to resume from, so that a cut in between starts over. From then on each change of an order that matches, or
did until now, is an order event with the sequence of the order's last notification as its id: ids rise, and nothing is sent twice.
Several changes of one order that come quickly, or while nobody listened, may come as one.

With Last-Event-ID the stream goes on after that event, also after a restart of the server or a rebuild of the views. When it cannot, a
resync event says why, and the stream goes on as if it had begun without: what was known before must be thrown away. The same comes
in an open stream when orders were changed though no notification came for them.

Every 15 s a heartbeat tells how far the stream has come. Whoever does not read is cut off with a closed event, as far as that still gets through.`

// stream answers what can be answered before the first event, and leaves the rest to a streamReader.
func (a *API) stream(ctx context.Context, in *streamInput) (*streamOutput, error) {
	status, err := a.position.Status(ctx)
	if err != nil {
		return nil, err
	}
	applied := status.Checkpoint.Sequence
	if err := a.hub.join(ctx); err != nil {
		return nil, err
	}
	r := &streamReader{hub: a.hub, views: a.views, query: in.query(), snapshot: in.Snapshot, at: applied, settled: applied,
		revision: status.Revision.Number}
	if given := cmp.Or(in.LastEventID, in.Resume); given != "" {
		if r.resync, err = a.resume(ctx, r, given, &status); err != nil {
			a.hub.leave()
			return nil, err
		}
	}
	body := func(c huma.Context) {
		defer a.hub.leave()
		e := humaecho.Unwrap(c)
		c.SetStatus(http.StatusOK)
		if e.Request().Method == http.MethodHead {
			return
		}
		r.w, r.control = e.Response(), http.NewResponseController(e.Response().Writer) // Echo's own Flush keeps errors to itself
		r.serve(ctx)
	}
	return &streamOutput{As: As{applied}, ContentType: "text/event-stream", Buffering: "no", Body: body}, nil
}

// resume has r begin after the event given, or says why it cannot.
func (a *API) resume(ctx context.Context, r *streamReader, given string, status *views.Status) (*StreamResync, error) {
	id, err := strconv.ParseUint(given, 10, 63)
	if err != nil {
		return &StreamResync{Reason: "unknown", LastEventID: given, Detail: "It is not the id of an event."}, nil
	}
	if revision := &status.Revision; revision.Number > 0 && id <= revision.Sequence {
		return revised(revision, given), nil
	}
	if id > status.Checkpoint.Sequence { // the views may stand further back after a restart than they did before
		bounds, err := a.log.Bounds(ctx)
		if err != nil {
			return nil, unavailable(ctx, err)
		}
		if id > bounds.Last {
			return &StreamResync{Reason: "unknown", LastEventID: given, Detail: "The log ends at " +
				strconv.FormatUint(bounds.Last, 10) + ": the event was of another log."}, nil
		}
		r.settled = bounds.Last
	}
	if kept, _ := a.hub.where(); id < kept {
		oldest, err := a.hub.recent(ctx)
		if err != nil {
			return nil, err
		}
		if id < oldest {
			return &StreamResync{Reason: "too-old", LastEventID: given, Detail: "More than " + strconv.Itoa(a.hub.options.CatchUp) +
				" orders changed since."}, nil
		}
	}
	r.at, r.resumed = id, true
	return nil, nil
}

// revised says that orders were changed though no notification came for them.
func revised(revision *views.Revision, last string) *StreamResync {
	if revision.Cause == views.ByRebuild {
		return &StreamResync{Reason: "rebuilt", LastEventID: last, Detail: "The views were made anew by other rules."}
	}
	return &StreamResync{Reason: "redriven", LastEventID: last, Detail: "Notifications that could not be read before were given to their orders."}
}

// Why streams end, in metrics, log and closed events.
const (
	endedClient   = "client"
	endedShutdown = "shutdown"
	endedSlow     = "slow"
	endedFailed   = "failed"
)

var (
	errSlow     = errors.New("the reader fell behind")
	errShutdown = errors.New("the server shuts down")
)
