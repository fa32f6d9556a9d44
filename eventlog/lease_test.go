package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orderfold/orderfold/eventlog"
)

// contender stands for a process that tries to take a duty. It has its own log.
type contender struct {
	*eventlog.Lease
	stop func() // gives the duty back
}

// contend starts a contender.
func contend(t *testing.T, p *place, name string) *contender {
	t.Helper()
	l := open(t, p.options)
	c := &contender{Lease: l.Lease(eventlog.PublishFeed, name)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { require.NoError(t, c.Run(ctx)) })
	c.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(c.stop)
	return c
}

// holder waits until a contender has the duty, and returns it. It fails the test if two have the duty.
func holder(t *testing.T, all []*contender) (has *contender) {
	t.Helper()
	require.Eventually(t, func() bool {
		has = nil
		for _, c := range all {
			if !c.Held() {
				continue
			}
			// The duty may have passed from one to the other since the first check, so both are checked again.
			require.False(t, has != nil && has.Held() && c.Held(), "two processes have the duty")
			has = c
		}
		return has != nil
	}, leaseBound, leaseTick, "no process has the duty")
	return has
}

const (
	leaseBound = time.Minute
	leaseTick  = 5 * time.Millisecond
)

func TestOneProcessHasADutyAndAnotherTakesItWhenItIsGivenBack(t *testing.T) {
	p := separatePlace(t, "")
	var all []*contender
	for i := range 4 {
		all = append(all, contend(t, p, fmt.Sprint("process ", i)))
	}
	for len(all) > 1 {
		has := holder(t, all)
		held, release := has.Hold(t.Context())
		require.NoError(t, held.Err())
		holders, err := open(t, p.options).Holders(t.Context())
		require.NoError(t, err)
		require.Len(t, holders, 1)
		require.Equal(t, eventlog.PublishFeed, holders[0].Duty)
		require.NotEmpty(t, holders[0].Holder)
		require.WithinRange(t, holders[0].Renewed, holders[0].Since.Add(-leaseBound), holders[0].Since.Add(leaseBound))
		has.stop()
		require.False(t, has.Held())
		require.ErrorIs(t, context.Cause(held), eventlog.ErrNotHeld)
		release()
		rest := all[:0]
		for _, c := range all {
			if c != has {
				rest = append(rest, c)
			}
		}
		all = rest
	}
}

func TestAHolderThatCannotReachTheServerLosesTheDuty(t *testing.T) {
	p := separatePlace(t, "")
	all := []*contender{contend(t, p, "one"), contend(t, p, "two")}
	has := holder(t, all)
	held, release := has.Hold(t.Context())
	defer release()
	p.process.pause()
	require.Eventually(t, func() bool { return held.Err() != nil }, leaseBound, leaseTick, "the duty must be lost") // Held is not called meanwhile
	require.ErrorIs(t, context.Cause(held), eventlog.ErrNotHeld)
	require.False(t, has.Held())
	again, release := has.Hold(t.Context())
	defer release()
	require.ErrorIs(t, context.Cause(again), eventlog.ErrNotHeld)
	p.process.resume()
	holder(t, all)
}

func TestADutyWithADeletedOrUnreadableNoteIsTakenAgain(t *testing.T) {
	p := separatePlace(t, "")
	all := []*contender{contend(t, p, "one"), contend(t, p, "two")}
	holder(t, all)
	js := p.admin(t, nil)
	for name, harm := range map[string]func() error{
		"the bucket is deleted": func() error { return js.DeleteKeyValue(t.Context(), "orderfold-duties") },
		"the note is deleted": func() error {
			bucket, err := js.KeyValue(t.Context(), "orderfold-duties")
			return errors.Join(err, bucket.Delete(t.Context(), "feed"))
		},
		"the note is unreadable": func() error {
			bucket, err := js.KeyValue(t.Context(), "orderfold-duties")
			_, putErr := bucket.Put(t.Context(), "feed", []byte("none"))
			return errors.Join(err, putErr)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var lost atomic.Bool
			held, release := holder(t, all).Hold(t.Context())
			defer release()
			defer context.AfterFunc(held, func() { lost.Store(true) })()
			require.NoError(t, harm())
			require.Eventually(t, lost.Load, leaseBound, leaseTick, "the holder must lose the duty")
			holder(t, all)
		})
	}
}

// The bucket is deleted just after the duty was taken, before the other process has read the note.
func TestTwoProcessesNeverHaveADutyWhoseBucketIsDeleted(t *testing.T) {
	p := separatePlace(t, "")
	all := []*contender{contend(t, p, "one"), contend(t, p, "two")}
	js := p.admin(t, nil)
	for range 2 {
		has := holder(t, all)
		held, release := has.Hold(t.Context())
		require.NoError(t, js.DeleteKeyValue(t.Context(), "orderfold-duties"))
		for began := time.Now(); held.Err() == nil; holder(t, all) {
			require.Less(t, time.Since(began), leaseBound, "the holder must lose the duty")
		}
		release()
	}
	holder(t, all)
}

func TestAHolderStopsWhileTheServerIsUnavailable(t *testing.T) {
	p := separatePlace(t, "")
	core, logs := observer.New(zap.WarnLevel)
	p.options.Logger = zap.New(core)
	l, err := eventlog.Open(t.Context(), p.options)
	require.NoError(t, err)
	defer l.Close()
	lease := l.Lease(eventlog.PublishFeed, "process")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- lease.Run(ctx) }()
	require.Eventually(t, lease.Held, leaseBound, leaseTick, "the process must take the duty")
	p.stop()
	require.Eventually(t, func() bool { return logs.FilterField(zap.String("duty", "feed")).Len() > 0 }, leaseBound, leaseTick, "the failure to renew the note must be logged")
	stop()
	require.NoError(t, <-ended)
	require.False(t, lease.Held())
}

func TestAnEmbeddedLogReportsNoHolders(t *testing.T) {
	holders, err := open(t, embeddedPlace(t).options).Holders(t.Context())
	require.NoError(t, err)
	require.Empty(t, holders)
}
