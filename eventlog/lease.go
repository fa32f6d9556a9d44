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

// Duty is work that one process at a time does, of all that use the log.
type Duty string

// The duties.
const (
	PublishFeed Duty = "feed"     // publish order events
	AskPlatform Duty = "platform" // ask the platform for what it did not deliver
)

const (
	// dutyBucket is the key-value bucket with a note for each duty.
	dutyBucket = "orderfold-duties"
	// leaseTime is for how long nobody takes a duty whose note stays as it is.
	leaseTime = 6 * time.Second
	// leaseMargin is how much sooner the holder stops, in case that its clock runs slower.
	leaseMargin = time.Second
	// leaseInterval is how often the holder renews its note, and the others look at it.
	leaseInterval = time.Second
	// leasePatience is how long a look at a note may take: the holder has time for another one before it must stop.
	leasePatience = 1500 * time.Millisecond
)

// ErrNotHeld is why the context of Hold ended: another process may do the duty.
var ErrNotHeld = errors.New("eventlog: another process has the duty")

// leaseNote is what is kept of a duty.
type leaseNote struct {
	ID     string    `json:"id"` // of the lease that has the duty; "": none, it was given back
	Holder string    `json:"holder"`
	Since  time.Time `json:"since"`
}

// Lease is the right to do a duty, which one process at a time has. DESIGN.md says why two never have it. Make one with Log.Lease; its
// methods may be called from any goroutine, and Run once.
type Lease struct {
	log    *Log
	duty   Duty
	note   leaseNote
	bucket jetstream.KeyValue

	// Of Run.
	own    uint64    // revision of the note while it is ours; 0: it is not
	seen   uint64    // revision of the note of another; 0: there is none
	seenAt time.Time // since when it is known not to have changed; zero: it was not looked at
	said   string    // the last failure that was logged

	mu    sync.Mutex
	until time.Time // before that the duty is ours
	timer *time.Timer
	works map[*context.CancelCauseFunc]struct{}
}

// Lease returns the lease of a duty. The holder's name is for people.
func (l *Log) Lease(duty Duty, holder string) *Lease {
	return &Lease{log: l, duty: duty, note: leaseNote{ID: rand.Text(), Holder: holder}, works: map[*context.CancelCauseFunc]struct{}{}}
}

// Duty returns what the lease is for.
func (l *Lease) Duty() Duty { return l.duty }

// Held reports whether this process has the duty, by a clock that nobody sets.
func (l *Lease) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return true
	}
	if l.lapse() {
		l.log.logger.Warn("this process has a duty no more", zap.String("duty", string(l.duty)))
	}
	return false
}

// Hold returns a context that ends, by ErrNotHeld, when this process has the duty no more. The caller calls release.
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

// lapse ends what is done under the lease, and reports whether it was held. mu is held.
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

// extend notes that the duty is ours for a while after a request was sent.
func (l *Lease) extend(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until.IsZero() {
		l.log.logger.Info("this process has a duty now", zap.String("duty", string(l.duty)))
	}
	l.until = sent.Add(leaseTime - leaseMargin)
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(time.Until(l.until), func() { l.Held() })
}

// Run takes the duty when nobody has it, and keeps it, until ctx ends. Then it gives the duty back. It returns nil.
func (l *Lease) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l.report(ctx, l.turn(ctx))
		pause(ctx, leaseInterval)
	}
	return l.giveBack()
}

// report logs a failure, once while it stays the same.
func (l *Lease) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil:
		l.said = ""
	default:
		l.bucket = nil // it may have been deleted
		if err.Error() != l.said {
			l.said = err.Error()
			l.log.logger.Warn("who has a duty is not known", zap.String("duty", string(l.duty)), zap.Error(err))
		}
	}
}

// turn renews the note if it is ours, and else looks whether it may become ours.
func (l *Lease) turn(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	if l.bucket == nil {
		if l.bucket, err = l.log.duties(ctx); err != nil {
			return err
		}
	}
	if l.own != 0 {
		return l.write(ctx, l.own)
	}
	note, revision, _, err := readNoteOf(ctx, l.bucket, l.duty)
	switch {
	case err != nil:
		return err
	case note.ID == l.note.ID: // the answer to what we wrote was lost
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

// write makes the note ours, or renews it, if its revision is still the one given.
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
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch): // somebody was faster
		l.own, l.seenAt = 0, time.Time{}
		return nil
	}
	return unavailable(ctx, "renew the note of the duty "+string(l.duty), err)
}

// giveBack lets another process have the duty at once.
func (l *Lease) giveBack() error {
	l.mu.Lock()
	l.lapse()
	l.mu.Unlock()
	if l.own == 0 || l.bucket == nil { // without a bucket the last request failed, and the note lapses by itself
		return nil
	}
	text, err := json.Marshal(leaseNote{Holder: l.note.Holder, Since: time.Now().UTC()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), leasePatience)
	defer cancel()
	if _, err := l.bucket.Update(ctx, string(l.duty), text, l.own); err != nil { // it ends by itself
		l.log.logger.Info("a duty could not be given back", zap.String("duty", string(l.duty)), zap.Error(err))
	}
	return nil
}

// duties returns the bucket of the notes, and makes it where there is none, with as many replicas as the log has.
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
		bucket, err = l.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: dutyBucket, Replicas: info.Config.Replicas,
			Description: "who publishes the feed and asks the platform"})
	}
	if err != nil {
		return nil, unavailable(ctx, "look for the notes of the duties", err)
	}
	return bucket, nil
}

// readNoteOf returns the note of a duty, and revision 0 where there is none. A note that cannot be read is somebody's: it ends as any other
// does when nobody renews it.
func readNoteOf(ctx context.Context, bucket jetstream.KeyValue, duty Duty) (note leaseNote, revision uint64, written time.Time, err error) {
	entry, err := bucket.Get(ctx, string(duty))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return note, 0, written, nil
	}
	if err != nil {
		return note, 0, written, unavailable(ctx, "read the note of the duty "+string(duty), err)
	}
	if json.Unmarshal(entry.Value(), &note) != nil {
		note = leaseNote{ID: "?", Holder: "somebody"}
	}
	return note, entry.Revision(), entry.Created(), nil
}

// Holding says who has a duty.
type Holding struct {
	Duty   Duty
	Holder string    // "": nobody
	Since  time.Time // when the holder took the duty, or the last one gave it back; by the holder's clock
	// Renewed is when that was last written, by the server's clock. A holder that was not heard of for some seconds is gone.
	Renewed time.Time
}

// Holders returns who has each duty that anybody ever had. With an embedded server there are none: no other process could have it.
// Errors: ErrUnavailable.
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
