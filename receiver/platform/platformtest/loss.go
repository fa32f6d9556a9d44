package platformtest

import "slices"

// fate is what happens to a notification.
type fate uint8

const (
	delivered fate = iota
	listed         // never posted; in the list of undelivered webhooks
	unheard        // never posted, and not in the list
)

// fates returns the fate of each notification of the order. It uses a separate stream of random numbers,
// so that losses do not change anything else.
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

// leavesAQuestion reports whether a reader that has all notifications except the unheard ones knows the
// order, and either does not consider it final or has its right state, even if the reader asked the
// platform once before. Otherwise the reader would keep a wrong state without a reason to ask the
// platform.
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

// executedOf returns the known executed quantity; "0" if there is none.
func executedOf(e Expected) string {
	if e.ExecutedQuantity == nil {
		return "0"
	}
	return *e.ExecutedQuantity
}
