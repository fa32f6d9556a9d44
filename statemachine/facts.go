package statemachine

import (
	"cmp"
	"slices"
	"time"
)

// MaxFacts bounds the number of distinct facts that an order keeps.
const MaxFacts = 256

// fact is what one distinct notification reports about the status of the order.
type fact struct {
	status   Status
	row      uint8 // in the rank table
	rank     int8
	kind     Kind
	at       time.Time
	executed Decimal
	float    float64 // of executed, which is compared first
	value    value   // the money for what was executed
	first    Arrival // the arrival with the lowest sequence
}

func newFact(n *Notification) fact {
	row := n.Status.row()
	f := fact{status: n.Status, row: uint8(row), kind: n.Kind, at: n.when(), executed: n.Executed, float: n.Executed.float(),
		value: value{n.Amount, n.Reported}, first: Arrival{n.Sequence, n.Received.UTC()}}
	if row < numStatuses {
		f.rank = int8(statuses[row].Rank)
	}
	return f
}

func (f *fact) same(g *fact) bool {
	return f.row == g.row && f.kind == g.kind && f.at.Equal(g.at) && f.status == g.status && f.executed.Compare(g.executed) == 0
}

// compareExecuted compares the executed quantities of two facts that contain one.
func (f *fact) compareExecuted(g *fact) int {
	switch {
	case f.float < g.float:
		return -1
	case f.float > g.float:
		return 1
	}
	return f.executed.Compare(g.executed)
}

// restates reports whether f is a restatement: it replaces what was reported before.
func (f *fact) restates() bool {
	return f.kind == Fetched && f.rank > 0 || f.row == rowCorrected
}

// compareAge orders facts by time, then by arrival.
func compareAge(f, g *fact) int {
	if c := f.at.Compare(g.at); c != 0 {
		return c
	}
	return cmp.Compare(f.first.Sequence, g.first.Sequence)
}

// tally contains the counts of facts that drop needs.
type tally struct {
	rows         [numStatuses + 1]uint16 // facts by row of the rank table
	restatements uint16
	most         Decimal // the greatest executed
	mostFloat    float64
}

func (t *tally) include(f *fact) {
	t.rows[f.row]++
	if f.restates() {
		t.restatements++
	}
	if f.executed != "" && f.executed.Compare(t.most) > 0 {
		t.most, t.mostFloat = f.executed, f.float
	}
}

// isMost reports whether f contains the greatest executed quantity.
func (t *tally) isMost(f *fact) bool {
	return f.float == t.mostFloat && f.executed != "" && f.executed.Compare(t.most) == 0
}

// setFacts replaces the facts, which must be in order of age.
func (o *Order) setFacts(facts []fact) {
	o.facts, o.tally = facts, tally{}
	for i := range facts {
		o.tally.include(&facts[i])
	}
}

// sinceTime returns the index of the oldest fact that is not older than at.
func (o *Order) sinceTime(at time.Time) int {
	low, high := 0, len(o.facts)
	if high > 0 && o.facts[high-1].at.Before(at) {
		return high // nearly always the case when a fact is added
	}
	for low < high {
		if middle := (low + high) / 2; o.facts[middle].at.Before(at) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// add adds f to the set and reports whether f, or its value, was new. A known fact keeps the lowest
// sequence, the greater text of equal numbers, and the greatest value.
func (o *Order) add(f fact) (news bool) {
	from := o.sinceTime(f.at)
	place := len(o.facts)
	if from < place {
		place = o.sinceTime(f.at.Add(1))
	}
	for i := from; i < place; i++ {
		known := &o.facts[i]
		if known.float != f.float || !known.same(&f) {
			continue
		}
		if news = compareValues(known.value, f.value) < 0; news {
			known.value = f.value
		}
		known.executed = max(known.executed, f.executed)
		if f.first.Sequence < known.first.Sequence {
			known.first = f.first
			slices.SortStableFunc(o.facts[from:place], func(f, g fact) int { return compareAge(&f, &g) })
		}
		return news
	}
	for place > from && o.facts[place-1].first.Sequence > f.first.Sequence {
		place--
	}
	if o.facts == nil {
		o.facts = make([]fact, 0, 4)
	}
	o.facts = append(o.facts, f)
	if last := len(o.facts) - 1; place < last {
		copy(o.facts[place+1:], o.facts[place:last])
		o.facts[place] = f
	}
	o.tally.include(&f)
	if len(o.facts) > MaxFacts {
		o.drop()
	}
	return true
}

// drop removes the oldest fact that is not the first or the last of its status, not a restatement, and
// does not have the greatest executed quantity. All statuses that are not in the table count as one. If
// there is no such fact, drop removes the oldest fact except the base: the number of restatements is
// unlimited, because the platform may be asked any number of times.
func (o *Order) drop() {
	victim := o.dispensable()
	if victim < 0 {
		victim = 0
		if &o.facts[0] == o.base() {
			victim = 1
		}
	}
	f := o.facts[victim]
	o.remove(victim)
	o.tally.rows[f.row]--
	if f.restates() {
		o.tally.restatements--
	}
	if o.tally.isMost(&f) && !slices.ContainsFunc(o.facts, func(g fact) bool { return o.tally.isMost(&g) }) {
		o.setFacts(o.facts)
	}
	o.Dropped++
}

// dispensable returns the index of the oldest fact that drop may remove, or -1 if there is none. The
// search usually ends after the few facts that are the first of their status.
func (o *Order) dispensable() int {
	var passed [numStatuses + 1]uint16
	for i := range o.facts {
		f := &o.facts[i]
		passed[f.row]++
		if isEdge := passed[f.row] == 1 || passed[f.row] == o.tally.rows[f.row]; isEdge || f.restates() || o.tally.isMost(f) {
			continue
		}
		return i
	}
	return -1
}

// remove removes the fact at index, moving the facts on the shorter side.
func (o *Order) remove(index int) {
	if index >= len(o.facts)/2 {
		o.facts = slices.Delete(o.facts, index, index+1)
		return
	}
	copy(o.facts[1:index+1], o.facts[:index])
	o.facts[0] = fact{} // releases its strings
	o.facts = o.facts[1:]
}
