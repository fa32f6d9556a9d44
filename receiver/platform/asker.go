package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/orderfold/orderfold/eventlog"
)

// Order is what an Asker needs to know about an order.
type Order struct {
	ID           string
	Object       string // in the log: "traditional-asset-order"
	Status       string // "": none
	StatusSince  time.Time
	Final        bool     // no further notification is expected
	Breaks       []string // codes of the open breaks
	Fetched      bool     // one of its facts is an answer of the platform
	LastSequence uint64   // of the last record of the order, including answers
	LastReceived time.Time
	LastNews     time.Time // when the last notification with new content was received
}

// Quiet selects orders for Orders.Quiet.
type Quiet struct {
	Status *string // nil: any; "": orders without a status
	Final  *bool   // nil: either
	After  uint64  // only orders whose last record has a later sequence
	Limit  int
}

// ErrNoOrder means that there is no order with the given id.
var ErrNoOrder = errors.New("platform: there is no such order")

// Orders returns the known orders.
type Orders interface {
	// Quiet returns the orders that match q, at most q.Limit, ascending by LastSequence.
	Quiet(ctx context.Context, q Quiet) ([]Order, error)
	// Order returns one order. An error that wraps ErrNoOrder means that the order does not
	// exist.
	Order(ctx context.Context, id string) (Order, error)
}

// Log stores the answers. *eventlog.Log implements it.
type Log interface {
	Append(ctx context.Context, record eventlog.Record) (uint64, error)
	Get(ctx context.Context, sequence uint64) (eventlog.Record, error)
	Bounds(ctx context.Context) (eventlog.Bounds, error)
	Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
}

// AskerOptions configure an Asker. Client, Log and Orders are required. For every other field, the
// zero value means the default that its comment gives.
type AskerOptions struct {
	Client *Client
	Log    Log
	Orders Orders

	// QuietAfter is how long an order in each status may be quiet before the platform is asked about
	// it; the key "" is for orders without a status. If the status of an order is not in the map, the
	// order is never asked about because it is quiet. nil: DefaultQuietAfter.
	QuietAfter map[string]time.Duration
	// Settle is how long an order must be quiet after a notification; 10s.
	Settle time.Duration
	// Spacing is the least time between two attempts for one order, doubled after each failure, up
	// to an hour; 1m.
	Spacing time.Duration
	// Attempts is the number of failed attempts after which an order is given up, because the
	// platform does not have it or cannot answer about it; 5.
	Attempts int
	// File is where the orders given up are stored, so that they are not asked about again after a
	// restart. "": they are not stored.
	File string

	Logger  *zap.Logger           // nil: nothing is logged
	Metrics prometheus.Registerer // nil: metrics are not registered
}

// DefaultQuietAfter returns the default of AskerOptions.QuietAfter. An order in a final status is
// asked about once, in case a later notification was lost. Any other order is asked about repeatedly,
// with growing pauses.
func DefaultQuietAfter() map[string]time.Duration {
	const hour = time.Hour
	return map[string]time.Duration{"": hour / 4, "RECEIVED": hour / 4, "PENDING": hour, "PLACED": 24 * hour,
		"PARTIALLY_FILLED": 24 * hour, "CORRECTED": 4 * hour, "FILLED": 24 * hour,
		"CANCELED": hour, "EXPIRED": hour, "REJECTED": hour, "SETTLED": hour}
}

// Asker asks the platform about orders and appends the answers. Create one with NewAsker. If several
// processes use one log, Options.Duty lets one of them ask at a time.
type Asker struct {
	options  AskerOptions
	log      *zap.Logger
	pause    time.Duration // between two rounds without work
	searches []*search
	book     *book
	outage   outage
	metrics  *askerMetrics
	warned   bool // it was logged that the orders cannot be read
}

// NewAsker returns an asker; Run starts it. It fails if an option is missing or invalid, File cannot
// be read, or a metric is already registered.
func NewAsker(o AskerOptions) (*Asker, error) {
	if o.Client == nil || o.Log == nil || o.Orders == nil {
		return nil, errors.New("platform: AskerOptions.Client, Log and Orders are required")
	}
	if min(o.Settle, o.Spacing) < 0 || o.Attempts < 0 {
		return nil, errors.New("platform: a time or a limit of the asker is negative")
	}
	if o.QuietAfter == nil {
		o.QuietAfter = DefaultQuietAfter()
	}
	o.Settle, o.Spacing = cmp.Or(o.Settle, 10*time.Second), cmp.Or(o.Spacing, time.Minute)
	o.Attempts, o.Logger = cmp.Or(o.Attempts, 5), cmp.Or(o.Logger, zap.NewNop())
	a := &Asker{options: o, log: o.Logger, pause: min(time.Second, o.Settle/2)}
	a.searches = append(a.searches, &search{final: true, back: lookBack})
	for _, status := range slices.Sorted(maps.Keys(o.QuietAfter)) {
		age := o.QuietAfter[status]
		if age <= 0 {
			continue
		}
		a.pause = min(a.pause, age/4)
		for _, final := range []bool{false, true} {
			a.searches = append(a.searches, &search{status: &status, final: final, age: age, back: age + lookBack})
		}
	}
	a.pause = max(a.pause, 10*time.Millisecond)
	var err error
	if a.book, err = openBook(o.File); err != nil {
		return nil, err
	}
	a.metrics, err = newAskerMetrics(o.Metrics, a.book)
	return a, err
}

// Run asks until ctx ends. Failed requests are repeated, and Status reports them. Run returns nil, or an
// error if File cannot be written at the end.
func (a *Asker) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		held, release, ok := a.options.Client.held(ctx)
		if !ok {
			_ = sleep(ctx, dutyPause) // if ctx ends, so does the loop
			continue
		}
		more, asked := a.round(held)
		release()
		switch {
		case more:
			_ = sleep(ctx, pageEvery)
		case !asked:
			_ = sleep(ctx, a.pause)
		}
	}
	return a.book.save(true)
}

// round finds orders to ask about, and asks about those that are due. It reports whether there are
// more orders to examine, and whether any was due.
func (a *Asker) round(ctx context.Context) (more, asked bool) {
	more, err := a.look(ctx)
	a.tell(ctx, err)
	entries := a.due(time.Now())
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(a.options.Client.options.Concurrency)
	for _, e := range entries {
		group.Go(func() error { a.ask(within, e); return nil })
	}
	_ = group.Wait() // no function returns an error
	if err := a.book.save(false); err != nil {
		a.log.Warn("the orders given up cannot be written to the file", zap.Error(err))
	}
	return more, len(entries) > 0
}

// pageEvery is the pause between two rounds while there are more orders to examine, for example after a
// start. It limits the load of the scan.
const pageEvery = 10 * time.Millisecond

// tell logs that the orders cannot be read, once until they can be read again.
func (a *Asker) tell(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		a.warned = false
		return
	}
	a.book.failed(err)
	if !a.warned {
		a.log.Warn("the orders to ask the platform about cannot be read; trying again", zap.Error(err))
	}
	a.warned = true
}

// due returns a few of the entries to ask about now, and only one during an outage.
func (a *Asker) due(now time.Time) []*entry {
	most := 4 * a.options.Client.options.Concurrency
	switch a.outage.state(now) {
	case resting:
		return nil
	case probing:
		most = 1
	}
	return a.book.due(now, most)
}

// ask asks about one order, unless the order is no longer due.
func (a *Asker) ask(ctx context.Context, e *entry) {
	if a.outage.state(time.Now()) == resting {
		return // an outage began in this round
	}
	o, err := a.options.Orders.Order(ctx, e.id)
	if err == nil {
		var due bool
		if due, err = a.stillDue(ctx, e, &o); err == nil && !due {
			return
		}
	}
	if err == nil {
		err = a.fetch(ctx, e, &o)
	}
	if ctx.Err() == nil && err != nil {
		a.failed(e, &o, err)
	}
}

func (a *Asker) stillDue(ctx context.Context, e *entry, o *Order) (bool, error) {
	now := time.Now()
	reason, err := a.reason(ctx, o, e.reason)
	switch {
	case err != nil && !errors.Is(err, eventlog.ErrNotFound):
		return false, err
	case reason == "", reason == WasQuiet && o.LastSequence != e.sequence:
		a.book.drop(e)
		return false, nil
	case touched(o, now, a.options.Settle):
		a.book.postpone(e, o.LastReceived.Add(a.options.Settle))
		return false, nil
	}
	return true, nil
}

func (a *Asker) fetch(ctx context.Context, e *entry, o *Order) error {
	body, err := a.options.Client.Order(ctx, o.Object, o.ID)
	a.outage.note(err, time.Now(), a.revive)
	if err != nil {
		return err
	}
	sequence, err := a.options.Log.Append(ctx, eventlog.Record{Source: eventlog.Fetched, Object: o.Object, Key: o.ID,
		ContentType: "application/json", Body: body})
	if err != nil {
		return fmt.Errorf("platform: append the answer: %w", err)
	}
	a.metrics.asked.WithLabelValues(string(e.reason)).Inc()
	a.book.answered(e, sequence)
	a.log.Debug("an answer of the platform was appended", zap.String("order", o.ID), zap.String("reason", string(e.reason)), zap.Uint64("sequence", sequence))
	return nil
}

// failed handles a failure to get and append an answer about an order.
func (a *Asker) failed(e *entry, o *Order, err error) {
	var fault *Error
	purged := false
	switch {
	case errors.Is(err, ErrNoOrder):
		a.book.drop(e) // the views were rebuilt without it
		return
	case errors.Is(err, eventlog.ErrInvalid): // the log will never accept the answer
	case !errors.As(err, &fault), fault.concernsAll() && !a.book.others(e, fault):
		a.book.again(e, err, a.options.Spacing)
		return
	default:
		purged = o.Status == "INVALID" && (fault.Status == 404 || fault.Status == 400) && time.Since(o.StatusSince) > purgedAfter
	}
	if a.book.refused(e, o, err, a.options, purged) {
		a.metrics.givenUp.Inc()
		a.log.Info("an order was given up", zap.String("order", o.ID), zap.Bool("purged", purged), zap.Error(err))
	}
}

// purgedAfter is the time after which the platform forgets an INVALID order.
const purgedAfter = 48 * time.Hour

// revive schedules the orders that failed during an outage as if they had failed once.
func (a *Asker) revive() { a.book.revive(a.options.Spacing) }

// outage detects that the platform answers no requests. During an outage, one order at a time is tried
// and the others wait.
type outage struct {
	mu       sync.Mutex
	failures int
	until    time.Time
}

type outageState int

const (
	working outageState = iota
	resting             // no requests
	probing             // one request at a time
)

const (
	outageAfter    = 3 // failures in a row
	maxOutagePause = time.Minute
)

func (o *outage) state(now time.Time) outageState {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.failures < outageAfter && !o.until.After(now):
		return working
	case o.until.After(now):
		return resting
	}
	return probing
}

// note records the result of a request. It calls over when the platform answers again.
func (o *outage) note(err error, now time.Time, over func()) {
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return // the caller stopped
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil || !e.concernsAll() {
		if o.failures >= outageAfter {
			over()
		}
		o.failures, o.until = 0, time.Time{}
		return
	}
	pause := e.After
	if !o.until.After(now) { // otherwise the request was sent before the pause began
		o.failures++
	}
	if o.failures >= outageAfter || e.Kind == Ours {
		pause = max(pause, min(time.Second<<min(max(0, o.failures-outageAfter), 10), maxOutagePause))
		o.failures = max(o.failures, outageAfter)
	}
	if until := now.Add(min(pause, maxRest)); until.After(o.until) {
		o.until = until
	}
}

// maxRest bounds the pause that Retry-After can set.
const maxRest = 15 * time.Minute
