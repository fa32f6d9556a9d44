package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

func TestViewsAreServedForAWhileWithoutTheLog(t *testing.T) {
	away := fmt.Errorf("%w: no replica leads", api.ErrUnavailable)
	for name, c := range map[string]struct {
		lag    time.Duration // --ready-lag
		asked  bool          // before the log is unavailable
		fed    time.Duration // how long ago the views got their last record; 0: they have none
		behind time.Duration // how far the views were behind then
		err    error
		ready  bool
		age    time.Duration // at least this value; below 0: unknown
	}{
		"a leader is being elected":                           {time.Hour, true, 0, 0, away, true, 0},
		"the views were already behind, and are still ready":  {time.Hour, true, 0, 20 * time.Minute, away, true, 20 * time.Minute},
		"the views were already behind, and are too old":      {time.Hour, true, 0, 2 * time.Hour, away, false, 2 * time.Hour},
		"it takes too long":                                   {time.Nanosecond, true, 0, 0, away, false, 0},
		"the log never answered":                              {time.Hour, false, 0, 0, away, false, -1},
		"the log never answered, and the views have a record": {time.Hour, false, 3 * time.Minute, 0, away, false, 3 * time.Minute},
		"the log no longer exists":                            {time.Hour, true, 0, 0, errors.New("no stream NOTIFICATIONS"), false, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.fed > 0 {
				w.receiveRaw(api.Record{Received: time.Now().Add(-c.fed), Body: []byte(`{"id":"c"}`)})
				w.apply(t)
			}
			if c.behind > 0 {
				w.receiveRaw(api.Record{Received: time.Now().Add(-c.behind), Body: []byte(`{"id":"c"}`)})
			}
			s := start(t, w, func(o *api.Options) { o.ReadyLag = c.lag })
			if c.asked {
				s.get(t, "/v1/status")
			}
			w.fail(c.err, nil)
			status := into[api.Status](t, s.get(t, "/v1/status"))
			require.Equal(t, c.ready, status.Ready)
			require.Contains(t, *status.Reason, c.err.Error())
			if c.age < 0 {
				require.Nil(t, status.LagSeconds)
			} else {
				require.GreaterOrEqual(t, *status.LagSeconds, c.age.Seconds())
				require.Less(t, *status.LagSeconds, c.age.Seconds()+60)
			}
			a := s.get(t, "/readyz")
			require.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[c.ready], a.StatusCode)
			require.Equal(t, api.Health{Ready: c.ready, Reason: status.Reason}, health(t, a))
			require.Equal(t, http.StatusOK, s.get(t, "/v1/orders").StatusCode, "reads never stop")
			w.fail(nil, nil)
			if c.behind == 0 && c.lag > time.Minute {
				require.Nil(t, into[api.Status](t, s.get(t, "/v1/status")).Reason)
			}
		})
	}
}

func TestALogThatDoesNotAnswerDoesNotDelayTheViews(t *testing.T) {
	w := newWorld(t)
	w.receiveRaw(api.Record{Received: time.Now(), Body: []byte(`{"id":"c"}`)})
	w.apply(t)
	s := start(t, w, func(o *api.Options) { o.Log = silentLog{w} })
	status := into[api.Status](t, s.get(t, "/v1/status"))
	require.False(t, status.Ready)
	require.Contains(t, *status.Reason, "deadline exceeded")
	require.NotContains(t, *status.Reason, "views")
	require.EqualValues(t, 1, status.AppliedSequence)
	require.NotNil(t, status.Generation)
}

// silentLog does not answer before the context of the caller ends.
type silentLog struct{ *world }

func (silentLog) Storage(ctx context.Context) api.Storage {
	<-ctx.Done()
	return api.Storage{SyncMode: "unknown", Bytes: -1, MaxBytes: -1, Left: -1, DiskFree: -1, Refuses: ctx.Err().Error()}
}

func (silentLog) Bounds(ctx context.Context) (api.LogBounds, error) {
	<-ctx.Done()
	return api.LogBounds{}, fmt.Errorf("%w: %w", api.ErrUnavailable, ctx.Err())
}
