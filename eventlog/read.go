package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// readPatience is how long Read tries without getting a record.
	readPatience = 10 * time.Second
	// directPatience is how long a replica may take for one record.
	directPatience = time.Second
	// An interrupted reader waits this long for a consumer before it asks again, doubled each time.
	shortestPatience = time.Second
	longestPatience  = 5 * time.Second
	// retryPause is the pause after a failed attempt to continue.
	retryPause = 200 * time.Millisecond
)

// Get returns one record. Errors: ErrNotFound, ErrUnavailable.
func (l *Log) Get(ctx context.Context, sequence uint64) (Record, error) {
	if sequence == 0 {
		return Record{}, fmt.Errorf("%w: %d", ErrNotFound, sequence)
	}
	if err := l.notOpen(); err != nil {
		return Record{}, err
	}
	msg, err := l.getDirect(ctx, sequence)
	if err == nil {
		return record(l.identity, msg.Sequence, msg.Time, msg.Subject, attributesOf(msg.Header), msg.Data), nil
	}
	if !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return Record{}, unavailable(ctx, fmt.Sprintf("get record %d", sequence), err)
	}
	// Any replica answers a direct get. It may be behind or hang, so the leader decides.
	return l.getFromLeader(ctx, sequence)
}

func (l *Log) getDirect(ctx context.Context, sequence uint64) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, directPatience)
	defer cancel()
	return l.stream.GetMsg(ctx, sequence)
}

func (l *Log) getFromLeader(ctx context.Context, sequence uint64) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	what := fmt.Sprintf("get record %d", sequence)
	answer, err := l.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+streamName, fmt.Appendf(nil, `{"seq":%d}`, sequence))
	if err != nil {
		return Record{}, unavailable(ctx, what, err)
	}
	var got struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject string    `json:"subject"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &got); err != nil {
		return Record{}, unavailable(ctx, what, err)
	}
	if got.Error != nil {
		if got.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return Record{}, fmt.Errorf("%w: %d", ErrNotFound, sequence)
		}
		return Record{}, unavailable(ctx, what, got.Error)
	}
	var header nats.Header
	if len(got.Message.Header) > 0 {
		if header, err = nats.DecodeHeadersMsg(got.Message.Header); err != nil {
			return Record{}, unavailable(ctx, what, err)
		}
	}
	return record(l.identity, sequence, got.Message.Time, got.Message.Subject, attributesOf(header), got.Message.Data), nil
}

// Read yields every record after the position, up to the end of the log as it stands when the iteration begins. It ends
// without an error only after the last of them: otherwise the last thing it yields is an error, with an empty record.
//
// Errors: ErrLost, ErrCompacted, ErrFuture, ErrDiverged and *GapError, when the position or the log is not what it was;
// ErrNoStream; ErrUnavailable, when it cannot begin or cannot go on for ten seconds; the context's cause.
func (l *Log) Read(ctx context.Context, after Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		l.iterate(ctx, after, false, yield)
	}
}

// Follow yields every record after the position and then each one that is appended, until ctx ends, which it reports like
// an error. Errors: as Read, except that once it has begun it waits for a log that is unavailable, and logs that it does.
func (l *Log) Follow(ctx context.Context, after Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		l.recent.forget()
		l.iterate(ctx, after, true, func(r Record, err error) bool {
			if err == nil {
				l.recent.keep(&r)
			}
			return yield(r, err)
		})
	}
}

// reader is one iteration.
type reader struct {
	log    *Log
	follow bool
	yield  func(Record, error) bool
	after  Position // the current position: verified, or as given
	last   Record   // the record of after, if its hash has not been needed yet; otherwise zero
	next   uint64   // the sequence to yield next
	skip   Ranges   // missing records that are skipped
	until  uint64   // the last sequence to yield
	fresh  bool     // after was compared with the log just now
	quit   bool     // the caller stopped
	// patience is how long the server may take to make the next consumer.
	patience time.Duration
}

func (l *Log) iterate(ctx context.Context, after Position, follow bool, yield func(Record, error) bool) {
	r := &reader{log: l, follow: follow, yield: yield, after: after, next: after.Sequence + 1, until: math.MaxUint64, patience: longestPatience}
	bounds, err := l.check(ctx, after)
	if err == nil {
		r.after.Log, r.fresh = bounds.Log, true
		r.pass(bounds.skip)
		if !follow {
			r.until = bounds.Last
		}
		err = r.all(ctx, bounds)
	}
	if err == nil || r.quit {
		return
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("eventlog: read: %w", context.Cause(ctx))
	}
	yield(Record{}, err)
}

// all yields all records. Most of a large log comes from a backup, which begins at the first
// record, if the caller reads more than the beginning and little of it is skipped.
func (r *reader) all(ctx context.Context, bounds Bounds) error {
	until, passed := r.until, r.next-1
	left := bounds.Last - min(bounds.Last, passed)
	if left >= backupRecords && passed <= left/4 && r.log.mayBackUp() {
		r.until = passed + backupAfter
		if err := r.run(ctx); err != nil || r.quit {
			return err
		}
		r.until = bounds.Last
		if r.restore(ctx); r.quit {
			return nil
		}
		r.until = until
	}
	return r.run(ctx)
}

// run uses consumer after consumer until everything was yielded. A consumer ends early when the
// server or the connection is lost; the position is then verified before the next one begins.
func (r *reader) run(ctx context.Context) error {
	progress := time.Now()
	for waiting := false; ; waiting = true {
		before := r.after.Sequence
		err := r.consume(ctx)
		if err == nil || !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if r.after.Sequence != before {
			progress, waiting = time.Now(), false
		}
		if !r.follow && time.Since(progress) > readPatience {
			return err
		}
		if !waiting {
			r.log.logger.Warn("a reader of the log was interrupted and goes on when it can",
				zap.Uint64("after", r.after.Sequence), zap.Error(err))
		}
		if waiting || r.after.Sequence == before {
			pause(ctx, retryPause)
		}
	}
}

func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// consume yields the records of one consumer. It returns nil at the end and when the caller stops.
func (r *reader) consume(ctx context.Context) error {
	if !r.fresh {
		bounds, err := r.log.check(ctx, r.position())
		if err != nil {
			return err
		}
		r.pass(bounds.skip)
	}
	r.fresh = false
	if r.next > r.until {
		return nil
	}
	pull, err := r.log.pull(ctx, r.patience, streamName, r.next)
	if err != nil {
		r.patience = min(2*r.patience, longestPatience)
		return err
	}
	r.patience = shortestPatience // for the consumer after this one
	defer pull.close()
	var stuck uint64
	for r.next <= r.until {
		msg, err := pull.next(ctx)
		if err != nil {
			return err
		}
		if msg == nil { // a heartbeat: the server has nothing to deliver
			if err := r.idle(ctx, &stuck); err != nil {
				return err
			}
			continue
		}
		if err := r.deliver(ctx, msg); err != nil || r.quit {
			return err
		}
	}
	return nil
}

// pass makes the reader skip missing records that begin at its position.
func (r *reader) pass(skip Ranges) {
	r.skip = skip
	if end := skip.end(r.next); end != 0 {
		r.next = end + 1
	}
}

// deliver yields one message, if it is the next one.
func (r *reader) deliver(ctx context.Context, msg *nats.Msg) error {
	sequence, received, err := delivery(msg.Reply)
	if err != nil {
		return fmt.Errorf("eventlog: read: %w", err)
	}
	if sequence != r.next {
		err := r.missing(ctx, sequence)
		if err != nil || sequence != r.next {
			return err
		}
	}
	r.take(record(r.after.Log, sequence, received, msg.Subject, attributesOf(msg.Header), msg.Data))
	return nil
}

// take yields the next record.
func (r *reader) take(rec Record) {
	r.after.Sequence, r.last, r.next = rec.Sequence, rec, rec.Sequence+1
	r.pass(r.skip)
	if !r.yield(rec, nil) {
		r.quit = true
	}
}

// idle checks whether there is really nothing to read: a log that lost its tail is as quiet as one
// without new records, and nothing is delivered at a hole at the end. stuck is the position at the
// last heartbeat with undelivered records.
func (r *reader) idle(ctx context.Context, stuck *uint64) error {
	bounds, err := r.log.check(ctx, r.position())
	if err != nil {
		return err
	}
	if r.pass(bounds.skip); bounds.Last < r.next {
		return nil
	}
	if *stuck != r.next {
		*stuck = r.next // it may have been appended just now
		return nil
	}
	return r.missing(ctx, bounds.Last+1)
}

// missing handles a gap: the next record did not come, and got did instead. It returns an error,
// unless the reader reads what is left of a log.
func (r *reader) missing(ctx context.Context, got uint64) error {
	want := r.next
	err := r.log.missing(ctx, want, got)
	if gap := (*GapError)(nil); !r.log.readLost || !errors.As(err, &gap) {
		return err
	}
	bounds, boundsErr := r.log.Bounds(ctx)
	if boundsErr != nil {
		return boundsErr
	}
	if r.pass(bounds.skip); r.next == want {
		return err
	}
	return nil
}

// position returns the reader's position, with the hash of the last record yielded.
func (r *reader) position() Position {
	if r.last.Sequence != 0 {
		r.after, r.last = r.last.Position(), Record{}
	}
	return r.after
}

// missing finds out why a record did not come: because of a hole in the log, or a consumer that
// lost it.
func (l *Log) missing(ctx context.Context, want, got uint64) error {
	switch _, err := l.Get(ctx, want); {
	case err == nil:
		return fmt.Errorf("%w: record %d is in the log but was not delivered", ErrUnavailable, want)
	case errors.Is(err, ErrNotFound):
		return l.gap(ctx, want, got)
	default:
		return err
	}
}

// gap returns the error of a reader that met a hole, and records the hole for all readers.
func (l *Log) gap(ctx context.Context, want, got uint64) error {
	l.foundUnreadable(ctx, want, got)
	err := error(&GapError{Want: want, Got: got})
	if bounds, boundsErr := l.Bounds(ctx); boundsErr == nil && bounds.Lost != nil {
		return &Fault{Err: fmt.Errorf("%w; %w: %w", err, ErrLost, bounds.Lost.Err), Hint: bounds.Lost.Hint}
	}
	return misfit(err)
}

// check compares a position with the log, and refuses a log that lost records.
func (l *Log) check(ctx context.Context, p Position) (Bounds, error) {
	bounds, err := l.Bounds(ctx)
	if err != nil {
		return Bounds{}, err
	}
	err = l.compare(ctx, p, bounds)
	if bounds.Lost == nil || l.readLost || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrLost) {
		return bounds, err
	}
	lost := fmt.Errorf("%w: %w", ErrLost, bounds.Lost.Err)
	if f := FaultOf(err); f != nil { // the position does not fit either, and what to do about the loss comes first
		lost = fmt.Errorf("%w; %w", f.Err, lost)
	}
	return bounds, &Fault{Err: lost, Hint: bounds.Lost.Hint}
}

func (l *Log) compare(ctx context.Context, p Position, bounds Bounds) error {
	from := p.Sequence + 1 // the first record that is needed
	if p.Sequence > 0 && p.Hash != "" {
		from = p.Sequence
	}
	switch {
	case p.Log != "" && p.Log != bounds.Log:
		return misfit(fmt.Errorf("%w: it belongs to the log %s, this one is %s", ErrDiverged, p.Log, bounds.Log))
	case p.Sequence > bounds.Last:
		return misfit(fmt.Errorf("%w: it is after record %d, the last one is %d", ErrFuture, p.Sequence, bounds.Last))
	case from < bounds.First && bounds.skip.end(from)+1 < bounds.First:
		return misfit(fmt.Errorf("%w: it is after record %d, the first one is %d", ErrCompacted, p.Sequence, bounds.First))
	case p.Sequence == 0 || p.Hash == "":
		return nil
	}
	rec, err := l.Get(ctx, p.Sequence)
	if errors.Is(err, ErrNotFound) && bounds.skip.Contains(p.Sequence) {
		return nil // its loss was accepted: nothing is left to compare with
	}
	if errors.Is(err, ErrNotFound) {
		return l.gap(ctx, p.Sequence, p.Sequence+1)
	}
	if err != nil {
		return err
	}
	if hash := rec.hash(); hash != p.Hash {
		return misfit(fmt.Errorf("%w: record %d should hash to %.12s…, and hashes to %.12s…", ErrDiverged, p.Sequence, p.Hash, hash))
	}
	return nil
}
