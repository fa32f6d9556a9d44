package statemachine

// Before returns the state that the notifications before sequence added up to. Each fact is kept with the sequence it first
// came with, so that is told from the order alone; known is false when facts were let go beyond MaxFacts. Whether an
// overfill was open then goes by the quantity known now.
func (o *Order) Before(sequence uint64) (s State, known bool) {
	if o.Dropped > 0 {
		return State{}, false
	}
	then := o.before(sequence)
	return then.State(), true
}

// before returns the order without the facts and objects that came at sequence or later.
func (o *Order) before(sequence uint64) Order {
	then := *o
	then.facts = make([]fact, 0, len(o.facts))
	for i := range o.facts {
		if o.facts[i].first.Sequence < sequence {
			then.facts = append(then.facts, o.facts[i])
		}
	}
	for i := range then.sources {
		if then.sources[i].sequence >= sequence {
			then.sources[i] = source{}
		}
	}
	return then
}

// LastChange is what an order tells of its last notification.
type LastChange struct {
	// Effect is what Observe said of it; "" when the order does not tell: it brought no new fact, so it was a repeat, or told
	// details only.
	Effect Effect
	// Before is the status before it, when Known.
	Before Status
	Known  bool
}

// LastChange derives what the last notification did. Nothing is known when facts were let go beyond MaxFacts.
func (o *Order) LastChange() LastChange {
	if o.Dropped > 0 {
		return LastChange{}
	}
	then := o.before(o.Last.Sequence)
	c := then.count().snapshot()
	last := LastChange{Before: c.decider.status, Known: true}
	for i := range o.facts {
		if f := &o.facts[i]; f.first.Sequence == o.Last.Sequence {
			n := Notification{Sequence: f.first.Sequence, Received: f.first.Received, Kind: f.kind, Status: f.status, At: f.at,
				Executed: f.executed}
			last.Effect, _ = o.effect(&n, true, c, then.restatement())
		}
	}
	return last
}
