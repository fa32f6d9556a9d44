package platformtest

import (
	"math/big"
	"slices"
	"time"
)

// Fact is what one notification of an order, or one answer to GET order, reports about its state.
type Fact struct {
	Status   string // as sent; "": a refused update, which reports no status
	At       time.Time
	Executed *big.Rat // cumulative; nil: not reported
	Quantity *big.Rat // ordered; nil: not reported
	Fetched  bool     // an answer to GET order
}

// Expected is the expected state of an order. Its JSON has the names and formats of an order view.
type Expected struct {
	Status           *string    `json:"status"` // null: no fact has a status with a rank
	StatusSince      *time.Time `json:"statusSince"`
	ModifiedOn       *time.Time `json:"modifiedOn"`
	ExecutedQuantity *string    `json:"executedQuantity"` // an exact decimal; null: unknown
	Open             bool       `json:"open"`
	Final            bool       `json:"final"`
	Breaks           []string   `json:"breaks"` // codes in alphabetical order, without clock_skew and source_conflict
}

// Truth returns the state that the facts of one order add up to. The sequence of the facts and repeated
// facts make no difference. The code is written to be compared with the rules line by line, not to be
// fast.
func Truth(facts []Fact) Expected {
	facts = slices.Clone(facts)
	for i := range facts {
		if facts[i].Status == canceledWithTwoLs {
			facts[i].Status = canceled
		}
	}
	known := distinct(facts)
	base := baseOf(known)
	var counting []Fact
	for i := range known {
		if counts(known[i], base, base == &known[i]) {
			counting = append(counting, known[i])
		}
	}
	executed := greatestExecuted(counting)
	if executed == nil && base != nil && base.Fetched {
		executed = greatestExecuted(known)
	}

	e := Expected{Breaks: breaksOf(counting, base, executed, orderedQuantity(facts))}
	if executed != nil {
		text := exactText(executed)
		e.ExecutedQuantity = &text
	}
	for _, f := range counting {
		if e.ModifiedOn == nil || f.At.After(*e.ModifiedOn) {
			e.ModifiedOn = utc(f.At)
		}
	}
	winner := statusOf(counting)
	if winner == nil {
		return e
	}
	e.Status = &winner.Status
	e.StatusSince = utc(first(counting, winner.Status).At)
	e.Open = slices.Contains([]string{received, pending, placed, partiallyFilled}, winner.Status)
	somethingExecuted := executed != nil && executed.Sign() > 0 || first(counting, partiallyFilled) != nil
	switch winner.Status {
	case settled, invalid:
		e.Final = true
	case canceled, expired, rejected:
		e.Final = !somethingExecuted
	}
	return e
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

// ranks are the ranks of the statuses. Any other status has no rank, which is 0 here.
var ranks = map[string]int{
	received: 1, invalid: 2, pending: 3, placed: 4, partiallyFilled: 5, corrected: 6,
	canceled: 7, expired: 7, rejected: 7,
	filled: 8, settled: 9,
}

// closedOrder lists the closed statuses; of two with the same time, the earlier in this list wins.
var closedOrder = []string{canceled, expired, rejected}

func isClosed(f Fact) bool { return slices.Contains(closedOrder, f.Status) }

// distinct returns the facts without refused updates and without repeats.
func distinct(facts []Fact) []Fact {
	var known []Fact
	for _, f := range facts {
		if f.Status == "" {
			continue
		}
		same := func(g Fact) bool {
			return g.Fetched == f.Fetched && g.Status == f.Status && g.At.Equal(f.At) && equal(g.Executed, f.Executed)
		}
		if !slices.ContainsFunc(known, same) {
			known = append(known, f)
		}
	}
	return known
}

func equal(a, b *big.Rat) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Cmp(b) == 0
}

// baseOf returns the restatement in force, or nil if there is none.
func baseOf(known []Fact) *Fact {
	var base *Fact
	for i := range known {
		f := &known[i]
		isRestatement := f.Status == corrected || f.Fetched && ranks[f.Status] > 0
		if isRestatement && (base == nil || restatesOver(f, base)) {
			base = f
		}
	}
	return base
}

func restatesOver(f, g *Fact) bool {
	if !f.At.Equal(g.At) {
		return f.At.After(g.At)
	}
	if f.Fetched != g.Fetched {
		return f.Fetched
	}
	if ranks[f.Status] != ranks[g.Status] {
		return ranks[f.Status] > ranks[g.Status]
	}
	if f.Status != g.Status { // only closed statuses share a rank
		return slices.Index(closedOrder, f.Status) < slices.Index(closedOrder, g.Status)
	}
	if f.Executed == nil || g.Executed == nil {
		return f.Executed != nil
	}
	return f.Executed.Cmp(g.Executed) > 0
}

func counts(f Fact, base *Fact, isBase bool) bool {
	if base == nil || isBase || f.At.After(base.At) {
		return true
	}
	return f.At.Equal(base.At) && ranks[f.Status] > ranks[base.Status]
}

// statusOf returns a fact with the status of the order, or nil if no fact has a rank.
func statusOf(counting []Fact) *Fact {
	var winner *Fact
	for i := range counting {
		f := &counting[i]
		if ranks[f.Status] > 0 && (winner == nil || outranks(f, winner)) {
			winner = f
		}
	}
	return winner
}

func outranks(f, g *Fact) bool {
	if ranks[f.Status] != ranks[g.Status] {
		return ranks[f.Status] > ranks[g.Status]
	}
	if !isClosed(*f) {
		return false
	}
	if !f.At.Equal(g.At) {
		return f.At.Before(g.At)
	}
	return slices.Index(closedOrder, f.Status) < slices.Index(closedOrder, g.Status)
}

func greatestExecuted(facts []Fact) *big.Rat {
	var most *big.Rat
	for _, f := range facts {
		if f.Executed != nil && (most == nil || f.Executed.Cmp(most) > 0) {
			most = f.Executed
		}
	}
	return most
}

// orderedQuantity returns the quantity of the order. Among all facts with a quantity, superseded or not,
// it is that of the greatest fact by time, then rank, then whether it was fetched, then quantity.
func orderedQuantity(facts []Fact) *big.Rat {
	var best *Fact
	for i := range facts {
		f := &facts[i]
		if f.Quantity != nil && (best == nil || tellsOver(f, best)) {
			best = f
		}
	}
	if best == nil {
		return nil
	}
	return best.Quantity
}

func tellsOver(f, g *Fact) bool {
	if !f.At.Equal(g.At) {
		return f.At.After(g.At)
	}
	if ranks[f.Status] != ranks[g.Status] {
		return ranks[f.Status] > ranks[g.Status]
	}
	if f.Fetched != g.Fetched {
		return f.Fetched
	}
	return f.Quantity.Cmp(g.Quantity) > 0
}
