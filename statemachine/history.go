package statemachine

import (
	"fmt"
	"slices"
	"time"
)

// Effect is the effect of a notification when it arrived.
type Effect string

// The effects.
const (
	Applied    Effect = "applied"    // the status changed
	Confirmed  Effect = "confirmed"  // it counts and the status did not change: more executed, an amendment, new details
	Late       Effect = "late"       // it counts, but a higher rank was known
	Duplicate  Effect = "duplicate"  // it contained nothing new
	Superseded Effect = "superseded" // a restatement is newer
	Restated   Effect = "restated"   // it became the restatement in force
	Annotated  Effect = "annotated"  // it has no status, or one without a rank
	Lost       Effect = "lost"       // the log lost its record, so its effect is unknown
)

// Entry is one line of an order's history.
type Entry struct {
	Sequence    uint64
	Received    time.Time
	At          time.Time // modifiedOn
	Dated       bool      // the notification has a modifiedOn
	Kind        Kind
	Type        string // notificationType
	Status      Status
	Executed    Decimal
	Effect      Effect
	Rule        string // the reason in words
	StatusAfter Status
	Opened      []Code   // breaks that it opened
	Closed      []Code   // breaks that it closed
	Notes       []string // what could not be decoded
}

// Observer applies notifications to an order and returns the effect of each. It keeps the state after
// each notification for the next one, so that each state is derived only once.
type Observer struct {
	order *Order
	known snapshot
}

// NewObserver returns an observer of o. From then on, only the observer may apply notifications to o.
func NewObserver(o *Order) *Observer { return &Observer{o, o.snapshot()} }

// Observe applies n and returns its effect.
func (v *Observer) Observe(n *Notification) Entry {
	o, before := v.order, v.known
	dropped := o.Dropped
	news := o.Apply(n)
	c := o.count()
	v.known = c.snapshot()
	e := Entry{Sequence: n.Sequence, Received: n.Received.UTC(), At: n.At, Dated: n.Dated || !n.At.IsZero(), Kind: n.Kind,
		Type: n.Type, Status: n.Status, Executed: n.Executed, StatusAfter: v.known.decider.status, Notes: n.Notes}
	e.Effect, e.Rule = c.effect(n, news, &before)
	if o.Dropped > dropped {
		e.Rule += fmt.Sprintf(" The order has more than %d distinct facts: the oldest one that does not affect the state was dropped.", MaxFacts)
	}
	e.Opened, e.Closed = without(v.known.breaks, before.breaks), without(before.breaks, v.known.breaks)
	return e
}

// Summary is the short form of an order's state.
type Summary struct {
	Status   Status
	Executed Decimal
	Breaks   []Code // the open breaks, in the order of the rule table
}

// Summary returns the state after the last observed notification.
func (v *Observer) Summary() Summary {
	return Summary{v.known.decider.status, v.known.executed, v.known.breaks}
}

// snapshot is the part of the state of an order that effects depend on. It contains copies, because
// adding a fact moves other facts.
type snapshot struct {
	decider, base fact // zero: none
	executed      Decimal
	breaks        []Code
}

func (o *Order) snapshot() snapshot {
	c := o.count()
	return c.snapshot()
}

func (c *counted) snapshot() snapshot {
	s := snapshot{executed: c.executed, breaks: c.codes()}
	if c.decider != nil {
		s.decider = *c.decider
	}
	if c.base != nil {
		s.base = *c.base
	}
	return s
}

func (c *counted) effect(n *Notification, news bool, before *snapshot) (Effect, string) {
	self := newFact(n)
	var base fact
	if c.base != nil {
		base = *c.base
	}
	switch {
	case !news:
		return Duplicate, "Everything it says was known before."
	case self.status == "" && n.Refused:
		return Annotated, "A request was refused. The notification reports no status, so the order does not change."
	case self.status == "":
		return Annotated, "It reports no status; its details are kept."
	case self.row == numStatuses:
		return Annotated, fmt.Sprintf("%s is not a status the rules know: it is kept and decides nothing.", self.status)
	case self.rank == 0:
		return Annotated, fmt.Sprintf("The platform says it does not use %s: it is kept and decides nothing.", self.status)
	case base.same(&self) && !before.base.same(&base):
		return Restated, restatedRule(&self)
	case base.status != "" && !base.same(&self) && !self.counts(&base):
		return Superseded, fmt.Sprintf("Notification %d restated the order as %s at %s, which is newer.",
			base.first.Sequence, base.status, FormatTime(base.at))
	case c.decider != nil && c.decider.status != before.decider.status:
		return Applied, appliedRule(c.decider, &before.decider)
	case c.decider != nil && c.decider.rank > self.rank && !amends(&self, c):
		return Late, fmt.Sprintf("%s (rank %d) of notification %d outranks %s (rank %d).",
			c.decider.status, c.decider.rank, c.decider.first.Sequence, self.status, self.rank)
	}
	return Confirmed, confirmedRule(&self, c, before.executed)
}

// amends reports whether f is PLACED after a partial fill of an order that can still trade, which means
// an amendment with PATCH.
func amends(f *fact, c *counted) bool {
	return f.status == Placed && c.decider.status == PartiallyFilled && f.at.After(c.decider.at)
}

func restatedRule(f *fact) string {
	if f.kind == Fetched {
		return "The platform was asked: its answer restates the order, and facts that are not newer no longer count."
	}
	return "A correction restates the order, and facts that are not newer no longer count."
}

func appliedRule(now, was *fact) string {
	switch {
	case was.status == "":
		return fmt.Sprintf("%s is the first status known.", now.status)
	case now.rank > was.rank:
		return fmt.Sprintf("%s (rank %d) outranks %s (rank %d).", now.status, now.rank, was.status, was.rank)
	case now.at.Before(was.at):
		return fmt.Sprintf("Of closed statuses the earliest counts: %s at %s is before %s at %s.", now.status,
			FormatTime(now.at), was.status, FormatTime(was.at))
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

// without returns the codes of a that are not in b.
func without(a, b []Code) []Code {
	return slices.DeleteFunc(slices.Clone(a), func(c Code) bool { return slices.Contains(b, c) })
}

// AsOf is a moment in the arrival of notifications. The zero value is now; if both fields are set,
// both bounds apply.
type AsOf struct {
	Sequence uint64    // the last sequence; 0: no bound
	Received time.Time // the latest time received; zero: no bound
}

// Includes reports whether a notification with the given arrival was known at that moment.
func (a AsOf) Includes(at Arrival) bool {
	return (a.Sequence == 0 || at.Sequence <= a.Sequence) && (a.Received.IsZero() || !at.Received.After(a.Received))
}

// Stretch is a part of a history.
type Stretch struct {
	AsOf
	After uint64 // only notifications after this sequence
	Limit int    // at most this many
}

// Past is an order as it was known at some moment.
type Past struct {
	Order   Order
	Entries []Entry // of the requested stretch, in the order of arrival
	More    bool    // more known notifications follow the last entry
	First   Arrival // of the first notification, even if it is after the moment
	Lost    uint64  // notifications whose records the log lost, and whose loss was accepted; the order does not include them
}

// Known reports whether the order was known at that moment.
func (p *Past) Known() bool { return p.Order.Count+p.Lost > 0 }

// LostEntry returns the entry of a notification of the observed order whose record is lost.
func (v *Observer) LostEntry(sequence uint64) Entry {
	return Entry{Sequence: sequence, Effect: Lost, StatusAfter: v.known.decider.status,
		Rule: "The log lost this record, and the loss was accepted: its content is unknown and is missing from the entries that follow."}
}
