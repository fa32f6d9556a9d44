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
	// readPatience is how long Read keeps trying without receiving a record.
	readPatience = 10 * time.Second
	// directPatience is how long a replica may take to return one record.
	directPatience = time.Second
	// The time that an interrupted reader waits for a new consumer before it repeats the request
	// doubles from shortestPatience up to longestPatience.
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
	// Any replica may have answered the direct get, even one that is behind or hangs. Only the leader
	// knows whether the record exists.
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

// Read yields every record after the position, up to the last record that the log contains when the
// iteration begins. If it cannot yield all of them, it yields an error with a zero Record and ends.
//
// Errors: ErrLost, ErrCompacted, ErrFuture, ErrDiverged and *GapError, if the position does not fit
// the log or records are missing; ErrNoStream; ErrUnavailable, if the iteration cannot begin, or
// receives no record for ten seconds; and the cause of ctx.
func (l *Log) Read(ctx context.Context, after Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		l.iterate(ctx, after, false, yield)
	}
}

// Follow yields every record after the position, and then each new one, until ctx ends. The errors
// are those of Read, with one difference: once the iteration has begun, Follow waits while the log
// is unavailable, and logs a warning.
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

// reader is the state of one iteration of Read or Follow.
type reader struct {
	log    *Log
	follow bool
	yield  func(Record, error) bool
	after  Position // the current position; its hash is not valid while last is set
	last   Record   // the last record yielded, until its hash is needed; otherwise zero
	next   uint64   // the sequence to yield next
	skip   Ranges   // the missing sequences to skip
	until  uint64   // the last sequence to yield
	fresh  bool     // after was just compared with the log
	quit   bool     // the caller stopped the iteration
	// patience is how long the server may take to create the next consumer.
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

// all yields all records of the iteration. It reads most of a large log from a backup, unless the
// caller stops after a few records or the position is far from the beginning: a backup always begins
// at the first record.
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

// run creates one consumer after the other until all records up to r.until have been yielded. A
// consumer ends early if the server or the connection is lost. The position is then compared with
// the log before the next consumer is created.
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
			r.log.logger.Warn("a reader of the log was interrupted, and continues when the log is available",
				zap.Uint64("after", r.after.Sequence), zap.Error(err))
		}
		if waiting || r.after.Sequence == before {
			pause(ctx, retryPause)
		}
	}
}

// pause waits for the given time, or until ctx ends.
func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// consume yields the records of one consumer. It returns nil after the record r.until, and if the
// caller stops the iteration.
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

// pass sets the sequences to skip, and skips those that begin at the next one.
func (r *reader) pass(skip Ranges) {
	r.skip = skip
	if end := skip.end(r.next); end != 0 {
		r.next = end + 1
	}
}

// deliver yields the record of one message. If an earlier record is missing, deliver first finds out
// why.
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

// idle checks at a heartbeat that there is nothing to read. The consumer of a log that lost its end
// delivers nothing, just like that of a log without new records, and so does a consumer at a hole
// after which no record follows. *stuck is the next sequence at the last heartbeat at which the log
// contained more records.
func (r *reader) idle(ctx context.Context, stuck *uint64) error {
	bounds, err := r.log.check(ctx, r.position())
	if err != nil {
		return err
	}
	if r.pass(bounds.skip); bounds.Last < r.next {
		return nil
	}
	if *stuck != r.next {
		*stuck = r.next // the record may have been appended just now
		return nil
	}
	return r.missing(ctx, bounds.Last+1)
}

// missing handles a gap: the next record did not arrive, and got is the first sequence after the gap.
// It returns an error, unless readers of this log skip missing records.
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

// missing finds out why the records from want to before got did not arrive: there is a hole in the
// log, or the consumer failed to deliver them. It never returns nil.
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

// gap returns the error for a hole in the log, and records the hole for all readers.
func (l *Log) gap(ctx context.Context, want, got uint64) error {
	l.foundUnreadable(ctx, want, got)
	err := error(&GapError{Want: want, Got: got})
	if bounds, boundsErr := l.Bounds(ctx); boundsErr == nil && bounds.Lost != nil {
		return &Fault{Err: fmt.Errorf("%w; %w: %w", err, ErrLost, bounds.Lost.Err), Hint: bounds.Lost.Hint}
	}
	return misfit(err)
}

// check compares a position with the log, and returns ErrLost if records of the log are missing.
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
	if f := FaultOf(err); f != nil { // the position does not fit either, but the hint for the loss takes precedence
		lost = fmt.Errorf("%w; %w", f.Err, lost)
	}
	return bounds, &Fault{Err: lost, Hint: bounds.Lost.Hint}
}

func (l *Log) compare(ctx context.Context, p Position, bounds Bounds) error {
	from := p.Sequence + 1 // the first record that must exist
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
		return nil // the loss of the record was accepted, so there is no hash to compare
	}
	if errors.Is(err, ErrNotFound) {
		return l.gap(ctx, p.Sequence, p.Sequence+1)
	}
	if err != nil {
		return err
	}
	if hash := rec.hash(); hash != p.Hash {
		return misfit(fmt.Errorf("%w: the hash of record %d should be %.12s…, but is %.12s…", ErrDiverged, p.Sequence, p.Hash, hash))
	}
	return nil
}
