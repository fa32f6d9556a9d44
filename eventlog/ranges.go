package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Range contains every sequence from First to Last.
type Range struct{ First, Last uint64 }

// Ranges is a set of sequences, as ascending ranges that neither overlap nor touch. nil is the empty
// set.
type Ranges []Range

// Count returns the number of sequences.
func (r Ranges) Count() uint64 { return r.Between(0, ^uint64(0)) }

// Between returns the number of sequences greater than after and at most until.
func (r Ranges) Between(after, until uint64) (count uint64) {
	for _, g := range r {
		if first, last := max(g.First, after+1), min(g.Last, until); first <= last {
			count += last - first + 1
		}
	}
	return count
}

// Contains reports whether the sequence is in one of the ranges.
func (r Ranges) Contains(sequence uint64) bool { return r.end(sequence) != 0 }

// end returns the last sequence of the range that contains sequence, or 0 if none does.
func (r Ranges) end(sequence uint64) uint64 {
	i, _ := slices.BinarySearchFunc(r, sequence, func(g Range, s uint64) int { return cmp.Compare(g.Last, s) })
	if i == len(r) || r[i].First > sequence {
		return 0
	}
	return r[i].Last
}

// sequences returns the sequences in ascending order, but not more than the first most of them.
func (r Ranges) sequences(most int) (all []uint64) {
	for _, g := range r {
		for s := g.First; s <= g.Last && len(all) < most; s++ {
			all = append(all, s)
		}
	}
	return all
}

// with returns the union of r and more.
func (r Ranges) with(more Ranges) (all Ranges) {
	sorted := slices.SortedFunc(slices.Values(slices.Concat(r, more)), func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	for _, g := range sorted {
		if n := len(all); n > 0 && g.First <= all[n-1].Last+1 {
			all[n-1].Last = max(all[n-1].Last, g.Last)
		} else {
			all = append(all, g)
		}
	}
	return all
}

// without returns the sequences of r that are not in others.
func (r Ranges) without(others Ranges) (left Ranges) {
	for _, g := range r {
		for _, o := range others {
			if o.Last < g.First {
				continue
			}
			if o.First > g.Last {
				break
			}
			if o.First > g.First {
				left = append(left, Range{g.First, o.First - 1})
			}
			if g.First = o.Last + 1; g.First > g.Last {
				break
			}
		}
		if g.First <= g.Last {
			left = append(left, g)
		}
	}
	return left
}

// shared returns the intersection of r and others.
func (r Ranges) shared(others Ranges) Ranges { return r.without(r.without(others)) }

// String returns the ranges in the form that parseRanges parses: "7,2644-15000".
func (r Ranges) String() string {
	said := make([]string, len(r))
	for i, g := range r {
		if said[i] = strconv.FormatUint(g.First, 10); g.Last > g.First {
			said[i] += "-" + strconv.FormatUint(g.Last, 10)
		}
	}
	return strings.Join(said, ",")
}

// toldRanges is the largest number of ranges that Words lists.
const toldRanges = 5

// Words returns a description of the ranges as missing records, for an operator: "records 2644 to
// 15000 are missing, 12357 in all". There must be at least one range.
func (r Ranges) Words() string {
	said := make([]string, 0, toldRanges+1)
	for _, g := range r[:min(len(r), toldRanges)] {
		text := strconv.FormatUint(g.First, 10)
		if g.Last > g.First {
			text += " to " + strconv.FormatUint(g.Last, 10)
		}
		said = append(said, text)
	}
	if more := len(r) - toldRanges; more > 0 {
		said = append(said, fmt.Sprintf("and %d more ranges", more))
	}
	if r.Count() == 1 {
		return "record " + said[0] + " is missing"
	}
	return fmt.Sprintf("records %s are missing, %d in all", strings.Join(said, ", "), r.Count())
}

// parseRanges parses the output of String. It returns an error for any other form, which must have
// been written by another program or is damaged.
func parseRanges(text string) (all Ranges, err error) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		var g Range
		if g.First, err = strconv.ParseUint(from, 10, 63); err != nil {
			return nil, err
		}
		g.Last = g.First
		if isRange {
			if g.Last, err = strconv.ParseUint(to, 10, 63); err != nil {
				return nil, err
			}
		}
		all = append(all, g)
		if n := len(all); g.First == 0 || g.Last < g.First || n > 1 && g.First <= all[n-2].Last+1 {
			return nil, errors.New("the ranges do not ascend")
		}
	}
	if all.String() != text {
		return nil, errors.New("the ranges have an unexpected form")
	}
	return all, nil
}
