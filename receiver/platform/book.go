package platform

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxPending  = 10_000
	maxGivenUp  = 10_000
	maxSpacing  = time.Hour
	saveEvery   = 5 * time.Second
	maxReported = 300 // bytes of an error
)

// State is the state of asking about an order.
type State string

// The states.
const (
	Pending State = "pending" // to be asked about, or not answered yet
	GivenUp State = "gone"    // the platform has no usable answer; the next notification of the order reopens it
)

// Asked is the state of asking about one order.
type Asked struct {
	State    State     `json:"-"`
	At       time.Time `json:"at"` // when it became pending, or when it was given up
	Reason   Reason    `json:"reason"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"` // of the last attempt; "": none failed
}

// Status is the state of asking about all orders. The counters Asked and Skipped begin at the start of
// the process.
type Status struct {
	Pending, GivenUp int
	Asked            uint64 // answers appended
	Skipped          uint64 // failures to examine an order
	LastAskedAt      time.Time
	LastError        string // the last failure
	LastErrorAt      time.Time
}

// entry is an order to ask about. The book guards asked.
type entry struct {
	id       string
	reason   Reason
	sequence uint64 // of its last notification when it was found
	asked    Asked
	tried    time.Time
	next     time.Time
	outages  int // failed attempts that are not the order's fault
}

// givenUp is an entry of the file. It is valid until the order's next notification.
type givenUp struct {
	Asked
	Sequence uint64    `json:"sequence"` // of the order's last notification
	Received time.Time `json:"received"` // when that notification was received; zero in files of earlier versions
}

// heardSince reports whether a notification of the order was received after the order was given up. In
// a restored log the sequence of that notification may be lower, but its time is later.
func (g *givenUp) heardSince(o *Order) bool {
	return o.LastSequence > g.Sequence || !g.Received.IsZero() && o.LastReceived.After(g.Received)
}

// appended is an answer in the log.
type appended struct {
	sequence uint64
	at       time.Time
}

// book contains the orders to ask about and the orders that were given up.
type book struct {
	file string

	mu      sync.Mutex
	pending map[string]*entry
	gone    map[string]givenUp
	// appended contains the latest answers, until the views have them and the order may be asked
	// about again.
	appended map[string]appended
	status   Status
	changed  bool
	saved    time.Time
}

// openBook reads the orders given up. A missing file or one with other content is no error: without it,
// orders are only asked about again. Any other failure to read the file is an error.
func openBook(file string) (*book, error) {
	b := &book{file: file, pending: map[string]*entry{}, gone: map[string]givenUp{}, appended: map[string]appended{}}
	if file == "" {
		return b, nil
	}
	text, err := os.ReadFile(filepath.Clean(file))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("platform: read the orders given up: %w", err)
	}
	if json.Unmarshal(text, &b.gone) != nil || b.gone == nil {
		b.gone = map[string]givenUp{}
	}
	return b, nil
}

// save writes the orders given up if they changed, and the last write was at least saveEvery ago or
// atOnce is set. Calls must not overlap. The book is not locked during the write, because every reader
// of an order needs it.
func (b *book) save(atOnce bool) error {
	b.mu.Lock()
	due := b.file != "" && b.changed && (atOnce || time.Since(b.saved) >= saveEvery)
	if !due {
		b.mu.Unlock()
		return nil
	}
	gone := maps.Clone(b.gone)
	b.changed, b.saved = false, time.Now()
	b.mu.Unlock()
	text, err := json.Marshal(gone)
	if err == nil {
		next := b.file + ".new"
		if err = os.WriteFile(next, text, 0o600); err == nil {
			err = os.Rename(next, b.file)
		}
	}
	if err != nil {
		b.mu.Lock()
		b.changed = true
		b.mu.Unlock()
		return fmt.Errorf("platform: write the orders given up: %w", err)
	}
	return nil
}

// open reports whether the order may be asked about: it is not pending, was not given up, and its
// last answer is in the views.
func (b *book) open(o *Order) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.appended[o.ID].sequence > o.LastSequence {
		return false
	}
	if g, ok := b.gone[o.ID]; ok {
		if !g.heardSince(o) {
			return false
		}
		delete(b.gone, o.ID)
		b.changed = true
	}
	return b.pending[o.ID] == nil
}

func (b *book) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending) >= maxPending
}

func (b *book) add(o *Order, reason Reason, now time.Time, spacing time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := now
	if before := b.appended[o.ID].at.Add(spacing); before.After(now) {
		next = before
	}
	b.pending[o.ID] = &entry{id: o.ID, reason: reason, sequence: o.LastSequence, next: next,
		asked: Asked{State: Pending, At: now.UTC(), Reason: reason}}
}

// due returns up to most entries to ask about now, longest waiting first.
func (b *book) due(now time.Time, most int) (entries []*entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.pending {
		if !e.next.After(now) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Or(a.next.Compare(b.next), strings.Compare(a.id, b.id)) })
	return entries[:min(most, len(entries))]
}

// forgetBefore removes the answers up to the sequence seen that were appended before a time.
func (b *book) forgetBefore(seen uint64, before time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, a := range b.appended {
		if a.sequence <= seen && a.at.Before(before) {
			delete(b.appended, id)
		}
	}
}

func (b *book) drop(e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pending, e.id)
}

func (b *book) postpone(e *entry, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.next = until
}

func (b *book) answered(e *entry, sequence uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pending, e.id)
	b.appended[e.id] = appended{sequence, time.Now()}
	b.status.Asked++
	b.status.LastAskedAt = time.Now().UTC()
}

// again schedules another attempt for an order after a failure that is not the order's own.
func (b *book) again(e *entry, err error, spacing time.Duration) {
	b.failed(err)
	b.mu.Lock()
	defer b.mu.Unlock()
	e.asked.Error = bounded(err)
	e.tried = time.Now()
	e.next = e.tried.Add(grown(spacing, e.outages))
	e.outages++
}

// refused counts a failure that is the order's own. It reports whether the order is given up, because
// this was the last attempt or the platform purged the order.
func (b *book) refused(e *entry, o *Order, err error, options AskerOptions, purged bool) (last bool) {
	b.failed(err)
	b.mu.Lock()
	defer b.mu.Unlock()
	e.tried = time.Now()
	e.next = e.tried.Add(grown(options.Spacing, e.asked.Attempts))
	e.asked.Error = bounded(err)
	e.asked.Attempts++
	if !purged && e.asked.Attempts < options.Attempts {
		return false
	}
	delete(b.pending, e.id)
	for len(b.gone) >= maxGivenUp {
		b.forget()
	}
	g := givenUp{e.asked, o.LastSequence, o.LastReceived}
	g.At = e.tried.UTC()
	b.gone[e.id], b.changed = g, true
	return true
}

// forget removes the order that was given up first, so that it may be asked about again.
func (b *book) forget() {
	oldest := ""
	for id, g := range b.gone {
		if oldest == "" || g.At.Before(b.gone[oldest].At) {
			oldest = id
		}
	}
	delete(b.gone, oldest)
}

// grown returns the pause after a failed attempt that followed the given number of failed attempts.
func grown(spacing time.Duration, before int) time.Duration {
	return min(spacing<<min(before, 12), max(spacing, maxSpacing))
}

// revive schedules the orders that failed during an outage as if they had failed once.
func (b *book) revive(spacing time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.pending {
		if e.outages > 0 {
			e.outages, e.next = 0, e.tried.Add(spacing)
		}
	}
}

// others reports whether the platform answered about another order since the previous attempt for
// this one. If it did, the failure is the order's own and not an outage.
func (b *book) others(e *entry, fault *Error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fault.Kind == Again && !fault.access && fault.Status != http.StatusTooManyRequests &&
		!e.tried.IsZero() && b.status.LastAskedAt.After(e.tried)
}

// skip records that an order could not be examined.
func (b *book) skip(err error) {
	b.failed(err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Skipped++
}

func (b *book) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.LastError, b.status.LastErrorAt = bounded(err), time.Now().UTC()
}

// bounded returns the text of an error on one line, cut to maxReported bytes, because it may contain
// text of the platform.
func bounded(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if len(text) > maxReported {
		text = strings.ToValidUTF8(text[:maxReported], "") + "…"
	}
	return text
}

// Status returns the state of asking.
func (a *Asker) Status() Status {
	b := a.book
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Pending, s.GivenUp = len(b.pending), len(b.gone)
	return s
}

// Asked returns the state of asking about an order whose last notification has the given sequence. ok
// is false if the order is neither pending nor given up.
func (a *Asker) Asked(id string, lastSequence uint64) (asked Asked, ok bool) {
	b := a.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.pending[id]; e != nil {
		return e.asked, true
	}
	g, ok := b.gone[id]
	if !ok || g.Sequence < lastSequence {
		return Asked{}, false
	}
	g.State = GivenUp
	return g.Asked, true
}
