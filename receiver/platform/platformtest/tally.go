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

// Totals are the counts of a whole play.
type Totals struct {
	Orders        int `json:"orders"`        // in the traffic
	Notifications int `json:"notifications"` // postings, including repeats; retries of a posting are not counted
	Distinct      int `json:"distinct"`      // postings of a notification that was not posted before
	Repeats       int `json:"repeats"`       // postings of a notification that was posted before
	OtherObjects  int `json:"otherObjects"`  // those of Distinct that are not about an order
	Acknowledged  int `json:"acknowledged"`  // answered 200
	Lost          int `json:"lost"`          // notifications that are never posted, according to Traffic.Lost
	Undelivered   int `json:"undelivered"`   // postings without a final answer: receiver unreachable or busy for too long, or play interrupted
	Retries       int `json:"retries"`
	// Refused counts final answers other than 200 by their status code.
	Refused map[string]int `json:"refused"`
	// HighestLogSequence is the highest value of the header Log-Sequence; 0 if no answer had one.
	HighestLogSequence uint64 `json:"highestLogSequence"`
}

// Failure is a posting that was not acknowledged.
type Failure struct {
	Path    string `json:"path"`
	OrderID string `json:"orderId,omitempty"` // "": not about an order
	Reason  string `json:"reason"`
}

// maxFailures bounds the failures that are reported individually. The totals count all of them.
const maxFailures = 100

// tally records the outcome of each notification of a traffic, with a few bytes for each.
type tally struct {
	traffic Traffic
	planned int   // postings
	first   []int // number of the first notification of each order, and their total at the end

	mu       sync.Mutex
	totals   Totals
	failures []Failure
	posted   []uint8  // acknowledged postings, by notification
	failed   []uint8  // refused or undelivered postings
	sequence []uint64 // lowest Log-Sequence; 0: none
}

// newTally generates the whole traffic once, which takes some microseconds per order. It returns the
// error of ctx if ctx ends before that.
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

// add counts the answer to one posting, and calls progress unless it is nil.
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
	Status           *string    `json:"status"`     // as posted; null: a refused update
	ModifiedOn       *time.Time `json:"modifiedOn"` // null: a refused update
	Executed         *string    `json:"executed"`   // cumulative; null: not in the body
	NotificationType string     `json:"notificationType"`
	Posted           int        `json:"posted"`      // number of acknowledged postings
	LogSequence      uint64     `json:"logSequence"` // the lowest Log-Sequence of an answer; 0: none
}

// OrderReport is one order in a report: its facts in the sequence of the events, and the expected state.
type OrderReport struct {
	OrderID    string       `json:"orderId"`
	AssetClass string       `json:"assetClass"`
	Scenario   string       `json:"scenario"`
	Facts      []FactReport `json:"facts"`
	// Unacknowledged counts postings that were refused or got no final answer. Expected does not
	// include notifications that were never acknowledged, because it is unknown whether the receiver
	// has them.
	Unacknowledged int      `json:"unacknowledged"`
	Expected       Expected `json:"expected"`
}

// orders returns the reports of the orders with at least one posted notification, by index.
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
