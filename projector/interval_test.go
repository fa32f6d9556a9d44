package projector_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// trickle is a log that returns a record after each pause.
type trickle struct {
	projector.Log
	pauses []time.Duration
}

func (l trickle) Read(context.Context, eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return func(func(eventlog.Record, error) bool) {}
}

func (l trickle) Bounds(context.Context) (eventlog.Bounds, error) { return eventlog.Bounds{}, nil }

func (l trickle) Follow(ctx context.Context, _ eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) {
		for i, pause := range l.pauses {
			time.Sleep(pause) // in the virtual time of the bubble
			body := fmt.Sprintf(`{"orderId":"o-%d","status":"PLACED","modifiedOn":"2026-03-02T09:00:00Z"}`, i)
			r := eventlog.Record{Sequence: uint64(i + 1), Received: time.Now(), Object: "traditional-asset-order", Body: []byte(body)}
			if !yield(r, nil) {
				return
			}
		}
		<-ctx.Done()
	}
}

// dated are views that record the times of commits and the loaded orders.
type dated struct {
	projector.Views
	begin   time.Time
	commits map[time.Duration]uint64 // the position at each time
	loads   []string
}

func (v *dated) Status(context.Context) (views.Status, error) { return views.Status{}, nil }

func (v *dated) SetHealth(context.Context, views.Health) error { return nil }

func (v *dated) Load(_ context.Context, ids []string) (map[string]views.Entry, error) {
	v.loads = append(v.loads, ids...)
	return map[string]views.Entry{}, nil
}

func (v *dated) Commit(_ context.Context, b views.Batch) ([]views.Held, error) {
	v.commits[time.Since(v.begin)] = b.Checkpoint.Sequence
	return make([]views.Held, len(b.Orders)), nil
}

// follow runs a projector on the log for a while.
func follow(t *testing.T, pauses []time.Duration, batchSize int, duration time.Duration) *dated {
	v := &dated{begin: time.Now(), commits: map[time.Duration]uint64{}}
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	require.NoError(t, projector.New(projector.Options{Log: trickle{pauses: pauses}, Views: v, BatchSize: batchSize}).Run(ctx))
	return v
}

func TestRecordsThatArriveOneByOneAreCommittedAFewAtATime(t *testing.T) {
	const ms = time.Millisecond
	second := make([]time.Duration, 12)
	for i := range second {
		second[i] = ms
	}
	for _, c := range []struct {
		name      string
		pauses    []time.Duration
		batchSize int
		commits   map[time.Duration]uint64
	}{
		{"a single record is committed at once", []time.Duration{10 * ms, 10 * ms}, 0, map[time.Duration]uint64{10 * ms: 1, 20 * ms: 2}},
		{"a record soon after another one waits for the rest of the interval", []time.Duration{10 * ms, ms}, 0, map[time.Duration]uint64{10 * ms: 1, 14 * ms: 2}},
		{"the last record is committed", []time.Duration{10 * ms, ms, ms, time.Second}, 0,
			map[time.Duration]uint64{10 * ms: 1, 14 * ms: 3, 1012 * ms: 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, c.commits, follow(t, c.pauses, c.batchSize, 3*time.Second).commits)
			})
		})
	}
	t.Run("a thousand a second need a quarter of the commits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := follow(t, second, 0, time.Second)
			require.LessOrEqual(t, len(v.commits), 4)
			last := uint64(0)
			for _, sequence := range v.commits {
				last = max(last, sequence)
			}
			require.EqualValues(t, 12, last)
		})
	})
	t.Run("a full batch does not wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := follow(t, []time.Duration{10 * ms, ms, 0, 0, 0}, 2, time.Second)
			require.GreaterOrEqual(t, v.commits[11*ms], uint64(3))
		})
	})
}

func TestHotOrdersAreReleasedWhenNothingIsWrittenForAWhile(t *testing.T) {
	again := func(pause time.Duration) int {
		var loads int
		synctest.Test(t, func(t *testing.T) {
			v := &dated{begin: time.Now(), commits: map[time.Duration]uint64{}}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			log := repeated{trickle{pauses: []time.Duration{time.Second, pause}}}
			require.NoError(t, projector.New(projector.Options{Log: log, Views: v}).Run(ctx))
			loads = len(v.loads)
		})
		return loads
	}
	require.Equal(t, 1, again(5*time.Second), "it is hot")
	require.Equal(t, 2, again(time.Minute), "it is loaded again")
}

// repeated is a log whose records are all for the same order.
type repeated struct{ trickle }

func (l repeated) Follow(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) {
		for r, err := range l.trickle.Follow(ctx, after) {
			r.Body = fmt.Appendf(nil, `{"orderId":"o","status":"PLACED","modifiedOn":"2026-03-02T09:00:0%dZ"}`, r.Sequence)
			if !yield(r, err) {
				return
			}
		}
	}
}
