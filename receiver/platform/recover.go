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
	// keptFor is one day longer than the platform keeps undelivered notifications.
	keptFor = 31 * 24 * time.Hour
	// maxRecovered is the number of recovered notifications that are remembered. It is larger than
	// the number of entries in a list of maxPages pages.
	maxRecovered = 1 << 18
	// maxArrived is the number of webhooks that are remembered.
	maxArrived = 1 << 17
	// UnknownObject is the object of undelivered notifications whose event type is unknown.
	UnknownObject = "undelivered"
)

// RecovererOptions configure a Recoverer. Client, Log and Key are required. For every other field, the
// zero value means the default that its comment gives.
type RecovererOptions struct {
	Client *Client
	Log    Log
	// Key returns the id of the object in body, or "" if there is none, like receiver.Key.
	Key   func(object string, body []byte) string
	Every time.Duration // between two polls; 15m

	Logger  *zap.Logger           // nil: nothing is logged
	Metrics prometheus.Registerer // nil: metrics are not registered
}

// Recovered is the result of the polls. The counters Holes, Unreadable and Skipped begin at the start of
// the process.
type Recovered struct {
	Holes        uint64 // appended notifications
	Unreadable   uint64 // those of an unknown form, stored as received
	Skipped      uint64 // failed appends
	LastPolledAt time.Time
	LastError    string // why the last poll failed; "": it reached the end
}

// Recoverer appends undelivered notifications, each once. Before a poll it reads from the log which
// ones were already recovered, so a restart or a crash makes no difference. Create one with
// NewRecoverer. If several processes use one log, Options.Duty lets one of them poll at a time.
type Recoverer struct {
	options RecovererOptions
	log     *zap.Logger
	holes   *prometheus.CounterVec
	skipped prometheus.Counter

	entries  entries
	begun    bool
	read     uint64             // the log was read up to this record
	appended recent             // recovered notifications, by identity
	unsure   map[[16]byte]error // appends that failed in this poll; the next poll finds out whether they are in the log
	arrived  recent             // webhooks, by identity: the platform may list one that arrived, if the receiver's answer was lost

	mu   sync.Mutex
	told Recovered
}

// NewRecoverer returns a recoverer; Run starts it. It fails if an option is missing or invalid, or a
// metric is already registered.
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

// Run polls until ctx ends, and then returns nil. Failed polls are repeated, and Status reports them.
func (r *Recoverer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		held, release, ok := r.options.Client.held(ctx)
		if !ok {
			_ = sleep(ctx, dutyPause) // if ctx ends, so does the loop
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
		_ = sleep(ctx, wait) // if ctx ends, so does the loop
	}
	return nil
}

// tell records the result of a poll. It reports whether the poll failed and the one before did not.
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

// catchUp reads the records that any process appended since the last poll, including those whose append
// failed with an unknown outcome.
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
			// The record may contain a whole entry, because earlier versions did not take the
			// notification out of it.
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

// take appends the notification of one entry, unless the log has it. An entry that cannot be appended is
// skipped. take returns an error, which ends the poll, only if the log is unavailable.
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
		r.log.Warn("an undelivered notification has an unknown form; it is stored as received", zap.Uint64("sequence", sequence))
		return
	}
	r.log.Info("an undelivered notification was appended", zap.String("object", object), zap.Uint64("sequence", sequence))
}

// recent remembers a bounded number of the latest hashes. Adding a hash again makes it the latest.
type recent struct {
	most  int
	known map[[16]byte]int // how often order contains each hash
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
