package statemachine

import (
	"cmp"
	"time"
)

// State is the state that the facts of an order add up to. Zero values mean unknown.
type State struct {
	Status      Status
	StatusSince time.Time // the earliest time of that status
	ModifiedOn  time.Time // the latest time of the facts that count, if Dated
	Dated       bool      // whether any fact counts
	Executed    Decimal   // cumulative
	Amount      Decimal   // of money, for Executed
	Extent      Extent    // how much of the order is executed
	Open        bool      // the order can still trade
	Final       bool      // no further notification is expected
	Traded      Day       // the trade date, in Berlin, of an order that has settled or awaits settlement; 0: neither, or unknown
	Breaks      []Break   // in the order of the rule table
}

// Extent is how much of an order is executed. The zero value is nothing.
type Extent uint8

// The extents.
const (
	NothingExecuted Extent = iota
	SomeExecuted
	AllExecuted
)

// extent returns NothingExecuted if no executed quantity above zero and no fill was reported. For an order
// without a quantity, such as an order of an amount, or without a reported executed quantity, the
// status decides whether all is executed.
func (c *counted) extent(status Status) Extent {
	if !c.somethingExecuted() {
		return NothingExecuted
	}
	ordered, all := Decimal(c.order.Detail(Quantity)), status == Filled || status == Settled
	if ordered.Known() && c.executed.Known() {
		all = c.executed.Compare(ordered) >= 0
	}
	if all {
		return AllExecuted
	}
	return SomeExecuted
}

// State derives the order's state from its facts.
func (o *Order) State() State {
	c := o.count()
	s := State{Executed: c.executed}
	if d := c.decider; d != nil {
		s.Status, s.StatusSince = d.status, d.at
	}
	if c.latest != nil {
		s.ModifiedOn, s.Dated = c.latest.at, true
	}
	s.Amount = c.executedAmount()
	s.Extent = c.extent(s.Status)
	s.Open = s.Status.Open()
	if row := s.Status.info(); row != nil {
		s.Final = row.Final == "always" || row.Final == "whenNothingExecuted" && !c.somethingExecuted()
	}
	s.Traded = c.traded(&s)
	s.Breaks = c.breaks()
	return s
}

// counted is the result of one pass over the facts of an order: which of them count, and what the
// rules need to know about them.
type counted struct {
	order    *Order
	base     *fact  // the restatement in force; nil: none
	since    []fact // not older than the base; includes all facts that count
	first    [numStatuses]*fact
	closed   *fact // the first closed fact
	decider  *fact // of the status; nil if no fact has a rank
	latest   *fact
	executed Decimal
	most     *fact // the fact that contains executed
	told     *fact // the last added fact that contains an executed quantity
	uneven   bool  // a fact contains a smaller executed quantity than the one added before it
	odd      bool  // a status without rank counts
	skewed   *fact // the first fact whose time is too long after its arrival
}

// base returns the restatement in force, which is the greatest one, or nil if there is none.
func (o *Order) base() *fact {
	if o.tally.restatements == 0 {
		return nil
	}
	var base *fact
	for i := len(o.facts) - 1; i >= 0; i-- {
		f := &o.facts[i]
		if base != nil && f.at.Before(base.at) {
			break
		}
		if f.restates() && (base == nil || compareRestatements(f, base) > 0) {
			base = f
		}
	}
	return base
}

// compareRestatements orders restatements by time, then fetched after reported, then by rank, then CANCELED
// after EXPIRED after REJECTED, then by executed quantity.
func compareRestatements(f, g *fact) int {
	if c := f.at.Compare(g.at); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(f.kind, g.kind), cmp.Compare(f.rank, g.rank), cmp.Compare(g.row, f.row),
		f.executed.Compare(g.executed))
}

// counts reports whether f is the base, is newer than the base, or has the same time and a higher rank.
func (f *fact) counts(base *fact) bool {
	if base == nil || f == base {
		return true
	}
	c := f.at.Compare(base.at)
	return c > 0 || c == 0 && f.rank > base.rank
}

func (o *Order) count() counted {
	c := counted{order: o, base: o.base(), since: o.facts}
	if c.base != nil {
		c.since = o.facts[o.sinceTime(c.base.at):]
	}
	for i := range c.since {
		if f := &c.since[i]; f.counts(c.base) {
			c.add(f)
		}
	}
	if c.most == nil && c.base != nil && c.base.kind == Fetched {
		for i := range o.facts {
			c.execute(&o.facts[i])
		}
		c.uneven = false // these facts do not count
	}
	if c.most != nil {
		c.executed = c.most.executed
	}
	return c
}

// add adds the next fact, in the order of compareAge.
func (c *counted) add(f *fact) {
	if f.row < numStatuses && c.first[f.row] == nil {
		c.first[f.row] = f
	}
	if f.rank == rankClosed && c.closed == nil {
		c.closed = f
	}
	if f.rank == 0 {
		c.odd = true
	} else if d := c.decider; d == nil || f.rank > d.rank || f.rank == d.rank && f.row < d.row && f.at.Equal(d.at) {
		c.decider = f // the higher rank wins, then the earlier time, then for closed statuses the order of the table
	}
	c.latest = f
	if c.skewed == nil && f.at.After(f.first.Received) && f.at.Sub(f.first.Received) > clockSkewTolerance {
		c.skewed = f
	}
	c.execute(f)
}

func (c *counted) execute(f *fact) {
	if f.executed == "" {
		return
	}
	more := 1 // above 0: f reports more executed than c.most, or is the first that reports any
	if c.told != nil {
		more = f.compareExecuted(c.told)
		c.uneven = c.uneven || more < 0
	}
	if c.most != c.told { // otherwise f was already compared with c.most
		more = f.compareExecuted(c.most)
	}
	c.told = f
	if more > 0 || more == 0 && f.executed > c.most.executed {
		c.most = f
	}
}

// somethingExecuted reports whether the executed quantity is above zero, or a fill was reported.
func (c *counted) somethingExecuted() bool {
	return c.executed.Known() && !c.executed.Zero() ||
		c.first[rowPartiallyFilled] != nil || c.first[rowFilled] != nil
}

// firstWhere returns the earliest fact that counts and satisfies the condition.
func (c *counted) firstWhere(condition func(*fact) bool) *fact {
	for i := range c.since {
		if f := &c.since[i]; f.counts(c.base) && condition(f) {
			return f
		}
	}
	return nil
}

// ModifiedAsOf returns ModifiedOn of the state immediately after the notification with the given
// sequence; known is false if there was no fact. Facts that have been dropped since are not included.
func (o *Order) ModifiedAsOf(sequence uint64) (modified time.Time, known bool) {
	var past Order
	past.setFacts(o.factsBefore(sequence + 1))
	if latest := past.count().latest; latest != nil {
		return latest.at, true
	}
	return time.Time{}, false
}
