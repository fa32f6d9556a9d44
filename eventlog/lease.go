package eventlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Duty is work that only one of the processes that use a log does at a time.
type Duty string

// The duties.
const (
	PublishFeed Duty = "feed"     // publish order events
	AskPlatform Duty = "platform" // ask the platform for what it did not deliver
)

const (
	// dutyBucket is the key-value bucket that contains a note for each duty.
	dutyBucket = "orderfold-duties"
	// leaseTime is how long a note must stay unchanged before another process takes the duty.
	leaseTime = 6 * time.Second
	// leaseMargin is how much sooner than leaseTime the holder stops, because its clock may be slower.
	leaseMargin = time.Second
	// leaseInterval is how often the holder renews its note, and how often the others read it.
	leaseInterval = time.Second
	// leasePatience bounds one attempt to read or write a note. It leaves the holder time for a
	// second attempt before it must stop.
	leasePatience = 1500 * time.Millisecond
)

// ErrNotHeld is the cause of a context that Hold returned, after this process has lost the duty:
// another process may have it.
var ErrNotHeld = errors.New("eventlog: another process has the duty")

// leaseNote is the value stored for a duty.
type leaseNote struct {
	ID     string    `json:"id"` // of the lease that has the duty; "": the duty was given back
	Holder string    `json:"holder"`
	Since  time.Time `json:"since"`
}

// Lease is the right to do a duty, which at most one process has at a time; DESIGN.md explains why.
// Create a Lease with Log.Lease. Its methods may be called from any goroutine, but Run only once.
type Lease struct {
	log    *Log
	duty   Duty
	note   leaseNote
	bucket jetstream.KeyValue

	// The following fields are used only by Run.
	own    uint64    // the revision of this lease's note while it has the duty; otherwise 0
	seen   uint64    // the revision of another lease's note; 0: there is no note
	seenAt time.Time // when that revision was first read; zero: never
	said   string    // the last failure that was logged

	mu    sync.Mutex
	until time.Time                             // when this lease loses the duty; zero: it does not have the duty
	timer *time.Timer                           // ends the contexts in works at that time
	works map[*context.CancelCauseFunc]struct{} // of the contexts that Hold returned
}

// Lease returns a lease for a duty. The holder's name is shown to people.
func (l *Log) Lease(duty Duty, holder string) *Lease {
	return &Lease{log: l, duty: duty, note: leaseNote{ID: rand.Text(), Holder: holder},
		works: map[*context.CancelCauseFunc]struct{}{}}
}

// Duty returns the duty.
func (l *Lease) Duty() Duty { return l.duty }

// Held reports whether this process has the duty.
func (l *Lease) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return true
	}
	if l.lapse() {
		l.log.logger.Warn("this process lost a duty", zap.String("duty", string(l.duty)))
	}
	return false
}

// Hold returns a context that ends with the cause ErrNotHeld when this process loses the duty. If the
// process does not have the duty, the context has already ended. The caller must call release.
func (l *Lease) Hold(ctx context.Context) (held context.Context, release func()) {
	held, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !time.Now().Before(l.until) {
		cancel(ErrNotHeld)
		return held, func() {}
	}
	l.works[&cancel] = struct{}{}
	return held, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.works, &cancel)
		cancel(nil)
	}
}

// lapse ends the lease and the contexts that Hold returned, and reports whether the lease was held.
// The caller must hold mu.
func (l *Lease) lapse() bool {
	if l.until.IsZero() {
		return false
	}
	l.until = time.Time{}
	for cancel := range l.works {
		(*cancel)(ErrNotHeld)
	}
	clear(l.works)
	return true
}

// extend extends the lease after a successful write that was sent at the given time.
func (l *Lease) extend(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until.IsZero() {
		l.log.logger.Info("this process took a duty", zap.String("duty", string(l.duty)))
	}
	l.until = sent.Add(leaseTime - leaseMargin)
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(time.Until(l.until), func() { l.Held() })
}

// Run takes the duty when no process has it, and keeps it until ctx ends. Then it gives the duty
// back, and returns nil.
func (l *Lease) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l.report(ctx, l.turn(ctx))
		pause(ctx, leaseInterval)
	}
	return l.giveBack()
}

// report logs the error of an attempt, unless it is the same as that of the last attempt.
func (l *Lease) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil:
		l.said = ""
	default:
		// The bucket may have been deleted. In a new bucket, revisions begin again, and another process may
		// have the duty although there is no note.
		l.bucket, l.own, l.seenAt = nil, 0, time.Time{}
		if err.Error() != l.said {
			l.said = err.Error()
			l.log.logger.Warn("the holder of a duty is unknown", zap.String("duty", string(l.duty)), zap.Error(err))
		}
	}
}

// turn renews the note if this lease has the duty. Otherwise it takes the duty if that is free.
func (l *Lease) turn(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	if l.bucket == nil {
		if l.bucket, err = l.log.duties(ctx); err != nil {
			return err
		}
	}
	if l.own != 0 && l.Held() {
		return l.write(ctx, l.own)
	}
	note, revision, _, err := readNoteOf(ctx, l.bucket, l.duty)
	switch {
	case err != nil:
		return err
	case note.ID == l.note.ID: // the answer to the last write was lost, or this process was suspended and no other took the duty
		return l.write(ctx, revision)
	case l.seenAt.IsZero() || revision != l.seen:
		l.seen, l.seenAt = revision, time.Now()
	}
	if revision != 0 && note.ID == "" || time.Since(l.seenAt) >= leaseTime {
		l.note.Since = time.Now().UTC()
		return l.write(ctx, revision)
	}
	return nil
}

// write stores the note of this lease, unless the revision of the stored note has changed.
func (l *Lease) write(ctx context.Context, revision uint64) error {
	text, err := json.Marshal(l.note)
	if err != nil {
		return err
	}
	sent := time.Now()
	var written uint64
	if revision == 0 {
		written, err = l.bucket.Create(ctx, string(l.duty), text)
	} else {
		written, err = l.bucket.Update(ctx, string(l.duty), text, revision)
	}
	switch {
	case err == nil:
		l.own = written
		l.extend(sent)
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch): // another process has written first
		l.own, l.seenAt = 0, time.Time{}
		return nil
	}
	return unavailable(ctx, "renew the note of the duty "+string(l.duty), err)
}

// giveBack ends the lease, and writes a note that lets another process take the duty at once. A
// failure of that write is only logged.
func (l *Lease) giveBack() error {
	l.mu.Lock()
	l.lapse()
	l.mu.Unlock()
	if l.own == 0 || l.bucket == nil { // the bucket is nil if the last request failed; another process then waits for leaseTime
		return nil
	}
	text, err := json.Marshal(leaseNote{Holder: l.note.Holder, Since: time.Now().UTC()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), leasePatience)
	defer cancel()
	if _, err := l.bucket.Update(ctx, string(l.duty), text, l.own); err != nil { // another process then waits for leaseTime
		l.log.logger.Info("a duty could not be given back", zap.String("duty", string(l.duty)), zap.Error(err))
	}
	return nil
}

// duties returns the bucket of the notes. It creates a missing bucket, with as many replicas as the
// log has.
func (l *Log) duties(ctx context.Context) (jetstream.KeyValue, error) {
	info, err := l.streamInfo(ctx)
	if err != nil {
		return nil, err
	}
	bucket, err := l.js.KeyValue(ctx, dutyBucket)
	if err == nil {
		var status jetstream.KeyValueStatus
		if status, err = bucket.Status(ctx); err == nil && status.Config().Replicas >= info.Config.Replicas {
			return bucket, nil
		}
	}
	if err == nil || errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = l.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: dutyBucket,
			Replicas: info.Config.Replicas, Description: "which process publishes the feed, and which asks the platform"})
	}
	if err != nil {
		return nil, unavailable(ctx, "look for the notes of the duties", err)
	}
	return bucket, nil
}

// readNoteOf returns the note of a duty, its revision and when it was written. The revision is 0 if
// there is no note. An unreadable note counts as that of an unknown holder.
func readNoteOf(ctx context.Context, bucket jetstream.KeyValue, duty Duty) (note leaseNote, revision uint64, written time.Time, err error) {
	entry, err := bucket.Get(ctx, string(duty))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return note, 0, written, nil
	}
	if err != nil {
		return note, 0, written, unavailable(ctx, "read the note of the duty "+string(duty), err)
	}
	if json.Unmarshal(entry.Value(), &note) != nil {
		note = leaseNote{ID: "?", Holder: "unknown"}
	}
	return note, entry.Revision(), entry.Created(), nil
}

// Holding is the state of a duty.
type Holding struct {
	Duty   Duty
	Holder string    // "": no process has the duty
	Since  time.Time // when the holder took the duty, or the last holder gave it back; by the clock of that holder
	// Renewed is when the holder last renewed its lease, by the clock of the server. A holder that has
	// not done so for some seconds is gone.
	Renewed time.Time
}

// Holders returns the state of each duty that was ever taken. With an embedded server it returns
// none, because only one process uses the log. Errors: ErrUnavailable.
func (l *Log) Holders(ctx context.Context) (all []Holding, err error) {
	if err := l.notOpen(); err != nil || l.embedded != nil || !l.mayNote {
		return nil, err
	}
	bucket, err := l.js.KeyValue(ctx, dutyBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(ctx, "look for the notes of the duties", err)
	}
	for _, duty := range []Duty{PublishFeed, AskPlatform} {
		note, revision, written, err := readNoteOf(ctx, bucket, duty)
		if err != nil {
			return nil, err
		}
		if revision == 0 {
			continue
		}
		h := Holding{Duty: duty, Since: note.Since, Renewed: written}
		if note.ID != "" {
			h.Holder = note.Holder
		}
		all = append(all, h)
	}
	return all, nil
}
