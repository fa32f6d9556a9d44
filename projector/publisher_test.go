package projector_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector"
	"github.com/orderfold/orderfold/projector/feed"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

const (
	patience = 2 * time.Minute
	tick     = 5 * time.Millisecond
)

// renderWhole renders an order as events show it, and the rest of its state.
func renderWhole(b []byte, o *statemachine.Order) []byte {
	encoded, _ := o.AppendBinary(nil)
	b = bytes.TrimSuffix(api.AppendEventOrder(b, o), []byte("}"))
	return fmt.Appendf(b, `,"whole":%q}`, base64.StdEncoding.EncodeToString(encoded))
}

// schemaOfEvents is the schema that every event must satisfy.
var schemaOfEvents = sync.OnceValue(func() *jsonschema.Schema {
	_, text, err := api.EventDocuments()
	if err != nil {
		panic(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(feed.Schema, document); err != nil {
		panic(err)
	}
	return c.MustCompile(feed.Schema)
})

// fed is a world with a feed.
type fed struct {
	*world
	logDir string
	events *eventlog.Feed
	flaky  *flaky
}

// flaky is a feed that tests can make fail.
type flaky struct {
	*eventlog.Feed
	mu   sync.Mutex
	fail func(events []eventlog.Event) (stored int, err error) // nil: it works
	away func(ctx context.Context) error                       // what Bounds returns; nil: it works

	unreadable bool // the last revision
}

func (f *flaky) LastRevision(ctx context.Context) (eventlog.Event, error) {
	e, err := f.Feed.LastRevision(ctx)
	if f.unreadable {
		e.Body = []byte("no JSON")
	}
	return e, err
}

func (f *flaky) Bounds(ctx context.Context) (eventlog.FeedBounds, error) {
	f.mu.Lock()
	away := f.away
	f.mu.Unlock()
	if away != nil {
		if err := away(ctx); err != nil {
			return eventlog.FeedBounds{}, err
		}
	}
	return f.feed().Bounds(ctx)
}

func (f *flaky) Get(ctx context.Context, sequence uint64) (eventlog.Event, error) {
	return f.feed().Get(ctx, sequence)
}

func (f *flaky) Read(ctx context.Context, after uint64) iter.Seq2[eventlog.Event, error] {
	return f.feed().Read(ctx, after)
}

func (f *flaky) feed() *eventlog.Feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Feed
}

func (f *flaky) Publish(ctx context.Context, after uint64, events []eventlog.Event) (uint64, error) {
	f.mu.Lock()
	fail := f.fail
	f.mu.Unlock()
	if fail == nil {
		return f.feed().Publish(ctx, after, events)
	}
	stored, err := fail(events)
	last, failure := f.feed().Publish(ctx, after, events[:stored])
	return last, errors.Join(failure, err)
}

func (f *flaky) set(fail func(events []eventlog.Event) (int, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *flaky) setAway(away func(ctx context.Context) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

func newFed(t testing.TB) *fed {
	f := &fed{world: &world{t: t, dir: t.TempDir()}, logDir: t.TempDir()}
	f.openLog()
	f.openViews()
	t.Cleanup(func() { require.NoError(t, f.views.Close()) })
	return f
}

func (f *fed) openLog() {
	f.log = openLog(f.t, f.logDir)
	f.events = f.log.Feed(eventlog.FeedOptions{})
	f.flaky = &flaky{Feed: f.events}
}

// deleteFeed deletes the stream while no server runs.
func (f *fed) deleteFeed() {
	f.t.Helper()
	require.NoError(f.t, f.log.Close())
	stream := filepath.Join(f.logDir, "nats", "jetstream", "ORDERFOLD", "streams", "ORDERS")
	require.DirExists(f.t, stream)
	require.NoError(f.t, os.RemoveAll(stream))
	f.openLog()
}

func (f *fed) publisher() *projector.Publisher { return f.publisherFor(nil) }

// publisherFor returns a publisher that needs a duty, if that is not nil.
func (f *fed) publisherFor(d projector.Duty) *projector.Publisher {
	return projector.NewPublisher(projector.PublisherOptions{Log: f.log, Events: f.flaky, MaxBody: f.events.MaxBody, Views: f.views, Former: f.views,
		Render: renderWhole, Duty: d})
}

// publishing projects and publishes until stop is called.
func (f *fed) publishing(p *projector.Publisher) (stop func()) { return f.follow(f.log, p) }

func (f *fed) follow(log projector.Log, p *projector.Publisher) (stop func()) {
	pr := projector.New(projector.Options{Log: log, Views: f.views, BatchSize: 50, HotOrders: 20, Publisher: p})
	ctx, cancel := context.WithCancel(f.t.Context())
	var running sync.WaitGroup
	running.Go(func() { require.NoError(f.t, pr.Run(ctx)) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	f.t.Cleanup(stop)
	return stop
}

// feed returns the position in the feed that is stored in the views.
func (f *fed) feed() views.Feed {
	f.t.Helper()
	s, err := f.views.Status(f.t.Context())
	require.NoError(f.t, err)
	return s.Feed
}

// settled waits until everything in the log is published, and no revision is in progress.
func (f *fed) settled() views.Feed {
	f.t.Helper()
	var at views.Feed
	require.Eventually(f.t, func() bool {
		b, err := f.log.Bounds(f.t.Context())
		require.NoError(f.t, err)
		s, err := f.views.Status(f.t.Context())
		require.NoError(f.t, err)
		at = s.Feed
		return s.Checkpoint.Sequence == b.Last && at.Through == b.Last && at.Pass == nil && at.Reason == "" && at.Generation == s.Generation &&
			at.Revised == s.Revision.Number && !at.Elsewhere
	}, patience, tick, "the feed is complete")
	return at
}

// publish projects, publishes everything and stops.
func (f *fed) publish() views.Feed {
	f.t.Helper()
	stop := f.publishing(f.publisher())
	defer stop()
	return f.settled()
}

// told is the state of an order in a reader that only follows the one rule.
type told struct {
	revision, sequence uint64
	whole              []byte
}

// reader stores the content of the events of a feed.
type reader struct {
	t      testing.TB
	orders map[string]told
	ids    map[string]bool
	types  map[feed.Type]int
	last   uint64
	passes []feed.Revision
}

func header(e *eventlog.Event, name string) string {
	if values := e.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func newReader(t testing.TB) *reader {
	return &reader{t: t, orders: map[string]told{}, ids: map[string]bool{}, types: map[feed.Type]int{}}
}

// read applies all new events, and requires that no event is missing or repeated.
func (r *reader) read(f *eventlog.Feed) *reader {
	r.t.Helper()
	for e, err := range f.Read(r.t.Context(), r.last) {
		require.NoError(r.t, err)
		require.Equal(r.t, r.last+1, e.Sequence)
		r.last = e.Sequence
		require.Equal(r.t, fmt.Sprintf("%020d", e.Sequence), header(&e, "ce-sequence"))
		id := header(&e, "ce-id")
		require.False(r.t, r.ids[id], "event %s comes twice", id)
		r.ids[id] = true
		r.apply(&e)
	}
	return r
}

func (r *reader) apply(e *eventlog.Event) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Body))
	require.NoError(r.t, err)
	require.NoError(r.t, schemaOfEvents().Validate(value), "%s", e.Body)
	kind := feed.Type(header(e, "ce-type"))
	r.types[kind]++
	if kind == feed.RevisionOf {
		var revision feed.Revision
		require.NoError(r.t, json.Unmarshal(e.Body, &revision))
		require.Equal(r.t, header(e, "Orderfold-Revision"), strconv.FormatUint(revision.Revision, 10))
		r.passes = append(r.passes, revision)
		return
	}
	var body struct {
		Order struct {
			Whole []byte
		}
		Cause *feed.Cause
	}
	require.NoError(r.t, json.Unmarshal(e.Body, &body))
	revision, err := strconv.ParseUint(header(e, "Orderfold-Revision"), 10, 64)
	require.NoError(r.t, err)
	sequence, err := strconv.ParseUint(header(e, "Orderfold-Sequence"), 10, 64)
	require.NoError(r.t, err)
	require.Equal(r.t, kind == feed.Changed, body.Cause != nil)
	id := feed.Decode(header(e, "ce-subject"))
	known, is := r.orders[id]
	if is && (revision < known.revision || revision == known.revision && sequence <= known.sequence) {
		return
	}
	r.orders[id] = told{revision, sequence, body.Order.Whole}
}

// requireSame requires that the reader has every order as in the views, except for repeats that
// added nothing.
func (f *fed) requireSame(r *reader) {
	f.t.Helper()
	known := map[string]bool{}
	for row := int64(0); ; {
		rows, err := f.views.RowsAfter(f.t.Context(), row, 500)
		require.NoError(f.t, err)
		if len(rows.Orders) == 0 {
			break
		}
		row = rows.Last
		for i := range rows.Orders {
			o := &rows.Orders[i]
			known[o.ID] = true
			got := statemachine.Order{ID: o.ID}
			require.NoError(f.t, got.UnmarshalBinary(r.orders[o.ID].whole), "%s: %+v", o.ID, r.orders[o.ID])
			require.Equal(f.t, timeless(o), timeless(&got), "%s: last %d, changed %d, told %+v", o.ID, o.Last.Sequence, o.Changed, got.Last)
			require.Equal(f.t, o.Changed, got.Changed, o.ID)
			if o.Last.Sequence == o.Changed {
				want, _ := o.AppendBinary(nil)
				require.True(f.t, bytes.Equal(want, r.orders[o.ID].whole), o.ID)
			}
		}
	}
	for id, o := range r.orders {
		require.Equal(f.t, known[id], o.whole != nil, id)
	}
}

// postSome posts notifications of some orders in random order, with repeats.
func (f *fed) postSome(random *rand.Rand, count int) {
	f.t.Helper()
	statuses := []string{"PLACED", "PARTIALLY_FILLED", "FILLED", "SETTLED", "CANCELED"}
	bodies := make([]string, count)
	for i := range bodies {
		bodies[i] = fmt.Sprintf(`{"orderId":"o-%d","status":%q,"modifiedOn":"2026-03-02T09:%02d:00Z","quantity":10,"execution":{"quantity":%d}}`,
			random.IntN(40), statuses[random.IntN(len(statuses))], random.IntN(5), random.IntN(3))
		if random.IntN(20) == 0 {
			bodies[i] = "not JSON"
		}
	}
	f.postTogether(count, func(i int) string { return bodies[i] })
}

func TestEveryNotificationWithNewContentIsPublishedOnceWhateverTheBatches(t *testing.T) {
	f := newFed(t)
	r := newReader(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 4 { // as if by another process each time
		f.postSome(random, 150)
		f.publish()
		r.read(f.events)
	}
	f.requireSame(r)
	require.Empty(t, r.passes, "a feed that began with the log begins with no revision")

	h := projector.NewHistorian(f.log, f.views)
	news := 0
	for id := range r.orders {
		past, err := h.History(t.Context(), id, statemachine.Stretch{Limit: 1000})
		require.NoError(t, err)
		for _, e := range past.Entries {
			if e.Effect != statemachine.Duplicate {
				news++
				require.True(t, r.ids[fmt.Sprintf("%d.0.%s", e.Sequence, id)], "%d of %s", e.Sequence, id)
			}
		}
	}
	require.Equal(t, news, len(r.ids))
}

func TestAFeedSwitchedOnForAnExistingLogBeginsWithEveryOrder(t *testing.T) {
	f := newFed(t)
	f.postSome(rand.New(rand.NewPCG(3, 4)), 300)
	f.project()
	f.publish()
	r := newReader(t).read(f.events)
	f.requireSame(r)
	require.Equal(t, map[feed.Type]int{feed.Corrected: len(r.orders), feed.RevisionOf: 2}, r.types)
	require.Equal(t, []any{"started", "finished", "feed", uint64(len(r.orders)), uint64(0)},
		[]any{r.passes[0].State, r.passes[1].State, r.passes[1].Cause, *r.passes[1].Corrected, *r.passes[1].Withdrawn})
	f.postSome(rand.New(rand.NewPCG(5, 6)), 50)
	f.publish()
	f.requireSame(r.read(f.events))
}

func TestAFeedCatchesUpAfterAnOutage(t *testing.T) {
	tests := []struct {
		name string
		fail func(events []eventlog.Event) (int, error)
	}{
		{"nothing is stored", func([]eventlog.Event) (int, error) { return 0, eventlog.ErrUnavailable }},
		{"a part is stored", func(events []eventlog.Event) (int, error) { return len(events) / 2, eventlog.ErrUnavailable }},
		{"everything is stored, and no answer comes", func(events []eventlog.Event) (int, error) { return len(events), eventlog.ErrUnavailable }},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			projector.CatchUpBy(t, 100)
			f := newFed(t)
			random := rand.New(rand.NewPCG(uint64(i), 8))
			stop := f.publishing(f.publisher())
			f.postSome(random, 100)
			f.settled()
			f.flaky.set(test.fail)
			f.postSome(random, 400)
			b, err := f.log.Bounds(t.Context())
			require.NoError(t, err)
			f.wait(b.Last) // the views continue
			require.Eventually(t, func() bool { s := f.feed(); return s.Reason != "" || s.Through == b.Last }, patience, tick)
			f.flaky.set(nil)
			f.settled()
			f.postSome(random, 50)
			f.settled()
			stop()
			r := newReader(t).read(f.events)
			f.requireSame(r)
			require.Empty(t, r.passes)
		})
	}
}

func TestThePublishedPartOfABatchIsNotPublishedAgain(t *testing.T) {
	projector.ChunkEvents(t, 10)
	f := newFed(t)
	f.postSome(rand.New(rand.NewPCG(2, 9)), 400)
	whole, failed := false, false // whether a chunk was published, and the one after it failed
	f.flaky.set(func(events []eventlog.Event) (int, error) {
		if whole && !failed {
			failed = true
			f.flaky.setAway(func(context.Context) error { // once, so that the views store the position of the feed meanwhile
				f.flaky.setAway(nil)
				return eventlog.ErrUnavailable
			})
			return 0, eventlog.ErrUnavailable
		}
		whole = len(events) == 10
		return len(events), nil
	})
	f.publish()
	require.True(t, failed)
	r := newReader(t).read(f.events)
	f.requireSame(r)
	require.Empty(t, r.passes)
}

func TestTheViewsContinueWhileTheFeedDoesNotAnswer(t *testing.T) {
	f := newFed(t)
	random := rand.New(rand.NewPCG(2, 8))
	f.publishing(f.publisher())
	f.postSome(random, 20)
	f.settled()
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	f.flaky.set(func([]eventlog.Event) (int, error) { return 0, eventlog.ErrUnavailable })
	f.flaky.setAway(func(ctx context.Context) error {
		select {
		case asked <- struct{}{}:
		default:
		}
		select {
		case <-answer:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	f.postSome(random, 20)
	<-asked
	f.postSome(random, 200)
	b, err := f.log.Bounds(t.Context())
	require.NoError(t, err)
	f.wait(b.Last)
	f.flaky.set(nil)
	close(answer)
	f.settled()
	f.requireSame(newReader(t).read(f.events))
}

func TestAFeedThatCannotBeginIsReported(t *testing.T) {
	f := newFed(t)
	f.postSome(rand.New(rand.NewPCG(2, 7)), 20)
	f.flaky.setAway(func(context.Context) error { return eventlog.ErrForeignFeed })
	f.publishing(f.publisher())
	require.Eventually(t, func() bool {
		s := f.feed()
		return s.On && strings.Contains(s.Reason, eventlog.ErrForeignFeed.Error())
	}, patience, tick)
	f.flaky.setAway(nil)
	f.settled()
	f.requireSame(newReader(t).read(f.events))
}

func TestEventsPublishedBeforeTheirCommitAreNotPublishedAgain(t *testing.T) {
	f := newFed(t)
	random := rand.New(rand.NewPCG(9, 9))
	f.postSome(random, 100)
	f.publish()
	f.postSome(random, 100)
	uncommitted := &failing{Views: f.views, fails: 3}
	pr := projector.New(projector.Options{Log: f.log, Views: uncommitted, BatchSize: 30, Publisher: f.publisher()})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { require.NoError(t, pr.Run(ctx)) })
	f.settled()
	cancel()
	running.Wait()
	require.Zero(t, uncommitted.fails)
	r := newReader(t).read(f.events)
	f.requireSame(r)
	require.Empty(t, r.passes)
}

// baton is a duty that passes from one publisher to another.
type baton struct{ holder atomic.Int32 }

// hand is a publisher that can have the baton.
type hand struct {
	*baton
	number int32
}

func (h hand) Held() bool { return h.holder.Load() == h.number }

// besides returns another machine on the same log.
func (f *fed) besides() *fed {
	f.t.Helper()
	other := &fed{world: &world{t: f.t, log: f.log, dir: f.t.TempDir()}, events: f.log.Feed(eventlog.FeedOptions{})}
	other.flaky = &flaky{Feed: other.events}
	other.openViews()
	f.t.Cleanup(func() { require.NoError(f.t, other.views.Close()) })
	return other
}

func TestOnlyTheHolderOfTheDutyPublishesAndEachEventComesOnce(t *testing.T) {
	f := newFed(t)
	machines := []*fed{f, f.besides()}
	var b baton
	for i, m := range machines {
		m.publishing(m.publisherFor(hand{&b, int32(i)}))
	}
	require.Eventually(t, func() bool { return f.feed().On && machines[1].feed().Elsewhere }, patience, tick, "one waits")
	random := rand.New(rand.NewPCG(7, 7))
	for turn := range 8 {
		f.postSome(random, 100)
		b.holder.Store(int32(turn+1) % 2)
		f.postSome(random, 100)
		holder, other := machines[(turn+1)%2], machines[turn%2]
		at := holder.settled()
		require.Eventually(t, func() bool { s := other.feed(); return s.Elsewhere && s.Sequence == at.Sequence }, patience, tick,
			"the other one notes how far the feed is")
		require.Empty(t, other.feed().Reason)
	}
	r := newReader(t).read(f.events) // which requires that no event is repeated
	f.requireSame(r)
	machines[1].requireSame(r)
	require.Empty(t, r.passes, "a change of the holder publishes nothing again")
}

func TestAnUnfinishedRevisionIsPublishedAgainByTheNextHolderOfTheDuty(t *testing.T) {
	t.Run("it can be read", func(t *testing.T) { succeedAnUnfinishedRevision(t, false) })
	t.Run("it cannot be read", func(t *testing.T) { succeedAnUnfinishedRevision(t, true) })
}

func succeedAnUnfinishedRevision(t *testing.T, unreadable bool) {
	projector.PublishAtOnce(t, 10)
	f := newFed(t)
	f.postSome(rand.New(rand.NewPCG(3, 9)), 300)
	f.project()
	other := f.besides()
	other.flaky.unreadable = unreadable
	var b baton
	corrected := 0
	f.flaky.set(func(events []eventlog.Event) (int, error) { // it stops in the middle
		if corrected++; corrected > 3 {
			return 0, eventlog.ErrUnavailable
		}
		return len(events), nil
	})
	stop := f.publishing(f.publisherFor(hand{&b, 0}))
	other.publishing(other.publisherFor(hand{&b, 1}))
	require.Eventually(t, func() bool { s := other.feed(); return s.Elsewhere && s.Sequence >= 3 }, patience, tick)
	b.holder.Store(1)
	stop()
	other.settled()
	r := newReader(t).read(f.events)
	other.requireSame(r)
	var states []string
	for _, p := range r.passes {
		states = append(states, p.State)
	}
	require.Equal(t, []string{"started", "started", "finished"}, states)
	require.Greater(t, r.passes[1].Revision, r.passes[0].Revision)
}

func TestAFencedPublisherContinuesAtTheEndOfTheFeed(t *testing.T) {
	f := newFed(t)
	random := rand.New(rand.NewPCG(17, 7))
	fenced := true
	f.flaky.set(func([]eventlog.Event) (int, error) {
		if fenced { // as if another process had published meanwhile, and ended
			fenced = false
			return 0, eventlog.ErrFenced
		}
		return 0, errors.New("not yet")
	})
	f.publishing(f.publisher())
	f.postSome(random, 100)
	require.Eventually(t, func() bool { return f.feed().Reason != "" }, patience, tick)
	f.flaky.set(nil)
	f.settled()
	f.requireSame(newReader(t).read(f.events))
}

func TestAFeedCreatedAgainAfterAFenceBeginsWithARevision(t *testing.T) {
	f := newFed(t)
	random := rand.New(rand.NewPCG(17, 8))
	f.publishing(f.publisher())
	f.postSome(random, 100)
	f.settled()
	f.flaky.set(func([]eventlog.Event) (int, error) { return 0, eventlog.ErrFenced })
	f.postSome(random, 100)
	require.Eventually(t, func() bool { return f.feed().Reason != "" }, patience, tick)
	f.flaky.set(nil)
	f.flaky.mu.Lock()
	f.events = openLog(t, t.TempDir()).Feed(eventlog.FeedOptions{}) // as if it had been deleted
	f.flaky.Feed = f.events
	f.flaky.mu.Unlock()
	f.settled()
	r := newReader(t).read(f.events)
	f.requireSame(r)
	require.Equal(t, "started", r.passes[0].State)
}

func TestALostFeedOrLostViewsBeginARevision(t *testing.T) {
	tests := []struct {
		name string
		harm func(t *testing.T, f *fed, r *reader)
	}{
		{"the feed was deleted", func(t *testing.T, f *fed, r *reader) {
			f.deleteFeed()
			r.last = 0
		}},
		{"the views were deleted", func(t *testing.T, f *fed, r *reader) {
			require.NoError(t, f.views.Close())
			f.dir = t.TempDir()
			f.openViews()
			f.project()
		}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFed(t)
			random := rand.New(rand.NewPCG(uint64(i), 3))
			f.postSome(random, 100)
			before := f.publish()
			r := newReader(t).read(f.events)
			f.postSome(random, 100)
			test.harm(t, f, r)
			after := f.publish()
			require.Greater(t, after.Revision, before.Revision)
			f.requireSame(r.read(f.events))
			require.Equal(t, []string{"started", "finished"}, []string{r.passes[0].State, r.passes[1].State})
		})
	}
}

func TestADigestIsThatOfTheOrderAsShown(t *testing.T) {
	f := newFed(t)
	f.postSome(rand.New(rand.NewPCG(1, 1)), 30)
	f.publish()
	for e, err := range f.events.Read(t.Context(), 0) {
		require.NoError(t, err)
		var body struct{ Order json.RawMessage }
		require.NoError(t, json.Unmarshal(e.Body, &body))
		digest, err := base64.RawURLEncoding.DecodeString(header(&e, "Orderfold-Digest"))
		require.NoError(t, err)
		sum := sha256.Sum256(body.Order)
		require.Equal(t, sum[:16], digest)
	}
}
