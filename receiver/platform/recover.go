package platform

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog"
)

const (
	// keptFor is how long the platform keeps what it could not deliver, and a day more.
	keptFor = 31 * 24 * time.Hour
	// maxRecovered bounds the memory for what was appended before; what is beyond may be appended once more.
	maxRecovered = 1 << 20
	// maxArrived is of how many webhooks it is remembered that they arrived.
	maxArrived = 1 << 17
	// unknownObject is where entries stand whose event type cannot be found.
	unknownObject = "undelivered"
)

// RecovererOptions configure a Recoverer. Client, Log and Key are required; every other zero field means the default noted
// beside it.
type RecovererOptions struct {
	Client *Client
	Log    Log
	// Key returns the id of the object that a body is about, as the receiver finds it; "" when there is none.
	Key   func(object string, body []byte) string
	Every time.Duration // between two polls; 15m

	Logger  *zap.Logger           // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Recovered says what was found undelivered. Counts are since the start.
type Recovered struct {
	Holes        uint64 // notifications that the webhook left out and that were appended
	Unreadable   uint64 // of these, entries of a form that is not known, kept as they came
	LastPolledAt time.Time
	LastError    string // why the last poll did not get to its end; "": it did
}

// Recoverer appends what the platform could not deliver, each notification once: before a poll it reads what was appended as
// recovered, in the log itself, so that neither a restart nor a crash in between makes a difference. Make one with
// NewRecoverer; only one may run on a log.
type Recoverer struct {
	options RecovererOptions
	log     *zap.Logger
	holes   *prometheus.CounterVec

	begun    bool
	read     uint64 // the log was read up to this record
	appended map[[16]byte]time.Time
	arrived  recent // webhooks: the platform may list one although we have it, when our answer did not reach it

	mu   sync.Mutex
	told Recovered
}

// NewRecoverer returns a recoverer; Run starts it.
func NewRecoverer(o RecovererOptions) (*Recoverer, error) {
	if o.Client == nil || o.Log == nil || o.Key == nil || o.Every < 0 {
		return nil, errors.New("platform: a recoverer needs a client, a log and a key")
	}
	o.Every, o.Logger = cmp.Or(o.Every, 15*time.Minute), cmp.Or(o.Logger, zap.NewNop())
	r := &Recoverer{options: o, log: o.Logger, appended: map[[16]byte]time.Time{}, holes: prometheus.NewCounterVec(
		prometheus.CounterOpts{
			Name: "orderfold_platform_recovered_total",
			Help: "Notifications that the webhook left out and that were appended, by whether their form was known.",
		}, []string{"form"})}
	r.holes.WithLabelValues("known")
	r.holes.WithLabelValues("unknown")
	return r, register(o.Metrics, r.holes)
}

// Status says what was found.
func (r *Recoverer) Status() Recovered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told
}

// Run polls until ctx ends, and returns nil then. What goes wrong is told by Status and tried again.
func (r *Recoverer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := r.poll(ctx)
		if ctx.Err() != nil {
			break
		}
		wait := r.options.Every
		r.mu.Lock()
		before := r.told.LastError
		r.told.LastError = ""
		if err != nil {
			r.told.LastError = cut(err)
			if before == "" {
				r.log.Warn("undelivered notifications cannot be fetched; trying on", zap.Error(err))
			}
			var fault *Error
			if errors.As(err, &fault) {
				wait = max(wait, min(fault.After, maxRest))
			}
		} else {
			r.told.LastPolledAt = time.Now().UTC()
		}
		r.mu.Unlock()
		_ = sleep(ctx, wait) // ended by ctx, which ends the loop
	}
	return nil
}

// poll appends what is listed and was not appended before.
func (r *Recoverer) poll(ctx context.Context) error {
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	return r.options.Client.Undelivered(ctx, func(entry []byte) error { return r.take(ctx, entry) })
}

// catchUp reads what was appended since the last poll, by whomever: also what an append without an answer left.
func (r *Recoverer) catchUp(ctx context.Context) (err error) {
	oldest := time.Now().Add(-keptFor)
	if !r.begun {
		if r.read, err = lastBefore(ctx, r.options.Log, oldest); err != nil {
			return err
		}
		r.begun = true
	}
	for record, err := range r.options.Log.Read(ctx, eventlog.Position{Sequence: r.read}) {
		if err != nil {
			return err
		}
		r.read = record.Sequence
		switch record.Source {
		case eventlog.Recovered:
			r.remember(record.Object, record.Body, record.Received)
		case eventlog.Webhook:
			r.arrived.add(hashOf(record.Object, record.Body))
		}
	}
	for hash, at := range r.appended {
		if at.Before(oldest) {
			delete(r.appended, hash)
		}
	}
	return nil
}

func (r *Recoverer) remember(object string, body []byte, at time.Time) {
	if len(r.appended) < maxRecovered {
		r.appended[hashOf(object, body)] = at
	}
}

func hashOf(object string, body []byte) [16]byte {
	sum := sha256.New()
	sum.Write([]byte(object))
	sum.Write([]byte{0})
	sum.Write(body)
	return [16]byte(sum.Sum(nil))
}

// take appends one entry. Its error ends the poll; the next one begins from what the log then has.
func (r *Recoverer) take(ctx context.Context, entry []byte) error {
	object, body := readEntry(entry)
	hash := hashOf(object, body)
	if _, known := r.appended[hash]; known || r.arrived.has(hash) {
		return nil
	}
	record := eventlog.Record{Source: eventlog.Recovered, Object: object, Key: r.options.Key(object, body),
		ContentType: "application/json", Body: body}
	sequence, err := r.options.Log.Append(ctx, record)
	if errors.Is(err, eventlog.ErrInvalid) {
		// It can never be appended: the others need not wait for it.
		r.log.Error("an undelivered notification cannot be kept", zap.String("object", object), zap.Int("bytes", len(body)), zap.Error(err))
		r.remember(object, body, time.Now())
		return nil
	}
	if err != nil {
		return fmt.Errorf("platform: append an undelivered notification: %w", err)
	}
	r.remember(object, body, time.Now())
	r.count(object, sequence)
	return nil
}

func (r *Recoverer) count(object string, sequence uint64) {
	form := "known"
	r.mu.Lock()
	r.told.Holes++
	if object == unknownObject {
		r.told.Unreadable++
		form = "unknown"
	}
	r.mu.Unlock()
	r.holes.WithLabelValues(form).Inc()
	if form == "unknown" {
		r.log.Warn("an undelivered notification has a form that is not known; it is kept as it came", zap.Uint64("sequence", sequence))
		return
	}
	r.log.Info("the webhook left a hole", zap.String("object", object), zap.Uint64("sequence", sequence))
}

// recent remembers the last maxArrived hashes. The zero value remembers none yet.
type recent struct {
	known map[[16]byte]int // how often
	order [][16]byte       // a ring
	next  int
}

func (r *recent) add(hash [16]byte) {
	if r.known == nil {
		r.known = map[[16]byte]int{}
	}
	if len(r.order) < maxArrived {
		r.order = append(r.order, hash)
	} else {
		oldest := r.order[r.next]
		if r.known[oldest]--; r.known[oldest] == 0 {
			delete(r.known, oldest)
		}
		r.order[r.next] = hash
		r.next = (r.next + 1) % maxArrived
	}
	r.known[hash]++
}

func (r *recent) has(hash [16]byte) bool { return r.known[hash] > 0 }

// readEntry finds event type and body: {"eventType", "body"|"payload"|"notification"}, the body an object or a text that is
// one; or a notification that has its eventType among its own members. What is neither is kept whole.
func readEntry(entry []byte) (object string, body []byte) {
	var e struct {
		EventType    string         `json:"eventType"`
		Body         jsontext.Value `json:"body"`
		Payload      jsontext.Value `json:"payload"`
		Notification jsontext.Value `json:"notification"`
	}
	if json.Unmarshal(entry, &e, lax) != nil || e.EventType == "" {
		return unknownObject, entry
	}
	if object = objectOf(e.EventType); object == "" {
		return unknownObject, entry
	}
	for _, inner := range []jsontext.Value{e.Body, e.Payload, e.Notification} {
		switch inner.Kind() {
		case '{':
			return object, inner
		case '"':
			var text string
			if json.Unmarshal(inner, &text, lax) == nil && jsontext.Value(text).Kind() == '{' && jsontext.Value(text).IsValid(lax) {
				return object, []byte(text)
			}
			return unknownObject, entry
		}
	}
	return object, entry
}

// objectOf turns CUSTOMER_NOTIFICATION into customer; "" when the log would not take it.
func objectOf(eventType string) string {
	object := strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(eventType, "_", "-")), "-notification")
	for word := range strings.SplitSeq(object, "-") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return ""
		}
	}
	if len(object) > 64 {
		return ""
	}
	return object
}
