package rebuild

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// untilCancelled is work that ends when it is cancelled, and takes some time to clean up.
func untilCancelled(ctx context.Context, r *Run) Rebuild {
	<-ctx.Done()
	time.Sleep(time.Hour) // in the virtual time of the bubble
	last := r.Rebuild()
	last.Err, last.Ended = ctx.Err(), time.Now()
	return last
}

func TestWaitingForARunReturnsThatRunEvenIfAnotherIsStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs []*Run
		var waiting sync.WaitGroup
		for mode := range 4 {
			first := Rebuild{Mode: Mode(rune('a' + mode)), Started: time.Now()}
			run := start(t.Context(), first, untilCancelled)
			runs = append(runs, run)
			for range 3 {
				waiting.Go(func() {
					last := run.Wait()
					if last.Mode != first.Mode || last.Ended.IsZero() || !errors.Is(last.Err, context.Canceled) {
						t.Error("another run", last)
					}
				})
			}
			synctest.Wait()
		}
		begun := time.Now()
		require.ErrorIs(t, runs[1].Cancel().Err, context.Canceled)
		require.Equal(t, time.Hour, time.Since(begun), "it returns when the run has ended completely")
		for _, other := range []*Run{runs[0], runs[2], runs[3]} {
			require.Zero(t, other.Rebuild().Ended, "the others continue")
		}
		for _, run := range runs {
			run.Cancel()
		}
		waiting.Wait()
	})
}

func TestARunEndsWithTheContextItWasStartedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		run := start(ctx, Rebuild{}, untilCancelled)
		cancel()
		require.ErrorIs(t, run.Wait().Err, context.Canceled)
	})
}

func TestAFinishedRunKeepsItsResultWhenItIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := start(t.Context(), Rebuild{}, func(context.Context, *Run) Rebuild { return Rebuild{Generation: 7, Ended: time.Now()} })
		run.Wait()
		require.Equal(t, 7, run.Cancel().Generation)
		require.NoError(t, run.Cancel().Err)
	})
}
