package statemachine

import (
	"fmt"
	"slices"
	"time"
)

// Effect is what a notification did when it arrived.
type Effect string

// The effects.
const (
	Applied    Effect = "applied"    // the status changed
	Confirmed  Effect = "confirmed"  // it counts and the status stayed: more executed, an amendment, new details
	Late       Effect = "late"       // it counts, but a higher rank was known
	Duplicate  Effect = "duplicate"  // it brought nothing new at all
	Superseded Effect = "superseded" // a restatement is newer
	Restated   Effect = "restated"   // it became the base
	Annotated  Effect = "annotated"  // no status, or one without rank
)

// Entry is one line of an order's history.
type Entry struct {
	Sequence    uint64
	Received    time.Time
	At          time.Time // zero: not told
	Kind        Kind
	Type        string // notificationType
	Status      Status
	Executed    Decimal
	Effect      Effect
	Rule        string // why, in words
	StatusAfter Status
	Opened      []Code   // breaks that it opened
	Closed      []Code   // breaks that it closed
	Notes       []string // what could not be read
}

// Observe applies n and tells what it did. The state before and after is derived for it, so it costs several times what
// Apply does.
func (o *Order) Observe(n *Notification) Entry {
	before, base, dropped := o.count().snapshot(), o.restatement(), o.Dropped
	breaks := codesOf(o.State().Breaks)
	news := o.Apply(n)
	after := o.State()
	e := Entry{Sequence: n.Sequence, Received: n.Received.UTC(), At: n.At, Kind: n.Kind, Type: n.Type, Status: n.Status,
		Executed: n.Executed, StatusAfter: after.Status, Notes: n.Notes}
	e.Effect, e.Rule = o.effect(n, news, before, base)
	if o.Dropped > dropped {
		e.Rule += fmt.Sprintf(" The order has more than %d distinct facts; the oldest that nothing rests on was let go.", MaxFacts)
	}
	now := codesOf(after.Breaks)
	e.Opened, e.Closed = without(now, breaks), without(breaks, now)
	return e
}

// snapshot is what effect needs of the state before; facts move when one is added, so it holds copies.
type snapshot struct {
	decider  fact // zero: none
	executed Decimal
}

func (c counted) snapshot() snapshot {
	s := snapshot{executed: c.executed}
	if c.decider != nil {
		s.decider = *c.decider
	}
	return s
}

// restatement returns a copy of the base; the zero fact without one.
func (o *Order) restatement() fact {
	if base := o.base(); base != nil {
		return *base
	}
	return fact{}
}

func (o *Order) effect(n *Notification, news bool, before snapshot, baseBefore fact) (Effect, string) {
	self := newFact(n)
	base, c := o.restatement(), o.count()
	switch {
	case !news:
		return Duplicate, "Everything it says was known before."
	case self.status == "" && n.Refused:
		return Annotated, "A request was refused and tells no status: the order stays as it was."
	case self.status == "":
		return Annotated, "It tells no status; its details are kept."
	case self.row == numStatuses:
		return Annotated, fmt.Sprintf("%s is not a status the rules know: it is kept and decides nothing.", self.status)
	case self.rank == 0:
		return Annotated, fmt.Sprintf("The platform says it does not use %s: it is kept and decides nothing.", self.status)
	case base.same(&self) && !baseBefore.same(&base):
		return Restated, restatedRule(&self)
	case base.status != "" && !base.same(&self) && !self.counts(&base):
		return Superseded, fmt.Sprintf("Notification %d restated the order as %s at %s, which is newer.",
			base.first.Sequence, base.status, instant(base.at))
	case c.decider != nil && c.decider.status != before.decider.status:
		return Applied, appliedRule(c.decider, &before.decider)
	case c.decider != nil && c.decider.rank > self.rank && !amends(&self, &c):
		return Late, fmt.Sprintf("%s (rank %d) of notification %d outranks %s (rank %d).",
			c.decider.status, c.decider.rank, c.decider.first.Sequence, self.status, self.rank)
	}
	return Confirmed, confirmedRule(&self, &c, before.executed)
}

// amends reports whether f is PLACED again after a partial fill of an order that still trades: the platform has PATCH.
func amends(f *fact, c *counted) bool {
	return f.status == Placed && c.decider.status == PartiallyFilled && f.at.After(c.decider.at)
}

func restatedRule(f *fact) string {
	if f.kind == Fetched {
		return "The platform was asked and says what the order is; what is not newer no longer counts."
	}
	return "A correction says what the order is; what is not newer no longer counts."
}

func appliedRule(now, was *fact) string {
	switch {
	case was.status == "":
		return fmt.Sprintf("%s is the first status known.", now.status)
	case now.rank > was.rank:
		return fmt.Sprintf("%s (rank %d) outranks %s (rank %d).", now.status, now.rank, was.status, was.rank)
	case now.at.Before(was.at):
		return fmt.Sprintf("Of closed statuses the earliest counts: %s at %s is before %s at %s.", now.status,
			instant(now.at), was.status, instant(was.at))
	}
	return fmt.Sprintf("Of closed statuses at the same time %s comes before %s.", now.status, was.status)
}

func confirmedRule(f *fact, c *counted, executedBefore Decimal) string {
	switch {
	case c.executed.Compare(executedBefore) > 0 && executedBefore.Known():
		return fmt.Sprintf("The status stays; the executed quantity rises from %s to %s.", executedBefore, c.executed)
	case c.executed.Compare(executedBefore) > 0:
		return fmt.Sprintf("The status stays; the executed quantity is %s.", c.executed)
	case amends(f, c):
		return "PLACED after a partial fill is an amendment: the status stays."
	case c.decider != nil && c.decider.status != f.status:
		return fmt.Sprintf("Of closed statuses the earliest counts: %s stays.", c.decider.status)
	}
	return "It agrees with the status and is kept."
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func codesOf(breaks []Break) []Code {
	var codes []Code
	for i := range breaks {
		codes = append(codes, breaks[i].Code)
	}
	return codes
}

// without returns the codes of a that are not in b.
func without(a, b []Code) []Code {
	return slices.DeleteFunc(slices.Clone(a), func(c Code) bool { return slices.Contains(b, c) })
}

// AsOf is a moment in the arrival of notifications. The zero value is now; with both fields set both hold.
type AsOf struct {
	Sequence uint64    // nothing after that sequence; 0: no bound
	Received time.Time // nothing received after that time; zero: no bound
}

// Includes reports whether a notification that arrived so was known then.
func (a AsOf) Includes(at Arrival) bool {
	return (a.Sequence == 0 || at.Sequence <= a.Sequence) && (a.Received.IsZero() || !at.Received.After(a.Received))
}

// Past is an order as it was known at some moment.
type Past struct {
	Order   Order
	Entries []Entry // of the notifications known then, in order of arrival
	First   Arrival // of the first notification ever; when Entries is empty the order was not known yet
}
