package statemachine

// LastNews returns the arrival of the latest new fact, not counting repeats. Without a fact it is
// the first arrival.
func (o *Order) LastNews() Arrival {
	news := o.First
	for i := range o.facts {
		if f := &o.facts[i]; f.first.Sequence > news.Sequence {
			news = f.first
		}
	}
	return news
}

// LastAnswer returns the arrival of the last fetched fact, not counting answers that repeat an
// earlier one; ok is false if there is none.
func (o *Order) LastAnswer() (last Arrival, ok bool) {
	for i := range o.facts {
		if f := &o.facts[i]; f.kind == Fetched && f.first.Sequence > last.Sequence {
			last, ok = f.first, true
		}
	}
	return last, ok
}
