package statemachine

import (
	"cmp"
	"time"
)

// State is what the facts of an order add up to. Zero values mean "not known".
type State struct {
	Status      Status
	StatusSince time.Time // the earliest time of that status
	ModifiedOn  time.Time // the latest time of all facts that count
	Executed    Decimal   // cumulative
	Open        bool      // it can still trade
	Final       bool      // nothing more is expected
	Breaks      []Break   // in the order of the rule table
}

// State derives the order's state from its facts.
func (o *Order) State() State {
	c := o.count()
	s := State{Executed: c.executed}
	if d := c.decider; d != nil {
		s.Status, s.StatusSince = d.status, d.at
	}
	if c.latest != nil {
		s.ModifiedOn = c.latest.at
	}
	s.Open = s.Status.Open()
	if row := s.Status.info(); row != nil {
		s.Final = row.Final == "always" || row.Final == "whenNothingExecuted" && !c.somethingExecuted()
	}
	s.Breaks = c.breaks()
	return s
}

// counted is one pass over the facts of an order: which of them count, and what the rules ask of them.
type counted struct {
	order    *Order
	base     *fact // nil without a restatement
	first    [numStatuses]*fact
	closed   *fact // the first closed fact
	decider  *fact // of the status; nil when no fact has a rank
	latest   *fact
	executed Decimal
	most     *fact // tells executed
	told     *fact // the fact added last that tells executed
	uneven   bool  // not every fact told as much as those added before it, at a time not before theirs
	odd      bool  // a status without rank counts
	skewed   *fact // the first with a time too far after its arrival
}

// base returns the greatest restatement, nil without one.
func (o *Order) base() *fact {
	var base *fact
	for i := range o.facts {
		f := &o.facts[i]
		if f.restates() && (base == nil || compareRestatements(f, base) > 0) {
			base = f
		}
	}
	return base
}

// compareRestatements orders by time, fetched over reported, rank, CANCELED over EXPIRED over REJECTED, executed.
func compareRestatements(f, g *fact) int {
	if c := f.at.Compare(g.at); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(f.kind, g.kind), cmp.Compare(f.rank, g.rank), cmp.Compare(g.row, f.row),
		f.executed.Compare(g.executed))
}

// counts reports whether f is the base, newer than it, or as old with a higher rank.
func (f *fact) counts(base *fact) bool {
	if base == nil || f == base {
		return true
	}
	c := f.at.Compare(base.at)
	return c > 0 || c == 0 && f.rank > base.rank
}

func (o *Order) count() counted {
	c := counted{order: o, base: o.base()}
	for i := range o.facts {
		if f := &o.facts[i]; f.counts(c.base) {
			c.add(f)
		}
	}
	if c.most == nil && c.base != nil && c.base.kind == Fetched {
		for i := range o.facts {
			c.execute(&o.facts[i])
		}
		c.uneven = false // they do not count
	}
	return c
}

func (c *counted) add(f *fact) {
	if f.row < numStatuses {
		c.first[f.row] = earlier(c.first[f.row], f)
	}
	if f.rank == rankClosed {
		c.closed = earlier(c.closed, f)
	}
	if f.rank == 0 {
		c.odd = true
	} else if c.decider == nil || decides(f, c.decider) {
		c.decider = f
	}
	if c.latest == nil || compareAge(f, c.latest) > 0 {
		c.latest = f
	}
	if f.at.After(f.first.Received) && f.at.Sub(f.first.Received) > clockSkewTolerance {
		c.skewed = earlier(c.skewed, f)
	}
	c.execute(f)
}

func (c *counted) execute(f *fact) {
	if f.executed == "" {
		return
	}
	if c.told != nil && (f.at.Before(c.told.at) || f.executed.Compare(c.told.executed) < 0) {
		c.uneven = true
	}
	c.told = f
	if order := compareDecimals(f.executed, c.executed); order > 0 || order == 0 && compareAge(f, c.most) < 0 {
		c.executed, c.most = f.executed, f
	}
}

// decides reports whether f decides the status rather than g: the higher rank, the earlier time, and among
// closed statuses of one time the order of the table.
func decides(f, g *fact) bool {
	if f.rank != g.rank {
		return f.rank > g.rank
	}
	if c := f.at.Compare(g.at); c != 0 {
		return c < 0
	}
	return cmp.Or(cmp.Compare(f.row, g.row), cmp.Compare(f.first.Sequence, g.first.Sequence)) < 0
}

func earlier(f, g *fact) *fact {
	if f == nil || g != nil && compareAge(g, f) < 0 {
		return g
	}
	return f
}

// somethingExecuted: an executed quantity above zero, or a partial fill that did not tell how much.
func (c *counted) somethingExecuted() bool {
	return c.executed.Known() && !c.executed.Zero() ||
		c.first[rowPartiallyFilled] != nil || c.first[rowFilled] != nil
}

// firstWhere returns the earliest fact that counts and satisfies the condition.
func (c *counted) firstWhere(condition func(*fact) bool) *fact {
	var found *fact
	for i := range c.order.facts {
		if f := &c.order.facts[i]; f.counts(c.base) && condition(f) {
			found = earlier(found, f)
		}
	}
	return found
}

// ModifiedAsOf returns what ModifiedOn of the state was when the notification with that sequence had been applied and none after
// it: the zero time when nothing was known by then. Facts that were dropped since are not remembered.
func (o *Order) ModifiedAsOf(sequence uint64) time.Time {
	past := Order{facts: make([]fact, 0, len(o.facts))}
	for i := range o.facts {
		if o.facts[i].first.Sequence <= sequence {
			past.facts = append(past.facts, o.facts[i])
		}
	}
	if latest := past.count().latest; latest != nil {
		return latest.at
	}
	return time.Time{}
}
