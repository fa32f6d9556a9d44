package platformtest

import (
	"math/big"
	"slices"
)

// first returns the earliest fact with one of the statuses, or nil if there is none.
func first(facts []Fact, statuses ...string) *Fact {
	var earliest *Fact
	for i := range facts {
		f := &facts[i]
		if slices.Contains(statuses, f.Status) && (earliest == nil || f.At.Before(earliest.At)) {
			earliest = f
		}
	}
	return earliest
}

// anyAfter reports whether a fact with one of the statuses is later than since. It returns false if since
// is nil.
func anyAfter(facts []Fact, since *Fact, statuses ...string) bool {
	return since != nil && slices.ContainsFunc(facts, func(f Fact) bool {
		return slices.Contains(statuses, f.Status) && f.At.After(since.At)
	})
}

// anyAtOrAfter is like anyAfter, but includes facts with the same time as since.
func anyAtOrAfter(facts []Fact, since *Fact, statuses ...string) bool {
	return since != nil && slices.ContainsFunc(facts, func(f Fact) bool {
		return slices.Contains(statuses, f.Status) && !f.At.Before(since.At)
	})
}

// breaksOf returns the codes of the breaks, sorted.
func breaksOf(counting []Fact, base *Fact, executed, quantity *big.Rat) []string {
	var (
		firstFilled  = first(counting, filled)
		firstPartial = first(counting, partiallyFilled)
		firstClosed  = first(counting, closedOrder...)
		firstSettled = first(counting, settled)
		nothing      = executed == nil || executed.Sign() == 0
	)
	conditions := map[string]bool{
		"unknown_status":    hasUnknownStatus(counting),
		"unused_status":     first(counting, unusedStatuses...) != nil,
		"conflicting_close": countClosed(counting) > 1,
		"close_after_fill":  anyAtOrAfter(counting, firstFilled, closedOrder...),
		"fill_after_close":  anyAfter(counting, firstClosed, filled, partiallyFilled),
		"settled_without_fill": firstSettled != nil && firstFilled == nil && firstPartial == nil && nothing &&
			(base == nil || !base.Fetched),
		"after_settlement": anyAfter(counting, firstSettled, received, pending, placed, partiallyFilled, corrected,
			canceled, expired, rejected, filled),
		"rejected_after_fill": anyAtOrAfter(counting, firstPartial, rejected),
		"possible_bust":       anyAfter(counting, firstFilled, partiallyFilled),
		"reopened":            anyAfter(counting, firstClosed, placed, pending),
		"time_inversion":      anyAfter(counting, firstFilled, placed, pending, received),
		"invalid_superseded":  invalidComesFirst(counting),
		"overfill":            executed != nil && quantity != nil && executed.Cmp(quantity) > 0,
		"underfilled":         filledTells(counting) && executed != nil && quantity != nil && executed.Cmp(quantity) < 0,
		"executed_decreased":  executedDecreases(counting),
	}
	codes := []string{}
	for code, holds := range conditions {
		if holds {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

var unusedStatuses = []string{cancellationRejected, cancellationAccepted, reconciliationCorrects}

func hasUnknownStatus(counting []Fact) bool {
	return slices.ContainsFunc(counting, func(f Fact) bool {
		return ranks[f.Status] == 0 && !slices.Contains(unusedStatuses, f.Status)
	})
}

func countClosed(counting []Fact) int {
	different := 0
	for _, status := range closedOrder {
		if first(counting, status) != nil {
			different++
		}
	}
	return different
}

// filledTells reports whether a FILLED fact contains an executed quantity.
func filledTells(counting []Fact) bool {
	return slices.ContainsFunc(counting, func(f Fact) bool { return f.Status == filled && f.Executed != nil })
}

// invalidComesFirst reports whether the first INVALID is before every fact of rank 3 or more, and there is
// such a fact.
func invalidComesFirst(counting []Fact) bool {
	firstInvalid := first(counting, invalid)
	earliest := first(counting, pending, placed, partiallyFilled, corrected, canceled, expired, rejected, filled, settled)
	return firstInvalid != nil && earliest != nil && firstInvalid.At.Before(earliest.At)
}

func executedDecreases(counting []Fact) bool {
	for _, older := range counting {
		for _, newer := range counting {
			if older.Executed != nil && newer.Executed != nil && older.At.Before(newer.At) &&
				newer.Executed.Cmp(older.Executed) < 0 {
				return true
			}
		}
	}
	return false
}
