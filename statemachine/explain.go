package statemachine

import (
	"fmt"
	"time"
)

// Verdict is the meaning of a fact for the status of its order.
type Verdict string

// The verdicts.
const (
	Decides        Verdict = "decides"    // its status is the status of the order
	Agrees         Verdict = "agrees"     // it has the same status, with a later time
	Outranked      Verdict = "outranked"  // it counts, but another status wins
	NoLongerTrue   Verdict = "superseded" // a restatement is newer
	DecidesNothing Verdict = "unranked"   // its status has no rank
)

// Judgement is one distinct fact with its verdict.
type Judgement struct {
	Sequence uint64 // of its first arrival
	Received time.Time
	Kind     Kind
	Status   Status
	At       time.Time
	Executed Decimal
	Verdict  Verdict
	Why      string
}

// Explanation is the reason for the state of an order.
type Explanation struct {
	Summary   []string    // sentences for a clerk
	DecidedBy uint64      // sequence of the fact that decides the status; 0: none
	Facts     []Judgement // by time
}

// Explain judges every distinct fact of the order.
func (o *Order) Explain() Explanation {
	c, s := o.count(), o.State()
	var e Explanation
	tally := map[Verdict]int{}
	for i := range o.facts {
		f := &o.facts[i]
		j := Judgement{Sequence: f.first.Sequence, Received: f.first.Received, Kind: f.kind, Status: f.status, At: f.at, Executed: f.executed}
		j.Verdict, j.Why = c.judge(f)
		tally[j.Verdict]++
		e.Facts = append(e.Facts, j)
	}
	if c.decider != nil {
		e.DecidedBy = c.decider.first.Sequence
	}
	e.Summary = c.summary(&s, tally)
	return e
}

func (c *counted) judge(f *fact) (Verdict, string) {
	d := c.decider
	switch {
	case !f.counts(c.base):
		return NoLongerTrue, fmt.Sprintf("Notification %d restated the order as %s at %s; facts that are not newer no longer count.",
			c.base.first.Sequence, c.base.status, FormatTime(c.base.at))
	case f.row == numStatuses:
		return DecidesNothing, fmt.Sprintf("%s is not a status the rules know, so it decides nothing.", f.status)
	case f.rank == 0:
		return DecidesNothing, fmt.Sprintf("The platform says it does not use %s, so it decides nothing.", f.status)
	case f == d && f == c.base:
		return Decides, restatedRule(f)
	case f == d && f.rank == rankClosed:
		return Decides, "No fact that counts has a higher rank, and of closed statuses it is the earliest."
	case f == d:
		return Decides, "No fact that counts has a higher rank."
	case f.status == d.status:
		return Agrees, fmt.Sprintf("Notification %d said the same earlier.", d.first.Sequence)
	case f.rank == d.rank && f.at.Equal(d.at):
		return Outranked, fmt.Sprintf("Of closed statuses at the same time %s comes before %s.", d.status, f.status)
	case f.rank == d.rank:
		return Outranked, fmt.Sprintf("Of closed statuses the earliest counts: %s at %s.", d.status, FormatTime(d.at))
	}
	return Outranked, fmt.Sprintf("%s (rank %d) outranks %s (rank %d).", d.status, d.rank, f.status, f.rank)
}

func (c *counted) summary(s *State, tally map[Verdict]int) []string {
	var said []string
	if d := c.decider; d == nil {
		said = append(said, "No notification has reported a status with a rank, so the status is not known.")
	} else {
		said = append(said, fmt.Sprintf("The order is %s since %s, because notification %d %s it.", d.status, FormatTime(d.at),
			d.first.Sequence, map[Kind]string{Reported: "reported", Fetched: "fetched"}[d.kind]))
	}
	if n := tally[Outranked]; n > 0 {
		said = append(said, fmt.Sprintf("%s outranked.", countOf(n)))
	}
	if n := tally[NoLongerTrue]; n > 0 {
		said = append(said, fmt.Sprintf("%s no longer true: notification %d restated the order.", countOf(n), c.base.first.Sequence))
	}
	if n := tally[DecidesNothing]; n > 0 {
		said = append(said, fmt.Sprintf("%s of a status without rank.", countOf(n)))
	}
	switch {
	case s.Status == "":
	case s.Open:
		said = append(said, "It can still trade.")
	case s.Final:
		said = append(said, "It is final: nothing more is expected.")
	default:
		said = append(said, "It no longer trades and awaits settlement.")
	}
	if s.Executed.Known() {
		said = append(said, fmt.Sprintf("Executed: %s.", s.Executed))
	}
	for _, b := range s.Breaks {
		said = append(said, fmt.Sprintf("To be looked at: %s (%s). %s", b.Code, b.Severity, b.Rule))
	}
	return said
}

func countOf(n int) string {
	if n == 1 {
		return "One fact is"
	}
	return fmt.Sprintf("%d facts are", n)
}
