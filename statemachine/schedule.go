package statemachine

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Cycle is the number of settlement days after the trade date in which the orders of an asset class
// settle.
type Cycle struct {
	Class AssetClass
	From  Day // the first trade date to which the cycle applies; 0: no limit
	Until Day // the last such trade date; 0: no limit
	Days  int
}

// Name returns the cycle in the form T+2.
func (c *Cycle) Name() string { return cycleName(c.Days) }

// MaxCycleDays bounds the days of a cycle.
const MaxCycleDays = 99

// defaultCycles are the cycles of European securities: 2 days until 10 October 2027, then 1 day.
var defaultCycles = []Cycle{
	{Class: Traditional, Days: 2},
	{Class: Traditional, Days: 1, From: DayOf(2027, time.October, 11)},
}

// Schedule determines when orders settle, from the calendar and the cycle of their asset class and
// trade date. Create one with NewSchedule.
type Schedule struct {
	Calendar
	cycles [Tokenized + 1][]Cycle // by class, earliest trade dates first
}

// NewSchedule returns a schedule. A cycle without From replaces the default cycles of its class. A cycle
// with From applies from that trade date on, and the default applies before. The closed days are added to
// those on which TARGET is closed. NewSchedule fails if two cycles of a class have the same From.
func NewSchedule(cycles []Cycle, closed []ClosedDay) (*Schedule, error) {
	s := &Schedule{}
	for _, c := range defaultCycles {
		s.cycles[c.Class] = append(s.cycles[c.Class], c)
	}
	cycles = slices.Clone(cycles)
	slices.SortStableFunc(cycles, func(a, b Cycle) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.From, b.From))
	})
	for i, c := range cycles {
		if i > 0 && cycles[i-1].Class == c.Class && cycles[i-1].From == c.From {
			return nil, fmt.Errorf("%s has two cycles from the same trade date on, %s and %s", c.Class, cycles[i-1].Name(), c.Name())
		}
		known := s.cycles[c.Class]
		end := slices.IndexFunc(known, func(k Cycle) bool { return k.From >= c.From })
		if end >= 0 {
			known = known[:end]
		}
		s.cycles[c.Class] = append(known, c)
	}
	for _, cycles := range s.cycles {
		for i := range cycles[:max(len(cycles)-1, 0)] {
			cycles[i].Until = cycles[i+1].From - 1
		}
	}
	s.addClosed(closed)
	return s, nil
}

// ParseCycle parses a cycle such as TRADITIONAL=1, or TRADITIONAL=1@2027-10-11 for trade dates from
// that day on.
func ParseCycle(text string) (c Cycle, err error) {
	name, value, _ := strings.Cut(text, "=")
	class, ok := ParseAssetClass(name)
	if !ok {
		return c, fmt.Errorf("%q does not begin with an asset class; write TRADITIONAL=2, DIGITAL=0 or TOKENIZED=1", text)
	}
	days, from, dated := strings.Cut(value, "@")
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || n > MaxCycleDays || strconv.FormatUint(n, 10) != days {
		return c, fmt.Errorf("%q does not say after how many settlement days: write 0 to %d, as in %s=2", text, MaxCycleDays, name)
	}
	c = Cycle{Class: class, Days: int(n)}
	if dated {
		if c.From, err = ParseDay(from); err != nil {
			return c, fmt.Errorf("%q: the first trade date is not a day such as 2027-10-11", text)
		}
	}
	return c, nil
}

// ParseCycles parses several cycles. The error lists all invalid ones.
func ParseCycles(texts []string) (cycles []Cycle, err error) {
	var bad []error
	for _, text := range texts {
		c, err := ParseCycle(text)
		cycles, bad = append(cycles, c), append(bad, err)
	}
	return cycles, errors.Join(bad...)
}

// Cycles returns all cycles, by asset class, earliest trade dates first.
func (s *Schedule) Cycles() (cycles []Cycle) {
	for _, of := range s.cycles {
		cycles = append(cycles, of...)
	}
	return cycles
}

// CyclesOf returns the cycles of an asset class.
func (s *Schedule) CyclesOf(class AssetClass) []Cycle { return s.cycles[class] }

// Digest returns a hash of the schedule. Schedules by which an order settles on different days have
// different digests.
func (s *Schedule) Digest() uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, s.cycles, s.added)
	return h.Sum64()
}

// CycleOf returns the cycle of a trade date, or nil if there is none.
func (s *Schedule) CycleOf(class AssetClass, trade Day) *Cycle {
	if trade < firstDay {
		return nil
	}
	for i := len(s.cycles[class]) - 1; i >= 0; i-- {
		if c := &s.cycles[class][i]; c.From <= trade {
			return c
		}
	}
	return nil
}

// Due returns the day that is the given number of settlement days after a trade date. For zero days it
// is the trade date or, if nothing settles on that day, the first settlement day after it.
func (c *Calendar) Due(trade Day, days int) Day {
	due := trade
	if days == 0 {
		for due < lastDay && c.Closed(due) != "" {
			due++
		}
	}
	for days > 0 && due < lastDay {
		if due++; c.Closed(due) == "" {
			days--
		}
	}
	return due
}

// Settlement returns the settlement, as of today, of an order with the given class and state. If nothing
// was executed or there is no cycle, known is false and the state is NothingToSettle.
func (s *Schedule) Settlement(class AssetClass, state *State, today Day) (of Settlement, known bool) {
	of.State = NothingToSettle
	if len(s.cycles[class]) == 0 || state.Extent == NothingExecuted && state.Traded == 0 && state.Status != Settled {
		return of, false
	}
	if cycle := s.CycleOf(class, state.Traded); cycle != nil {
		of.Trade, of.Days, of.Due = state.Traded, cycle.Days, s.Due(state.Traded, cycle.Days)
	} else if state.AwaitsSettlement() {
		return of, false
	}
	switch {
	case state.Status == Settled:
		of.State = HasSettled
	case of.Due == 0:
	case of.Due > today:
		of.State = SettlesLater
	case of.Due == today:
		of.State = SettlesToday
	default:
		of.State, of.OverdueDays = Overdue, s.Between(of.Due, today)
	}
	return of, true
}

// Days is the range from First to Last, both included; empty if Last is earlier.
type Days struct{ First, Last Day }

// And returns the intersection of d and other.
func (d Days) And(other Days) Days { return Days{max(d.First, other.First), min(d.Last, other.Last)} }

// None reports whether the range is empty.
func (d Days) None() bool { return d.Last < d.First }

// AllDays is the range of all days.
var AllDays = Days{firstDay, lastDay}

// DaysOf returns the trade dates to which the cycle applies.
func (c *Cycle) DaysOf() Days { return Days{max(c.From, firstDay), cmp.Or(c.Until, lastDay)} }

// Traded returns the trade dates of cycle c whose orders are due on one of the days in due. These trade
// dates are a range, because a later trade is never due earlier.
func (s *Schedule) Traded(c *Cycle, due Days) Days {
	of := c.DaysOf()
	first := func(d Day) Day { // the first trade date that is due on d or later
		n := sort.Search(int(of.Last-of.First)+1, func(i int) bool { return s.Due(of.First+Day(i), c.Days) >= d })
		return of.First + Day(n)
	}
	return Days{first(due.First), first(max(due.First, due.Last+1)) - 1}
}
