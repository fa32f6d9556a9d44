package platformtest

import "math/big"

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
	if t.Lost == 0 {
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
// unfinished or is right about it. Otherwise there would be nothing to ask the platform about, and no way to be right.
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
	e := Truth(heard)
	if !e.Final {
		return true
	}
	executed := new(big.Rat)
	if e.ExecutedQuantity != nil {
		executed.SetString(*e.ExecutedQuantity) // Truth's own text
	}
	is := o.standing(len(o.notes))
	return *e.Status == plainStatus(is.status) && executed.Cmp(is.executed().rat()) == 0
}
