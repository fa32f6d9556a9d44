package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

const feedName = embedded.Feed

const revisionSubject = "orders.revision"

var feedSubjects = []string{"orders.*.*", revisionSubject}

var (
	// ErrFenced occurs in Publish if the feed does not end at the given sequence, because another
	// process has published to it.
	ErrFenced = errors.New("eventlog: another process publishes to the feed")
	// ErrForeignFeed occurs if the feed belongs to another log, or has unusable settings. Nothing was
	// changed.
	ErrForeignFeed = errors.New("eventlog: the feed is not that of this log")
)

// FeedOptions configure the feed of order events. A zero field means the default given with it.
type FeedOptions struct {
	MaxAge   time.Duration // after which an event is dropped; 0: 7 days
	MaxBytes int64         // 0: an eighth of the free disk space for a new embedded feed, no limit for a new external one
	Replicas int           // can only be increased; 0: 1 for a new feed
	// Keep leaves an existing feed unchanged, and creates none: methods return ErrNoStream for a
	// missing feed.
	Keep bool
}

// defaultFeedAge is the default of FeedOptions.MaxAge. A subscriber that is looked after is not
// disconnected for that long.
const defaultFeedAge = 7 * 24 * time.Hour

// Feed is a second stream, which contains order events. The server drops old events. The methods may
// be called from any goroutine, but only one should publish at a time.
type Feed struct {
	log     *Log
	options FeedOptions

	mu     sync.Mutex
	opened bool // the stream existed with the right settings, and no request has failed since
	crowd  int  // number of events from which they are published as a batch
}

// Feed returns the feed of the log. No request is sent before a method is called.
func (l *Log) Feed(o FeedOptions) *Feed {
	if o.MaxAge == 0 {
		o.MaxAge = defaultFeedAge
	}
	return &Feed{log: l, options: o}
}

// FeedBounds are the sequences of the first and the last event. An empty feed has Last < First.
type FeedBounds struct{ First, Last uint64 }

// Bounds returns the ends of the feed, and creates the feed if there is none. Errors:
// ErrUnavailable, ErrForeignFeed, and ErrNoStream with FeedOptions.Keep.
func (f *Feed) Bounds(ctx context.Context) (FeedBounds, error) {
	ctx, cancel := context.WithTimeout(ctx, feedPatience)
	defer cancel()
	if err := f.open(ctx); err != nil {
		return FeedBounds{}, err
	}
	stream, err := f.log.js.Stream(ctx, feedName)
	if err != nil {
		return FeedBounds{}, f.failed(ctx, "request the state of the feed", err)
	}
	state := stream.CachedInfo().State
	bounds := FeedBounds{state.FirstSeq, state.LastSeq}
	if state.Msgs == 0 {
		bounds.First = bounds.Last + 1
	}
	return bounds, nil
}

// open makes sure that the stream exists and has the right settings. It does this at the first call,
// and at the first one after a failure.
func (f *Feed) open(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened {
		return nil
	}
	if err := f.log.notOpen(); err != nil {
		return err
	}
	stream, err := f.log.js.Stream(ctx, feedName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound) && f.options.Keep:
		return fmt.Errorf("%w: no stream %s: the feed of order events is off: orderfold serve --feed creates it", ErrNoStream, feedName)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		err = f.create(ctx)
	case err == nil:
		err = f.repair(ctx, stream.CachedInfo().Config)
	default:
		err = unavailable(ctx, "look for stream "+feedName, err)
	}
	f.opened, f.crowd = err == nil, feedCrowdOnDisk
	if err == nil && !f.options.Keep && f.log.embedded != nil && f.log.embedded.StageFeedInMemory(maxBatchBytes) {
		f.crowd = feedCrowdInMemory
	}
	return err
}

// crowded reports whether that many events are published as a batch.
func (f *Feed) crowded(events int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return events >= f.crowd
}

// failed wraps an error of the server in ErrUnavailable, and makes the next call of open check the
// stream again.
func (f *Feed) failed(ctx context.Context, what string, err error) error {
	f.mu.Lock()
	f.opened = false
	f.mu.Unlock()
	return unavailable(ctx, what, err)
}

// create creates the stream, or repairs it if another process creates it at the same time.
func (f *Feed) create(ctx context.Context) error {
	config := f.configured(jetstream.StreamConfig{MaxBytes: -1, Replicas: 1, Metadata: map[string]string{identityKey: f.log.identity}})
	if f.options.MaxBytes == 0 && f.log.embedded != nil {
		free, err := embedded.FreeDisk(f.log.embedded.Dir())
		if err != nil {
			return fmt.Errorf("eventlog: create the feed: %w", err)
		}
		config.MaxBytes = int64(free / 8) // leaves most of the disk to the log
	}
	_, err := f.log.js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process created it first, with other settings
		stream, err := f.log.js.Stream(ctx, feedName)
		if err != nil {
			return unavailable(ctx, "look for stream "+feedName, err)
		}
		return f.repair(ctx, stream.CachedInfo().Config)
	}
	if err != nil {
		return unavailable(ctx, "create stream "+feedName, err)
	}
	f.log.logger.Info("feed created", zap.String("stream", feedName), zap.Duration("max_age", config.MaxAge), zap.Int64("max_bytes", config.MaxBytes))
	return nil
}

// configured returns c with the settings that the feed needs.
func (f *Feed) configured(c jetstream.StreamConfig) jetstream.StreamConfig {
	c.Name, c.Subjects = feedName, feedSubjects
	c.Storage, c.Retention, c.Discard = jetstream.FileStorage, jetstream.LimitsPolicy, jetstream.DiscardOld
	c.AllowAtomicPublish, c.AllowDirect, c.DenyDelete = true, true, true
	c.MaxAge = f.options.MaxAge
	if f.options.MaxBytes > 0 {
		c.MaxBytes = f.options.MaxBytes
	}
	c.Replicas = max(c.Replicas, f.options.Replicas)
	return c
}

// repair corrects the settings of an existing stream, unless it belongs to another log or
// FeedOptions.Keep is set.
func (f *Feed) repair(ctx context.Context, have jetstream.StreamConfig) error {
	subjects := slices.Sorted(slices.Values(have.Subjects))
	switch log := have.Metadata[identityKey]; {
	case log != f.log.identity:
		return fmt.Errorf("%w: stream %s has events of log %q, this is log %q: delete that stream, and the feed is created again", ErrForeignFeed,
			feedName, log, f.log.identity)
	case !slices.Equal(subjects, feedSubjects) || have.Storage != jetstream.FileStorage || have.Retention != jetstream.LimitsPolicy ||
		have.MaxMsgsPerSubject > 0 || have.Mirror != nil || len(have.Sources) > 0 || have.SubjectTransform != nil:
		return fmt.Errorf("%w: stream %s has other subjects (%s), storage or retention: delete that stream, and the feed is created again",
			ErrForeignFeed, feedName, strings.Join(have.Subjects, ", "))
	case f.options.Keep:
		return nil
	}
	want := f.configured(have)
	if want.Discard == have.Discard && want.AllowAtomicPublish == have.AllowAtomicPublish && want.AllowDirect == have.AllowDirect &&
		want.DenyDelete == have.DenyDelete && want.MaxAge == have.MaxAge && want.MaxBytes == have.MaxBytes && want.Replicas == have.Replicas {
		return nil
	}
	if _, err := f.log.js.UpdateStream(ctx, want); err != nil {
		return unavailable(ctx, "change the settings of stream "+feedName, err)
	}
	f.log.logger.Info("settings of the feed changed", zap.Duration("max_age", want.MaxAge), zap.Int64("max_bytes", want.MaxBytes))
	return nil
}
