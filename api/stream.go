package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/orderfold/orderfold/projector/views"
)

// StreamOptions bounds the stream of changes. Every zero field means the default noted beside it.
type StreamOptions struct {
	Heartbeat    time.Duration // time between two heartbeats; 15s
	WriteTimeout time.Duration // a reader that takes nothing for this long is cut off; 10s
	Kept         int           // changes kept for all readers; 8,192
	// CatchUp is the number of changed orders over which a reader can resume; more cause a resync;
	// 10,000.
	CatchUp int
	Readers int // maximum number of readers at once; 4,096
}

func (o StreamOptions) complete() StreamOptions {
	return StreamOptions{Heartbeat: cmp.Or(o.Heartbeat, 15*time.Second), WriteTimeout: cmp.Or(o.WriteTimeout, 10*time.Second),
		Kept: cmp.Or(o.Kept, 8_192), CatchUp: cmp.Or(o.CatchUp, 10_000), Readers: cmp.Or(o.Readers, 4_096)}
}

type streamInput struct {
	AtLeast
	OrderFilters
	Snapshot    bool   `query:"snapshot" default:"true" doc:"false: omit the snapshot and begin with the changes from now on."`
	Interval    int    `query:"interval" minimum:"0" maximum:"1000" doc:"Milliseconds from one send to the next, give or take a quarter: changes gather meanwhile, and no change is left out. Use 250 for events that are shown to a person: it saves the service most of the cost of a stream. 0: send changes as they come."`
	LastEventID string `header:"Last-Event-ID" doc:"The id of the last event received: the stream continues after it. A browser's EventSource sends it by itself."`
	Resume      string `query:"lastEventId" doc:"As Last-Event-ID, for clients that cannot send a header. The header wins."`
}

type streamOutput struct {
	As
	ContentType string `header:"Content-Type" hidden:"true"`
	Buffering   string `header:"X-Accel-Buffering" doc:"no: a proxy must not buffer events."`
	Body        func(huma.Context)
}

func (a *API) registerStream() {
	get(a, huma.Operation{OperationID: "stream-orders", Path: "/v1/stream", Tags: []string{"orders"},
		Summary:   "Current orders, then every change, as server-sent events",
		Responses: a.streamResponse()},
		[]int{http.StatusServiceUnavailable}, a.stream)
}

const streamDescription = `Without Last-Event-ID the stream begins with a snapshot of the orders that match, in events of up to 100 orders; the last one
has "last": true and the id to resume from, so that a cut in between starts over. From then on each change of an order that matches, or
did until now, is an order event. Its id is the sequence of the order's last notification and the beginning of the hash of that record:
sequences rise, and nothing is sent twice.
Several changes of one order that come quickly, or while nobody listened, may come as one.

With Last-Event-ID the stream goes on after that event, also after a restart of the server or a rebuild of the views. When it cannot, a
resync event says why, and the stream goes on as if it had begun without: what was known before must be thrown away. The same comes
in an open stream when orders were changed though no notification came for them.

When another day begins in Berlin, orders become due and overdue though no notification came for them. A day event says so, and order
events without an id follow for the orders whose settlement.state changed with it. After a resume over a midnight the same comes first.

Every 15 s a heartbeat tells how far the stream has come. Whoever does not read is cut off with a closed event, as far as that still gets through.`

// stream reads the position of the views and leaves the rest to follow.
func (a *API) stream(ctx context.Context, in *streamInput) (*streamOutput, error) {
	status, err := a.position.Status(ctx)
	if err != nil {
		return nil, err
	}
	body := func(c huma.Context) {
		e := echoOf(c)
		if e.Request().Method == http.MethodHead {
			c.SetStatus(http.StatusOK)
			return
		}
		if err := a.follow(e, in, &status); err != nil {
			answer(e, asProblem(err))
		}
	}
	return &streamOutput{As: As{status.Checkpoint.Sequence}, ContentType: "text/event-stream", Buffering: "no", Body: body}, nil
}

// follow serves one reader. Only follow takes a place in the hub, and it gives the place back on
// every return. It returns an error only before the answer has begun.
func (a *API) follow(e echo.Context, in *streamInput, status *views.Status) error {
	ctx, w := e.Request().Context(), e.Response()
	prompt := in.Interval == 0
	window, err := a.hub.join(ctx, prompt)
	if err != nil {
		return err
	}
	defer a.hub.leave(prompt)
	applied := status.Checkpoint.Sequence
	r := &streamReader{hub: a.hub, window: window, views: a.views, query: in.query(a.zone, views.Settling{Schedule: a.schedule, Today: window.day()}), snapshot: in.Snapshot, at: applied, settled: applied,
		interval: time.Duration(in.Interval) * time.Millisecond,
		// Echo's own Flush hides errors.
		revision: status.Revision.Number, w: w, control: http.NewResponseController(w.Writer)}
	if given := cmp.Or(in.LastEventID, in.Resume); given != "" {
		if r.resync, err = a.resume(ctx, r, given, status); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusOK)
	r.serve(ctx)
	return nil
}

// resume makes r begin after the event given, or returns a resync that states why it cannot.
func (a *API) resume(ctx context.Context, r *streamReader, given string, status *views.Status) (*StreamResync, error) {
	id, hash, ok := parseEventID(given)
	if !ok {
		return &StreamResync{Reason: "unknown", LastEventID: given, Detail: "It is not the id of an event."}, nil
	}
	if other, err := a.another(ctx, id, hash); err != nil {
		return nil, err
	} else if other {
		return &StreamResync{Reason: "unknown", LastEventID: given, Detail: "The log was set back: another record has that sequence now."}, nil
	}
	if revision := &status.Revision; revision.Number > 0 && id <= revision.Sequence {
		return revised(revision, given), nil
	}
	// The views may be further behind after a restart than before.
	if id > status.Checkpoint.Sequence {
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
	if kept, _ := r.window.where(); id < kept {
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
	r.query.Today = min(r.query.Today, a.dayOf(ctx, id))
	return nil, nil
}

// another reports whether the record with that sequence has another hash. A lost record cannot be
// compared.
func (a *API) another(ctx context.Context, sequence uint64, hash string) (bool, error) {
	if hash == "" {
		return false, nil
	}
	record, err := a.log.Record(ctx, sequence)
	switch {
	case errors.Is(err, ErrNoRecord), errors.Is(err, ErrMissing):
		return false, nil
	case err != nil:
		return false, unavailable(ctx, err)
	}
	return !strings.HasPrefix(record.Hash, hash), nil
}

// revised returns a resync which reports that orders changed without a notification.
func revised(revision *views.Revision, last string) *StreamResync {
	if revision.Cause == views.ByRebuild {
		return &StreamResync{Reason: "rebuilt", LastEventID: last, Detail: "The views were rebuilt with other rules."}
	}
	if revision.Cause == views.ByEpoch {
		return &StreamResync{Reason: "restored", LastEventID: last, Detail: "The log was restored, or a loss of records was accepted."}
	}
	return &StreamResync{Reason: "redriven", LastEventID: last, Detail: "Notifications that could not be read before were applied to their orders."}
}

// Reasons why streams end, in metrics, log and closed events.
const (
	endedClient   = "client"
	endedShutdown = "shutdown"
	endedSlow     = "slow"
	endedFailed   = "failed"
)

var (
	errSlow     = errors.New("the reader fell behind")
	errShutdown = errors.New("the server is shutting down")
)
