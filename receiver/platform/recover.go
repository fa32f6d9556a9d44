package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog"
)

const (
	// keptFor is how long the platform keeps undelivered notifications, and a day more.
	keptFor = 31 * 24 * time.Hour
	// maxRecovered is the number of recovered notifications that are remembered: more than a list
	// of maxPages pages has.
	maxRecovered = 1 << 18
	// maxArrived is the number of webhooks that are remembered.
	maxArrived = 1 << 17
	// UnknownObject is the object of undelivered notifications whose event type cannot be found.
	UnknownObject = "undelivered"
)

// RecovererOptions configure a Recoverer. Client, Log and Key are required; for every other field
// zero means the default given with it.
type RecovererOptions struct {
	Client *Client
	Log    Log
	// Key returns the id of the object in body, as the receiver finds it; "" if there is none.
	Key   func(object string, body []byte) string
	Every time.Duration // between two polls; 15m

	Logger  *zap.Logger           // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Recovered is the result of the polls. Counters begin at the start of the process.
type Recovered struct {
	Holes        uint64 // appended notifications
	Unreadable   uint64 // those of an unknown form, stored as they came
	Skipped      uint64 // failed appends; the other entries continued
	LastPolledAt time.Time
	LastError    string // why the last poll failed; "": it reached the end
}

// Recoverer appends undelivered notifications, each once. Before a poll it reads from the log what
// was already recovered, so a restart or a crash makes no difference. Create one with NewRecoverer;
// of several on one log, the duty of the client lets one poll at a time.
type Recoverer struct {
	options RecovererOptions
	log     *zap.Logger
	holes   *prometheus.CounterVec
	skipped prometheus.Counter

	entries  entries
	begun    bool
	read     uint64             // the log was read up to this record
	appended recent             // recovered notifications, by identity
	unsure   map[[16]byte]error // failed in this poll: the next one sees whether they are in the log
	arrived  recent             // webhooks: the platform may list one that arrived, if our answer was lost

	mu   sync.Mutex
	told Recovered
}

// NewRecoverer returns a recoverer; Run starts it.
func NewRecoverer(o RecovererOptions) (*Recoverer, error) {
	if o.Client == nil || o.Log == nil || o.Key == nil || o.Every < 0 {
		return nil, errors.New("platform: RecovererOptions.Client, Log and Key are required")
	}
	o.Every, o.Logger = cmp.Or(o.Every, 15*time.Minute), cmp.Or(o.Logger, zap.NewNop())
	r := &Recoverer{options: o, log: o.Logger, entries: entries{o.Key},
		appended: recent{most: maxRecovered}, arrived: recent{most: maxArrived}, holes: prometheus.NewCounterVec(
			prometheus.CounterOpts{
				Name: "orderfold_platform_recovered_total",
				Help: "Undelivered notifications that were appended, by whether their form was known.",
			}, []string{"form"}), skipped: newSkipped("notifications")}
	r.holes.WithLabelValues("known")
	r.holes.WithLabelValues("unknown")
	return r, register(o.Metrics, r.holes, r.skipped)
}

// Status returns the result of the polls.
func (r *Recoverer) Status() Recovered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told
}

// Run polls until ctx ends, and then returns nil. Status reports failures, which are tried again.
func (r *Recoverer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		held, release, ok := r.options.Client.held(ctx)
		if !ok {
			_ = sleep(ctx, dutyPause) // ended by ctx, which ends the loop
			continue
		}
		err := r.poll(held)
		lost := held.Err() != nil
		if release(); lost {
			continue
		}
		wait := r.options.Every
		if r.tell(err) {
			r.log.Warn("undelivered notifications cannot be fetched; trying again", zap.Error(err))
		}
		var fault *Error
		if errors.As(err, &fault) {
			wait = max(wait, min(fault.After, maxRest))
		}
		_ = sleep(ctx, wait) // ended by ctx, which also ends the loop
	}
	return nil
}

// tell records the result of a poll, and reports whether it is the first of several that failed.
func (r *Recoverer) tell(err error) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.told.LastError, r.told.LastPolledAt = "", time.Now().UTC()
		return false
	}
	first = r.told.LastError == ""
	r.told.LastError = bounded(err)
	return first
}

// poll appends the listed notifications that are not in the log. The next poll repeats a failed
// append.
func (r *Recoverer) poll(ctx context.Context) error {
	if err := r.catchUp(ctx); err != nil {
		r.begun = r.begun && errors.Is(err, eventlog.ErrUnavailable) // otherwise it may be another log: read it from the start
		return err
	}
	r.unsure = map[[16]byte]error{}
	err := r.options.Client.Undelivered(ctx, func(entry []byte) error { return r.take(ctx, entry) })
	for _, failed := range r.unsure {
		return errors.Join(err, fmt.Errorf("platform: %d undelivered notifications were not appended: %w", len(r.unsure), failed))
	}
	return err
}

// catchUp reads the records since the last poll from any writer, including those of appends without
// an answer.
func (r *Recoverer) catchUp(ctx context.Context) (err error) {
	if !r.begun {
		if r.read, err = lastBefore(ctx, r.options.Log, time.Now().Add(-keptFor)); err != nil {
			return err
		}
		r.begun = true
	}
	bounds, err := r.options.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	for record, err := range r.options.Log.Read(ctx, eventlog.Position{Sequence: r.read}) {
		if err != nil {
			return err
		}
		r.read = record.Sequence
		switch record.Source {
		case eventlog.Recovered:
			r.appended.add(r.entries.identity(record.Object, record.Body))
			// An older version of this program stored the whole entry where now only the
			// notification is appended.
			if object, body := r.entries.read(record.Body); len(body) != len(record.Body) {
				r.appended.add(r.entries.identity(object, body))
			}
		case eventlog.Webhook:
			if bounds.Last < maxArrived || record.Sequence > bounds.Last-maxArrived {
				r.arrived.add(r.entries.identity(record.Object, record.Body))
			}
		}
	}
	return nil
}

// take appends one entry. An error ends the poll, because the log is unavailable. An entry that
// cannot be appended is skipped.
func (r *Recoverer) take(ctx context.Context, entry []byte) error {
	object, body := r.entries.read(entry)
	hash := r.entries.identity(object, body)
	if r.appended.has(hash) || r.arrived.has(hash) || r.unsure[hash] != nil {
		return nil
	}
	record := eventlog.Record{Source: eventlog.Recovered, Object: object, Key: r.options.Key(object, body),
		ContentType: "application/json", Body: body}
	sequence, err := r.options.Log.Append(ctx, record)
	switch {
	case err == nil:
		r.appended.add(hash)
		r.count(object, sequence)
		return nil
	case errors.Is(err, eventlog.ErrInvalid): // the log will never accept it
		r.log.Error("an undelivered notification cannot be stored", zap.String("object", object), zap.Int("bytes", len(body)), zap.Error(err))
		r.appended.add(hash)
		r.skip()
		return nil
	}
	if _, away := r.options.Log.Bounds(ctx); away != nil {
		return fmt.Errorf("platform: append an undelivered notification: %w", err)
	}
	r.unsure[hash] = err
	r.skip()
	return nil
}

func (r *Recoverer) skip() {
	r.skipped.Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told.Skipped++
}

func (r *Recoverer) count(object string, sequence uint64) {
	form := "known"
	r.mu.Lock()
	r.told.Holes++
	if object == UnknownObject {
		r.told.Unreadable++
		form = "unknown"
	}
	r.mu.Unlock()
	r.holes.WithLabelValues(form).Inc()
	if form == "unknown" {
		r.log.Warn("an undelivered notification has an unknown form; it is stored as it came", zap.Uint64("sequence", sequence))
		return
	}
	r.log.Info("an undelivered notification was appended", zap.String("object", object), zap.Uint64("sequence", sequence))
}

// recent remembers a bounded number of the latest hashes. Adding a hash again makes it the latest.
type recent struct {
	most  int
	known map[[16]byte]int // how often
	order [][16]byte       // a ring
	next  int
}

func (r *recent) add(hash [16]byte) {
	if r.known == nil {
		r.known = map[[16]byte]int{}
	}
	if len(r.order) < r.most {
		r.order = append(r.order, hash)
	} else {
		oldest := r.order[r.next]
		if r.known[oldest]--; r.known[oldest] == 0 {
			delete(r.known, oldest)
		}
		r.order[r.next] = hash
		r.next = (r.next + 1) % r.most
	}
	r.known[hash]++
}

func (r *recent) has(hash [16]byte) bool { return r.known[hash] > 0 }
