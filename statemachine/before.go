package statemachine

import "slices"

// Since returns the earlier states of the order from sequence on: the state after the notifications
// up to sequence, if there were any, and the state after each later notification that added a fact
// or another order object, except the current state. The order alone determines these states, because
// each fact is stored with its first sequence; known is false if facts beyond MaxFacts were dropped.
// Whether the breaks overfill and underfilled were open is derived with the quantity known now.
func (o *Order) Since(sequence uint64) (states []State, known bool) {
	if o.Dropped > 0 {
		return nil, false
	}
	var moments []uint64
	if o.First.Sequence <= sequence {
		moments = append(moments, sequence)
	}
	note := func(at uint64) {
		if at > sequence && at < o.Last.Sequence {
			moments = append(moments, at)
		}
	}
	for i := range o.facts {
		note(o.facts[i].first.Sequence)
	}
	for i := range o.sources {
		note(o.sources[i].sequence)
	}
	slices.Sort(moments)
	for _, at := range slices.Compact(moments) {
		then := o.before(at + 1)
		states = append(states, then.State())
	}
	return states, true
}

// before returns the order without the facts and objects that arrived at sequence or later.
func (o *Order) before(sequence uint64) Order {
	then := *o
	then.setFacts(o.factsBefore(sequence))
	for i := range then.sources {
		if then.sources[i].sequence >= sequence {
			then.sources[i] = source{}
		}
	}
	return then
}

// factsBefore returns the facts that arrived before sequence.
func (o *Order) factsBefore(sequence uint64) []fact {
	facts := make([]fact, 0, len(o.facts))
	for i := range o.facts {
		if o.facts[i].first.Sequence < sequence {
			facts = append(facts, o.facts[i])
		}
	}
	return facts
}

// LastChange is what can be derived from an order about its last notification.
type LastChange struct {
	// Effect is the effect that Observe returned. "": the notification added no fact, so it was a
	// repeat or contained only details.
	Effect Effect
	// Before is the status before that notification, if Known.
	Before Status
	Known  bool
}

// LastChange derives the effect of the last notification. Nothing is known if facts beyond MaxFacts
// were dropped.
func (o *Order) LastChange() LastChange {
	if o.Dropped > 0 {
		return LastChange{}
	}
	then := o.before(o.Last.Sequence)
	before, after := then.snapshot(), o.count()
	last := LastChange{Before: before.decider.status, Known: true}
	for i := range o.facts {
		if f := &o.facts[i]; f.first.Sequence == o.Last.Sequence {
			n := Notification{Sequence: f.first.Sequence, Received: f.first.Received, Kind: f.kind, Status: f.status, At: f.at,
				Dated: true, Executed: f.executed, Amount: f.value.amount, Reported: f.value.reported}
			last.Effect, _ = after.effect(&n, true, &before)
		}
	}
	return last
}
