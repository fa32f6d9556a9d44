package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// examine runs a verifier until the views have the expected result.
func (w *world) examine(log rebuild.Log, until func(views.Verified) bool) {
	w.t.Helper()
	w.verifier(&rebuild.Verifier{Examination: rebuild.Examination{Log: log, Dir: w.dir}, Every: time.Millisecond}, until)
}

func (w *world) verifier(v *rebuild.Verifier, until func(views.Verified) bool) {
	w.t.Helper()
	v.Verdicts, v.Logger = w.views, zap.NewNop()
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := v.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	require.Eventually(w.t, func() bool {
		status, err := w.views.Status(w.t.Context())
		return err == nil && until(status.Verified)
	}, time.Minute, time.Millisecond)
	cancel()
	running.Wait()
}

func TestAFailedComparisonIsReportedUntilTheNextSuccessfulOne(t *testing.T) {
	for name, failure := range map[string]error{
		"it has a hole":     &eventlog.Fault{Err: &eventlog.GapError{Want: 21, Got: 22}},
		"it begins later":   &eventlog.Fault{Err: fmt.Errorf("%w: it is after record 0", eventlog.ErrCompacted)},
		"it ends earlier":   &eventlog.Fault{Err: eventlog.ErrFuture},
		"it is another one": &eventlog.Fault{Err: eventlog.ErrDiverged},
		"it lost records":   &eventlog.Fault{Err: fmt.Errorf("%w: record 3 is missing", eventlog.ErrLost)},
	} {
		t.Run(name, func(t *testing.T) {
			w := filled(t)
			equal := func(v views.Verified) bool { return !v.At.IsZero() && v.Difference == "" }
			w.examine(w.log, equal)
			status, err := w.views.Status(t.Context())
			require.NoError(t, err)
			g := newGate(w.log, 20)
			g.failure = failure
			w.examine(g, func(v views.Verified) bool {
				return v.Unexamined() && v.Difference == views.UnexaminedPrefix+failure.Error() && v.Sequence == status.Verified.Sequence && !v.At.IsZero()
			})
			w.examine(w.log, equal)
		})
	}
}

func TestAnInterruptedExaminationReportsNothing(t *testing.T) {
	w := filled(t)
	for _, failure := range []error{eventlog.ErrUnavailable, errors.New("no space left on device")} {
		c := &counted{gate: newGate(w.log, 20)}
		c.failure = failure
		w.examine(c, func(v views.Verified) bool {
			require.Zero(t, v)
			return c.reads.Load() > 2
		})
	}
}

// counted is a log that counts how often it is read.
type counted struct {
	*gate
	reads atomic.Int64
}

func (c *counted) Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error] {
	c.reads.Add(1)
	return c.gate.Read(ctx, after)
}

func TestAVerifierThatIsSwitchedOffForgetsAFailedComparison(t *testing.T) {
	w := filled(t)
	status, err := w.views.Status(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.views.SetVerified(t.Context(), status.Generation, status.Revision.Number,
		views.Verified{Difference: views.UnexaminedPrefix + "it has a hole"}))
	w.verifier(&rebuild.Verifier{Never: true, Every: time.Hour}, func(v views.Verified) bool { return v == views.Verified{} })
}
