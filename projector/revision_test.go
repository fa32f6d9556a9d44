package projector_test

import (
	"bytes"
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// otherwise is a log as read by another decoder: orders whose ids begin with o-3 become one order,
// and SETTLED becomes FILLED.
type otherwise struct{ *eventlog.Log }

func (l *otherwise) reread(records iter.Seq2[eventlog.Record, error]) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) {
		for r, err := range records {
			r.Body = bytes.ReplaceAll(r.Body, []byte(`"orderId":"o-3`), []byte(`"orderId":"all-of-3","was":"`))
			r.Body = bytes.ReplaceAll(r.Body, []byte("SETTLED"), []byte("FILLED"))
			if !yield(r, err) {
				return
			}
		}
	}
}

func (l *otherwise) Follow(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return l.reread(l.Log.Follow(ctx, after))
}

func (l *otherwise) Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return l.reread(l.Log.Read(ctx, after))
}

func (l *otherwise) Records(ctx context.Context, sequences []uint64) iter.Seq2[eventlog.Record, error] {
	return l.reread(l.Log.Records(ctx, sequences))
}

// publishOtherwise makes views with another decoder and fold version, and publishes their events.
func (f *fed) publishOtherwise(version string) {
	f.t.Helper()
	require.NoError(f.t, f.views.Close())
	var err error
	f.views, err = views.Open(f.t.Context(), views.Options{Dir: f.dir, FoldVersion: version})
	require.NoError(f.t, err)
	other := &otherwise{f.log}
	stop := f.follow(other, projector.NewPublisher(projector.PublisherOptions{Log: other, Events: f.flaky, MaxBody: f.events.MaxBody,
		Views: f.views, Former: f.views, Render: renderWhole}))
	defer stop()
	f.settled()
}

func (f *fed) rebuild(mode rebuild.Mode) {
	f.t.Helper()
	run, err := (&rebuild.Rebuilder{Log: f.log, Views: f.views, Dir: f.dir}).Start(f.t.Context(), mode)
	require.NoError(f.t, err)
	require.NoError(f.t, run.Wait().Err)
}

func TestOtherRulesPublishEveryOrderAgainAndWithdrawRemovedOrders(t *testing.T) {
	for _, test := range []struct {
		name, version string
		all           bool
	}{
		{"rules of another version", "another", true},
		{"a corrected decoder of the same version", decode.FoldVersion(), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFed(t)
			random := rand.New(rand.NewPCG(1, 1))
			f.postSome(random, 200)
			f.post("customer", `{"customerId":"c"}`) // both decoders read the last record alike, because the position contains its hash
			f.publishOtherwise(test.version)
			r := newReader(t).read(f.events)
			require.Contains(t, r.orders, "all-of-3")
			require.Empty(t, r.passes)
			require.NoError(t, f.views.Close())
			var err error
			f.views, err = views.Open(t.Context(), views.Options{Dir: f.dir, FoldVersion: decode.FoldVersion(), FirstByPromotion: true})
			require.NoError(t, err)

			stop := f.publishing(f.publisher())
			f.rebuild(rebuild.Full)
			f.postSome(random, 100)
			f.settled()
			stop()
			f.requireSame(r.read(f.events))
			require.Nil(t, r.orders["all-of-3"].whole)
			require.Equal(t, 1, r.types[feed.Withdrawn])
			require.Equal(t, []any{"started", "finished", "rebuild", uint64(1)},
				[]any{r.passes[0].State, r.passes[1].State, r.passes[1].Cause, *r.passes[1].Withdrawn})
			require.Equal(t, [2]string{test.version, decode.FoldVersion()}, r.passes[0].FoldVersions)
			require.Equal(t, uint64(r.types[feed.Corrected]), *r.passes[1].Corrected)
			require.NotZero(t, r.types[feed.Corrected])
		})
	}
}

func TestARebuildByTheSameRulesChangesNothingForSubscribers(t *testing.T) {
	f := newFed(t)
	random := rand.New(rand.NewPCG(2, 1))
	stop := f.publishing(f.publisher())
	f.postSome(random, 200)
	before := f.settled()
	f.rebuild(rebuild.Full)
	f.settled()
	f.postSome(random, 50)
	f.settled()
	f.rebuild(rebuild.Rollback)
	after := f.settled()
	require.Greater(t, after.Revision, before.Revision)
	stop()
	r := newReader(t).read(f.events)
	f.requireSame(r)
	require.Zero(t, r.types[feed.Withdrawn])
	require.Len(t, r.passes, 4)
	for _, pass := range []feed.Revision{r.passes[1], r.passes[3]} {
		require.Equal(t, []any{"finished", uint64(0), uint64(0)}, []any{pass.State, *pass.Corrected, *pass.Withdrawn})
	}
}

func TestARedrivePublishesItsOrdersAgain(t *testing.T) {
	f := newFed(t)
	for i := range 9 {
		f.post("traditional-asset-order", placed([]string{"a", "b", "c"}[i%3], i))
	}
	f.post("customer", `{"customerId":"c"}`)
	mistaken := &misread{f.log, map[uint64]bool{2: true, 4: true}}
	stop := f.follow(mistaken, f.publisher())
	f.settled()
	stop()
	r := newReader(t).read(f.events)
	require.Equal(t, map[feed.Type]int{feed.Changed: 7}, r.types)

	p := f.publisher()
	stop = f.publishing(p)
	f.settled()
	done, err := (&projector.Redriver{Log: f.log, Views: f.views, Publisher: p}).Redrive(t.Context(), projector.Selection{})
	require.NoError(t, err)
	require.Equal(t, uint64(2), done.Redriven)
	f.post("traditional-asset-order", placed("b", 30))
	f.settled()
	stop()
	f.requireSame(r.read(f.events))
	require.Equal(t, map[feed.Type]int{feed.Changed: 8, feed.Corrected: 2, feed.RevisionOf: 2}, r.types)
	require.Equal(t, []any{"redrive", "finished", uint64(2)}, []any{r.passes[1].Cause, r.passes[1].State, *r.passes[1].Corrected})
}

func TestAnInterruptedRevisionIsFinishedByTheNextProcess(t *testing.T) {
	f := newFed(t)
	random := rand.New(rand.NewPCG(11, 1))
	f.postSome(random, 400)
	f.project()
	projector.PublishAtOnce(t, 7)
	r := newReader(t)
	processes := 0
	for cut := true; cut; processes++ {
		published, failed := 0, make(chan struct{})
		limit := 2 + random.IntN(3)
		f.flaky.set(func(events []eventlog.Event) (int, error) {
			if published++; published <= limit {
				return len(events), nil
			}
			if published == limit+1 {
				close(failed)
			}
			return random.IntN(len(events) + 1), eventlog.ErrUnavailable // nothing more until the next process
		})
		stop := f.publishing(f.publisher())
		f.postSome(random, 5)
		require.Eventually(t, func() bool {
			select {
			case <-failed:
				return true
			default:
			}
			s := f.feed()
			cut = s.Generation == 0 || s.Pass != nil
			return !cut
		}, patience, tick)
		stop()
		r.read(f.events)
	}
	require.Greater(t, processes, 1)
	f.flaky.set(nil)
	f.publish()
	f.requireSame(r.read(f.events))
	finished := slices.IndexFunc(r.passes, func(p feed.Revision) bool { return p.State == "finished" })
	require.Positive(t, finished)
}
