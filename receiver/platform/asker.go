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

// Order is what an Asker has to know of an order.
type Order struct {
	ID           string
	Object       string // in the log: "traditional-asset-order"
	Status       string // "": none is known
	StatusSince  time.Time
	Final        bool     // nothing more is expected
	Breaks       []string // codes of the open ones
	Fetched      bool     // an answer of the platform is among its facts
	LastSequence uint64   // of its last notification, answers included
	LastReceived time.Time
	LastNews     time.Time // when the last notification was received that told something new
}

// Quiet selects orders.
type Quiet struct {
	Status *string // nil: any; "": those without one
	Final  *bool   // nil: either
	After  uint64  // the last notification stands after this sequence
	Limit  int
}

// ErrNoOrder occurs when there is no order with the id that was asked about. Nobody was asked.
var ErrNoOrder = errors.New("platform: there is no such order")

// Orders returns the orders that there are.
type Orders interface {
	// Quiet returns orders that q selects, at most q.Limit, ascending by LastSequence.
	Quiet(ctx context.Context, q Quiet) ([]Order, error)
	// Order returns one order. An error that wraps ErrNoOrder means that there is none, or none any more.
	Order(ctx context.Context, id string) (Order, error)
}

// Log is where the answers go. *eventlog.Log is one.
type Log interface {
	Append(ctx context.Context, record eventlog.Record) (uint64, error)
	Get(ctx context.Context, sequence uint64) (eventlog.Record, error)
	Bounds(ctx context.Context) (eventlog.Bounds, error)
	Read(ctx context.Context, after eventlog.Position) iter.Seq2[eventlog.Record, error]
}

// AskerOptions configure an Asker. Client, Log and Orders are required; every other zero field means the default noted
// beside it.
type AskerOptions struct {
	Client *Client
	Log    Log
	Orders Orders

	// QuietAfter says for how long nothing may be heard of an order in that status before it is asked for; "" is the status
	// of orders without one. A status that is not in it is never quiet for too long. nil: DefaultQuietAfter.
	QuietAfter map[string]time.Duration
	// Settle is how long an order is left alone after a notification; 10s.
	Settle time.Duration
	// Spacing is the least time between two attempts for one order, doubled with each that failed, up to an hour; 1m.
	Spacing time.Duration
	// Attempts after which an order that the platform does not have, or does not answer sensibly for, is given up; 5.
	Attempts int
	// File keeps what was given up, so that a restart does not ask again. "": nothing is kept.
	File string

	Logger  *zap.Logger           // nil: none
	Metrics prometheus.Registerer // nil: none
}

// DefaultQuietAfter returns the ages by status. In a status that ends in itself an order is asked for once, to be sure that the
// last notification was the last; in any other, again and again, ever more rarely.
func DefaultQuietAfter() map[string]time.Duration {
	const hour = time.Hour
	return map[string]time.Duration{"": hour / 4, "RECEIVED": hour / 4, "PENDING": hour, "PLACED": 24 * hour,
		"PARTIALLY_FILLED": 24 * hour, "CORRECTED": 4 * hour, "FILLED": 24 * hour,
		"CANCELED": hour, "EXPIRED": hour, "REJECTED": hour, "SETTLED": hour}
}

// Asker asks the platform for orders and appends the answers. Make one with NewAsker; only one may run on a log.
type Asker struct {
	options  AskerOptions
	log      *zap.Logger
	pause    time.Duration // between two rounds with nothing to do
	searches []*search
	book     *book
	outage   outage
	metrics  *askerMetrics
	warned   bool // that the orders cannot be read
}

// NewAsker returns an asker; Run starts it.
func NewAsker(o AskerOptions) (*Asker, error) {
	if o.Client == nil || o.Log == nil || o.Orders == nil {
		return nil, errors.New("platform: an asker needs a client, a log and orders")
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

// Run asks until ctx ends, and returns nil then. What goes wrong is told by Status and tried again.
func (a *Asker) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		more, err := a.look(ctx)
		a.tell(ctx, err)
		entries := a.due(time.Now())
		group, within := errgroup.WithContext(ctx)
		group.SetLimit(a.options.Client.options.Concurrency)
		for _, e := range entries {
			group.Go(func() error { a.ask(within, e); return nil })
		}
		_ = group.Wait() // none returns an error
		if err := a.book.save(false); err != nil {
			a.log.Warn("what was given up cannot be written down", zap.Error(err))
		}
		switch { // a sleep that ctx ends, ends the loop
		case more:
			_ = sleep(ctx, pageEvery)
		case len(entries) == 0:
			_ = sleep(ctx, a.pause)
		}
	}
	return a.book.save(true)
}

// pageEvery leaves room for others while there is much to look at, as at a start.
const pageEvery = 10 * time.Millisecond

// tell says once that it is not known which orders there are.
func (a *Asker) tell(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		a.warned = false
		return
	}
	a.book.failed(err)
	if !a.warned {
		a.log.Warn("which orders to ask the platform for is not known; trying on", zap.Error(err))
	}
	a.warned = true
}

// due returns the entries to ask for now, a few at a time; a single one to try with while the platform is out.
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

// ask asks for one order, unless that is no longer due.
func (a *Asker) ask(ctx context.Context, e *entry) {
	if a.outage.state(time.Now()) == resting {
		return // it began in this round
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
	a.log.Debug("asked", zap.String("order", o.ID), zap.String("reason", string(e.reason)), zap.Uint64("sequence", sequence))
	return nil
}

// failed says what becomes of an order that got no answer.
func (a *Asker) failed(e *entry, o *Order, err error) {
	var fault *Error
	purged := false
	switch {
	case errors.Is(err, ErrNoOrder):
		a.book.drop(e) // the views were made again without it
		return
	case errors.Is(err, eventlog.ErrInvalid): // the log never takes the answer
	case !errors.As(err, &fault), fault.concernsAll() && !a.book.others(e, fault):
		a.book.again(e, err, a.options.Spacing)
		return
	default:
		purged = o.Status == "INVALID" && (fault.Status == 404 || fault.Status == 400) && time.Since(o.StatusSince) > purgedAfter
	}
	if a.book.refused(e, o, err, a.options, purged) {
		a.metrics.givenUp.Inc()
		a.log.Info("given up", zap.String("order", o.ID), zap.Bool("purged", purged), zap.Error(err))
	}
}

// purgedAfter is when the platform forgets an INVALID order.
const purgedAfter = 48 * time.Hour

// revive brings orders that failed with the platform back, spaced as if it were the first time.
func (a *Asker) revive() { a.book.revive(a.options.Spacing) }

// outage notices that the platform answers nobody: then one order at a time is tried, and the others are spared.
type outage struct {
	mu       sync.Mutex
	failures int
	until    time.Time
}

type outageState int

const (
	working outageState = iota
	resting             // nobody asks
	probing             // one may ask
)

const (
	outageAfter    = 3
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

// note counts what became of a question. over is called when the platform answers again.
func (o *outage) note(err error, now time.Time, over func()) {
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return // somebody stopped
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
	if !o.until.After(now) { // else it was asked before the one that began the pause had failed
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

// maxRest bounds what Retry-After can ask for.
const maxRest = 15 * time.Minute
