package eventlog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// feedPatience is how long the server may take for a request. It is short, because the views wait
	// for the publisher.
	feedPatience = 3 * time.Second
	// feedCrowdOnDisk and feedCrowdInMemory are the numbers of events from which a batch is faster
	// than single events, if the server stages a batch on disk or in memory. DESIGN.md contains the
	// measurements.
	feedCrowdOnDisk   = 16
	feedCrowdInMemory = 2
	// headerExpected is the header of the fence: the server refuses the message unless the feed ends
	// at that sequence.
	headerExpected = "Nats-Expected-Last-Sequence"
	// errCodeWrongLast is JSStreamWrongLastSequenceErrF of nats-server.
	errCodeWrongLast jetstream.ErrorCode = 10071
)

// Event is a message of the feed.
type Event struct {
	Sequence uint64    // in the feed; ignored by Publish
	Stored   time.Time // in UTC; ignored by Publish
	// Class is the asset class, and Order the id of the order. Publish uses them to form the subject,
	// and Class "" for an event about a revision. Events that were read do not contain them.
	Class, Order string
	Subject      string // ignored by Publish
	// Header must not be nil for Publish, which adds the headers of the fence and the batch to it, and
	// must not be changed afterwards.
	Header map[string][]string
	Body   []byte
}

// message returns the message to publish for an event.
func (e *Event) message() *nats.Msg {
	subject := revisionSubject
	if e.Class != "" {
		subject = fmt.Sprintf("orders.%s.%02d", e.Class, shard(Record{Key: e.Order}))
	}
	return &nats.Msg{Subject: subject, Header: e.Header, Data: e.Body}
}

// MaxBody returns the size in bytes of the largest body that the server accepts.
func (f *Feed) MaxBody() int { return int(f.log.conn.MaxPayload()) - batchRoom }

// Publish appends events to the feed, which must end at the sequence after. It returns the sequence
// of the last event that was published. A few events are published singly, many in atomic batches.
//
// Errors: ErrFenced and ErrUnavailable. After ErrUnavailable, more events than the result shows may
// be in the feed, or may appear there later; Bounds returns the end once the server answers again.
func (f *Feed) Publish(ctx context.Context, after uint64, events []Event) (last uint64, err error) {
	for len(events) > 0 {
		n, bytes := 0, 0
		for n < len(events) && n < maxBatch && (n == 0 || bytes+len(events[n].Body) <= maxBatchBytes) {
			bytes += len(events[n].Body)
			n++
		}
		if after, err = f.publish(ctx, after, events[:n]); err != nil {
			return after, err
		}
		events = events[n:]
	}
	return after, nil
}

// publish publishes events that fit in one batch.
func (f *Feed) publish(ctx context.Context, after uint64, events []Event) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, feedPatience)
	defer cancel()
	if err := f.open(ctx); err != nil {
		return after, err
	}
	inbox := f.log.conn.NewInbox()
	replies, err := f.log.conn.SubscribeSync(inbox)
	if err != nil {
		return after, f.failed(ctx, "publish to the feed", err)
	}
	defer func() { _ = replies.Unsubscribe() }() // fails only if the connection, and so the subscription, is gone
	if !f.crowded(len(events)) {
		return f.singly(ctx, after, events, replies)
	}
	return f.together(ctx, after, events, replies)
}

// singly publishes one event after the other. It waits for each answer: if the first event were
// refused because another process has published one, the fence of the second event would match.
func (f *Feed) singly(ctx context.Context, after uint64, events []Event, replies *nats.Subscription) (last uint64, err error) {
	for i := range events {
		m := events[i].message()
		m.Header[headerExpected] = []string{strconv.FormatUint(after, 10)}
		m.Reply = replies.Subject
		if err := f.log.conn.PublishMsg(m); err != nil {
			return after, f.failed(ctx, "publish to the feed", err)
		}
		if err := f.answer(ctx, replies, after+1, ""); err != nil {
			return after, err
		}
		after++
	}
	return after, nil
}

// together publishes events as one atomic batch.
func (f *Feed) together(ctx context.Context, after uint64, events []Event, replies *nats.Subscription) (last uint64, err error) {
	id := rand.Text()
	for i := range events {
		m := events[i].message()
		m.Header[headerBatchID] = []string{id}
		m.Header[headerBatchSequence] = []string{strconv.Itoa(i + 1)}
		if i == 0 {
			m.Header[headerExpected] = []string{strconv.FormatUint(after, 10)}
		}
		if i == len(events)-1 {
			m.Header[headerBatchCommit] = []string{"1"}
			m.Reply = replies.Subject
		}
		if err := f.log.conn.PublishMsg(m); err != nil {
			return after, f.failed(ctx, "publish to the feed", err)
		}
	}
	last = after + uint64(len(events))
	if err := f.answer(ctx, replies, last, id); err != nil {
		return after, err
	}
	return last, nil
}

// answer waits for the server's answer. It returns an error unless the last event got the sequence
// want.
func (f *Feed) answer(ctx context.Context, replies *nats.Subscription, want uint64, batch string) error {
	msg, err := replies.NextMsgWithContext(ctx)
	if err != nil {
		return f.failed(ctx, "publish to the feed", err)
	}
	got, err := readAnswer(msg)
	if refused := (*jetstream.APIError)(nil); errors.As(err, &refused) && refused.ErrorCode == errCodeWrongLast {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	if err == nil && (got.Sequence != want || got.Batch != batch) {
		err = fmt.Errorf("the server's answer is for event %d, not %d", got.Sequence, want)
	}
	if err != nil {
		return f.failed(ctx, "publish to the feed", err)
	}
	return nil
}
