package statemachine

import (
	"fmt"
	"slices"
	"time"
)

// Code identifies a break: something a person must look at. Its number is its row in the rule table.
type Code uint8

// The breaks, in the order of the rule table.
const (
	UnknownStatus Code = iota
	UnusedStatus
	ConflictingClose
	CloseAfterFill
	FillAfterClose
	SettledWithoutFill
	AfterSettlement
	RejectedAfterFill
	PossibleBust
	Reopened
	TimeInversion
	InvalidSuperseded
	Overfill
	Underfilled
	ExecutedDecreased
	ClockSkew
	SourceConflict
	Codes // the number of codes
)

// Severity is the urgency of a break.
type Severity string

// The severities.
const (
	Warn Severity = "warn"
	High Severity = "high"
)

// Break is a rule whose condition holds. Everything but the sequences is a function of the set of facts.
type Break struct {
	Code     Code
	Severity Severity
	// OpenedAt and OpenedSequence belong to the fact that made the condition true: the latest of
	// the evidence.
	OpenedAt       time.Time
	OpenedSequence uint64
	Sequences      []uint64 // of the evidence, ascending
	Rule           string   // the condition, in words
}

// Rule is one row of the table of breaks.
type Rule struct {
	Code      Code     `json:"code"`
	Severity  Severity `json:"severity" enum:"warn,high"`
	Condition string   `json:"condition"`

	evidence func(*counted) []*fact // returns nil if the condition does not hold
}

var rules = [Codes]Rule{
	{UnknownStatus, High, "A status that the rules do not know.", unknownStatus},
	{UnusedStatus, Warn, "A status that the platform says it does not use.", unusedStatus},
	{ConflictingClose, Warn, "Two different closed statuses (CANCELED, EXPIRED, REJECTED).", conflictingClose},
	{CloseAfterFill, High, "CANCELED, EXPIRED or REJECTED at or after the first FILLED.", closeAfterFill},
	{FillAfterClose, High, "FILLED or PARTIALLY_FILLED after the first CANCELED, EXPIRED or REJECTED.", fillAfterClose},
	{SettledWithoutFill, Warn, "SETTLED, yet no fill was reported and nothing executed is known.", settledWithoutFill},
	{AfterSettlement, High, "Another status than SETTLED or INVALID after the first SETTLED.", afterSettlement},
	{RejectedAfterFill, Warn, "REJECTED at or after the first PARTIALLY_FILLED.", rejectedAfterFill},
	{PossibleBust, Warn, "PARTIALLY_FILLED after the first FILLED: a trade may have been undone.", possibleBust},
	{Reopened, Warn, "PLACED or PENDING after the first CANCELED, EXPIRED or REJECTED.", reopened},
	{TimeInversion, Warn, "PLACED, PENDING or RECEIVED after the first FILLED.", timeInversion},
	{InvalidSuperseded, Warn, "INVALID, but the platform accepted the order later.", invalidSuperseded},
	{Overfill, High, "More is executed than was ordered.", overfill},
	{Underfilled, Warn, "FILLED with an executed quantity, and less is executed than was ordered.", underfilled},
	{ExecutedDecreased, High, "A newer notification reports a smaller executed quantity than an older one.", executedDecreased},
	{ClockSkew, Warn, "modifiedOn is more than five minutes after the time received.", clockSkew},
	{SourceConflict, High, "Two order objects report the same order id.", nil}, // does not depend on facts: see breaks
}

var codeNames = [Codes]string{"unknown_status", "unused_status", "conflicting_close", "close_after_fill",
	"fill_after_close", "settled_without_fill", "after_settlement", "rejected_after_fill", "possible_bust", "reopened",
	"time_inversion", "invalid_superseded", "overfill", "underfilled", "executed_decreased", "clock_skew", "source_conflict"}

// Rules returns a copy of the table of breaks.
func Rules() []Rule { return append([]Rule(nil), rules[:]...) }

// String returns the name in snake case.
func (c Code) String() string {
	if c < Codes {
		return codeNames[c]
	}
	return fmt.Sprintf("Code(%d)", uint8(c))
}

// MarshalText returns the name.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Severity returns the severity of the code's rule.
func (c Code) Severity() Severity { return rules[c].Severity }

// ParseCode returns the code with the given name; ok is false for any other text.
func ParseCode(name string) (c Code, ok bool) {
	i := slices.Index(codeNames[:], name)
	return Code(max(i, 0)), i >= 0
}

func (c *counted) breaks() []Break {
	var found []Break
	for i := range rules[:SourceConflict] {
		if evidence := rules[i].evidence(c); evidence != nil {
			found = append(found, newBreak(&rules[i], evidence))
		}
	}
	if b, holds := c.order.sourceConflict(); holds {
		found = append(found, b)
	}
	return found
}

// codes returns the codes of breaks.
func (c *counted) codes() (open []Code) {
	for i := range rules[:SourceConflict] {
		if rules[i].evidence(c) != nil {
			open = append(open, rules[i].Code)
		}
	}
	if _, holds := c.order.sourceConflict(); holds {
		open = append(open, SourceConflict)
	}
	return open
}

func newBreak(r *Rule, evidence []*fact) Break {
	b := Break{Code: r.Code, Severity: r.Severity, Rule: r.Condition}
	opener := evidence[0]
	for _, f := range evidence {
		b.Sequences = append(b.Sequences, f.first.Sequence)
		if compareAge(f, opener) > 0 {
			opener = f
		}
	}
	slices.Sort(b.Sequences)
	b.OpenedAt, b.OpenedSequence = opener.at, opener.first.Sequence
	return b
}

// sourceConflict considers every notification, not only facts that count, because a restatement cannot
// merge two order objects.
func (o *Order) sourceConflict() (b Break, holds bool) {
	r := rules[SourceConflict]
	b = Break{Code: r.Code, Severity: r.Severity, Rule: r.Condition}
	var first, second source // by time
	for _, s := range o.sources {
		if s.sequence == 0 {
			continue
		}
		b.Sequences = append(b.Sequences, s.sequence)
		switch {
		case first.sequence == 0 || s.at.Before(first.at):
			first, second = s, first
		case second.sequence == 0 || s.at.Before(second.at):
			second = s
		}
	}
	slices.Sort(b.Sequences)
	b.OpenedAt, b.OpenedSequence = second.at, second.sequence
	return b, len(b.Sequences) > 1
}

func unknownStatus(c *counted) []*fact {
	return c.oddWhere(func(f *fact) bool { return f.row == numStatuses })
}

func unusedStatus(c *counted) []*fact {
	return c.oddWhere(func(f *fact) bool { return f.row < numStatuses && f.rank == 0 })
}

func (c *counted) oddWhere(condition func(*fact) bool) []*fact {
	if !c.odd {
		return nil
	}
	return one(c.firstWhere(condition))
}

func conflictingClose(c *counted) []*fact {
	var firsts []*fact
	for _, f := range c.first[rowCanceled : rowRejected+1] {
		if f != nil {
			firsts = append(firsts, f)
		}
	}
	if len(firsts) < 2 {
		return nil
	}
	slices.SortFunc(firsts, compareAge)
	return firsts[:2]
}

func closeAfterFill(c *counted) []*fact {
	filled := c.first[rowFilled]
	if filled == nil || c.closed == nil {
		return nil
	}
	return pair(filled, c.firstWhere(func(f *fact) bool { return f.rank == rankClosed && !f.at.Before(filled.at) }))
}

func fillAfterClose(c *counted) []*fact {
	return c.firstAfter(c.closed, rowFilled, rowPartiallyFilled)
}

func settledWithoutFill(c *counted) []*fact {
	if c.first[rowFilled] != nil || c.first[rowPartiallyFilled] != nil || c.base != nil && c.base.kind == Fetched ||
		c.executed.Known() && !c.executed.Zero() {
		return nil
	}
	return one(c.first[rowSettled])
}

func afterSettlement(c *counted) []*fact {
	settled := c.first[rowSettled]
	if settled == nil {
		return nil
	}
	return pair(settled, c.firstWhere(func(f *fact) bool {
		return f.rank > 0 && f.status != Settled && f.status != Invalid && f.at.After(settled.at)
	}))
}

func rejectedAfterFill(c *counted) []*fact {
	partial := c.first[rowPartiallyFilled]
	if partial == nil || c.first[rowRejected] == nil {
		return nil
	}
	return pair(partial, c.firstWhere(func(f *fact) bool { return f.status == Rejected && !f.at.Before(partial.at) }))
}

func possibleBust(c *counted) []*fact {
	return c.firstAfter(c.first[rowFilled], rowPartiallyFilled)
}

func reopened(c *counted) []*fact {
	return c.firstAfter(c.closed, rowPlaced, rowPending)
}

func timeInversion(c *counted) []*fact {
	return c.firstAfter(c.first[rowFilled], rowPlaced, rowPending, rowReceived)
}

func invalidSuperseded(c *counted) []*fact {
	invalid := c.first[rowInvalid]
	if invalid == nil {
		return nil
	}
	taken := c.firstWhere(func(f *fact) bool { return f.rank >= rankPlacedOrLater })
	if taken == nil || !invalid.at.Before(taken.at) {
		return nil
	}
	return []*fact{invalid, taken}
}

func overfill(c *counted) []*fact {
	ordered := Decimal(c.order.Detail(Quantity))
	if !ordered.Known() || !c.executed.Known() || c.executed.Compare(ordered) <= 0 {
		return nil
	}
	if f := c.firstWhere(func(f *fact) bool { return f.executed.Compare(ordered) > 0 }); f != nil {
		return one(f)
	}
	return one(c.most) // the executed quantity is from a fact before a fetched base
}

func underfilled(c *counted) []*fact {
	ordered := Decimal(c.order.Detail(Quantity))
	if c.first[rowFilled] == nil || !ordered.Known() || !c.executed.Known() || c.executed.Compare(ordered) >= 0 {
		return nil
	}
	return one(c.firstWhere(func(f *fact) bool { return f.row == rowFilled && f.executed.Known() }))
}

func executedDecreased(c *counted) []*fact {
	if !c.uneven {
		return nil
	}
	// most has the greatest executed quantity of the facts with an earlier time than newer, next that of
	// all facts before newer. last is the fact before newer.
	var last, most, next *fact
	for i := range c.since {
		newer := &c.since[i]
		if newer.executed == "" || !newer.counts(c.base) {
			continue
		}
		if last == nil || newer.at.After(last.at) {
			most = next
		}
		if last = newer; most != nil && newer.executed.Compare(most.executed) < 0 {
			return []*fact{most, newer}
		}
		if next == nil || newer.executed.Compare(next.executed) > 0 {
			next = newer
		}
	}
	return nil
}

func clockSkew(c *counted) []*fact {
	return one(c.skewed)
}

// firstAfter returns start and the earliest newer fact with one of the statuses, or nil if there is none.
func (c *counted) firstAfter(start *fact, wanted ...uint8) []*fact {
	if start == nil || !slices.ContainsFunc(wanted, func(row uint8) bool { return c.first[row] != nil }) {
		return nil
	}
	return pair(start, c.firstWhere(func(f *fact) bool { return slices.Contains(wanted, f.row) && f.at.After(start.at) }))
}

func one(f *fact) []*fact {
	if f == nil {
		return nil
	}
	return []*fact{f}
}

func pair(f, g *fact) []*fact {
	if f == nil || g == nil {
		return nil
	}
	return []*fact{f, g}
}
