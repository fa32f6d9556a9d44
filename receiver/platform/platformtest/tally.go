package platformtest

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strconv"
	"sync"
	"time"
)

// Totals are counts over a whole play.
type Totals struct {
	Orders        int `json:"orders"`        // in the traffic
	Notifications int `json:"notifications"` // posted, repeats included, retries of one posting not
	Distinct      int `json:"distinct"`      // different notifications among them
	Repeats       int `json:"repeats"`       // the others
	OtherObjects  int `json:"otherObjects"`  // of Distinct, those of objects that are no orders
	Acknowledged  int `json:"acknowledged"`  // answered 200
	Lost          int `json:"lost"`          // never posted, as Traffic.Lost asks
	Undelivered   int `json:"undelivered"`   // without a final answer: unreachable, busy for too long, or interrupted
	Retries       int `json:"retries"`
	// Refused counts final answers other than 200 by their status code.
	Refused map[string]int `json:"refused"`
	// HighestLogSequence is of the answers' Log-Sequence headers; 0 when no answer had one.
	HighestLogSequence uint64 `json:"highestLogSequence"`
}

// Failure is a posting that was not acknowledged in the end.
type Failure struct {
	Path    string `json:"path"`
	OrderID string `json:"orderId,omitempty"` // "" for other objects
	Reason  string `json:"reason"`
}

// maxFailures bounds the failures that are told one by one; the totals count them all.
const maxFailures = 100

// tally keeps what became of each notification of a traffic, a few bytes each.
type tally struct {
	traffic Traffic
	planned int // postings
	first   []int

	mu       sync.Mutex
	totals   Totals
	failures []Failure
	posted   []uint8  // acknowledged
	failed   []uint8  // refused or undelivered
	sequence []uint64 // lowest Log-Sequence
}

// newTally goes through the whole traffic once, some microseconds for each order.
func newTally(ctx context.Context, t Traffic) (*tally, error) {
	all := &tally{traffic: t, first: make([]int, t.Orders+1)}
	lost := 0
	for i := range t.Orders {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("platformtest: plan the traffic: %w", err)
		}
		o := t.order(i)
		all.first[i+1] = all.first[i] + o.count()
		posted, _ := t.deliveriesOf(o)
		all.planned += len(posted)
		lost += o.count()
		for _, d := range posted {
			if d.copy == 0 {
				lost--
			}
		}
	}
	count := all.first[t.Orders]
	all.posted, all.failed, all.sequence = make([]uint8, count), make([]uint8, count), make([]uint64, count)
	all.totals = Totals{Orders: t.Orders, Lost: lost, Refused: map[string]int{}}
	return all, nil
}

// add counts the answer to one posting, and tells how far the play is when somebody wants to know.
func (t *tally) add(r ref, o *order, a answer, progress func(Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.first[r.order] + int(r.note)
	t.totals.Notifications++
	t.totals.Retries += a.retries
	if t.posted[i] == 0 && t.failed[i] == 0 {
		t.totals.Distinct++
		if int(r.note) == len(o.notes) {
			t.totals.OtherObjects++
		}
	} else {
		t.totals.Repeats++
	}
	if a.acknowledged() {
		t.acknowledge(i, a.sequence)
	} else {
		t.fail(i, r, o, a)
	}
	if progress != nil {
		progress(Progress{Posted: t.totals.Notifications, Acknowledged: t.totals.Acknowledged, Total: t.planned})
	}
}

func (t *tally) acknowledge(i int, sequence uint64) {
	t.totals.Acknowledged++
	t.posted[i] = saturated(t.posted[i])
	t.totals.HighestLogSequence = max(t.totals.HighestLogSequence, sequence)
	if t.sequence[i] == 0 || sequence < t.sequence[i] {
		t.sequence[i] = sequence
	}
}

func (t *tally) fail(i int, r ref, o *order, a answer) {
	t.failed[i] = saturated(t.failed[i])
	if a.err != nil {
		t.totals.Undelivered++
	} else {
		t.totals.Refused[strconv.Itoa(a.code)]++
	}
	if len(t.failures) == maxFailures {
		return
	}
	f := Failure{Path: o.path(int(r.note)), Reason: a.reason()}
	if int(r.note) < len(o.notes) {
		f.OrderID = o.id.String()
	}
	t.failures = append(t.failures, f)
}

func saturated(n uint8) uint8 { return uint8(min(int(n)+1, math.MaxUint8)) }

// FactReport is one notification of an order in a report.
type FactReport struct {
	Status           *string    `json:"status"`     // as posted; null for a refused update
	ModifiedOn       *time.Time `json:"modifiedOn"` // null for a refused update
	Executed         *string    `json:"executed"`   // cumulative; null when the body did not tell
	NotificationType string     `json:"notificationType"`
	Posted           int        `json:"posted"`      // how often it was acknowledged
	LogSequence      uint64     `json:"logSequence"` // the lowest it was acknowledged with; 0 none
}

// OrderReport is one order in a report: what was said of it, in the order in which it happened, and what follows.
type OrderReport struct {
	OrderID    string       `json:"orderId"`
	AssetClass string       `json:"assetClass"`
	Scenario   string       `json:"scenario"`
	Facts      []FactReport `json:"facts"`
	// Unacknowledged counts postings that were refused or got no final answer. Expected leaves notifications out that
	// never were acknowledged: whether the receiver has them is not known.
	Unacknowledged int      `json:"unacknowledged"`
	Expected       Expected `json:"expected"`
}

// orders makes the report of every order of which something was posted, by index.
func (t *tally) orders() iter.Seq[OrderReport] {
	return func(yield func(OrderReport) bool) {
		for i := range t.traffic.Orders {
			if report, posted := t.order(i); posted && !yield(report) {
				return
			}
		}
	}
}

func (t *tally) order(index int) (report OrderReport, posted bool) {
	o := t.traffic.order(index)
	report = OrderReport{OrderID: o.id.String(), AssetClass: o.assetClass, Scenario: o.scenario}
	var acknowledged []Fact
	for n := range o.notes {
		i := t.first[index] + n
		report.Facts = append(report.Facts, o.notes[n].report(int(t.posted[i]), t.sequence[i]))
		report.Unacknowledged += int(t.failed[i])
		posted = posted || t.posted[i] > 0 || t.failed[i] > 0
		if t.posted[i] > 0 {
			acknowledged = append(acknowledged, o.notes[n].fact())
		}
	}
	report.Expected = Truth(acknowledged)
	return report, posted
}

func (n *note) report(posted int, sequence uint64) FactReport {
	f := FactReport{NotificationType: n.notificationType, Posted: posted, LogSequence: sequence}
	if n.status != "" {
		f.Status, f.ModifiedOn = &n.status, utc(n.at)
	}
	if n.tells {
		text := n.executed().String()
		f.Executed = &text
	}
	return f
}
