package platformtest

import "slices"

// fate is what becomes of a notification.
type fate uint8

const (
	delivered fate = iota
	listed         // never posted; in the list of undelivered webhooks
	unheard        // never posted, and nowhere said
)

// fates returns what becomes of each notification of the order. Its chance is a stream of its own: that some are lost changes
// nothing about the others.
func (t Traffic) fates(o *order) []fate {
	all := make([]fate, o.count())
	if t.Lost == 0 || t.isExhibit(o.index) {
		return all
	}
	s := newSource(t.Seed, uint64(t.Start.UnixNano()), uint64(o.index), 'l')
	unlisted := false
	for i := range all {
		isLost, isListed := s.Float64() < t.Lost, s.Float64() < t.Listed
		switch {
		case isLost && isListed:
			all[i] = listed
		case isLost:
			all[i], unlisted = unheard, true
		}
	}
	if unlisted && !o.leavesAQuestion(all) {
		for i := range all[:len(o.notes)] {
			all[i] = min(all[i], listed)
		}
	}
	return all
}

// leavesAQuestion says whether one who hears of everything but what is unheard knows of the order, and either takes it for
// unfinished or is right about it, also when the platform was asked once before, at whatever moment. Otherwise there would be
// nothing to ask the platform about, and no way to be right.
func (o *order) leavesAQuestion(fates []fate) bool {
	var heard []Fact
	for i := range o.notes {
		if fates[i] != unheard {
			heard = append(heard, o.notes[i].fact())
		}
	}
	if len(heard) == 0 {
		return false
	}
	final := o.state(o.standing(len(o.notes)))
	for asked := range len(o.notes) {
		known := slices.Clone(heard)
		if is := o.standing(asked); is != nil {
			answer := is.fact()
			answer.Fetched = true
			known = append(known, answer)
		}
		if e := Truth(known); e.Final && (*e.Status != final.Status || final.Executed != executedOf(e)) {
			return false
		}
	}
	return true
}

// executedOf is what is known to be executed; "0" when nothing is.
func executedOf(e Expected) string {
	if e.ExecutedQuantity == nil {
		return "0"
	}
	return *e.ExecutedQuantity
}
