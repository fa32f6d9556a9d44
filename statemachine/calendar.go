package statemachine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Calendar determines the days on which nothing settles, because TARGET is closed. The zero value
// contains the weekends and the holidays of TARGET; NewSchedule can add days.
type Calendar struct{ added []ClosedDay } // by day

// ClosedDay is a day on which nothing settles, with the reason.
type ClosedDay struct {
	Day    Day
	Reason string
}

// holidays are the days of each year on which TARGET is closed. The day of a holiday without a month is
// relative to Easter Sunday.
var holidays = [...]struct {
	month  time.Month
	day    int
	reason string
}{
	{time.January, 1, "New Year's Day"},
	{0, -2, "Good Friday"},
	{0, 1, "Easter Monday"},
	{time.May, 1, "Labour Day"},
	{time.December, 25, "Christmas Day"},
	{time.December, 26, "Boxing Day"},
}

// easter returns Easter Sunday, by the algorithm of Meeus, Jones and Butcher for the Gregorian
// calendar.
func easter(year int) Day {
	a, b, c := year%19, year/100, year%100
	d, e, g := b/4, b%4, (8*b+13)/25
	h := (19*a + b - d - g + 15) % 30
	m := (a + 11*h) / 319
	r := (2*e + 2*(c/4) - c%4 - h + m + 32) % 7
	month := (h - m + r + 90) / 25
	return DayOf(year, time.Month(month), (h-m+r+month+19)%32)
}

// Closed returns why nothing settles on the day, or "" for a settlement day.
func (c *Calendar) Closed(d Day) (reason string) {
	if reason := holiday(d); reason != "" {
		return reason
	}
	if weekday := d.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		return weekday.String()
	}
	if i, found := slices.BinarySearchFunc(c.added, d, ClosedDay.compare); found {
		return c.added[i].Reason
	}
	return ""
}

func (a ClosedDay) compare(d Day) int { return cmp.Compare(a.Day, d) }

func holiday(d Day) (reason string) {
	year, month, day := d.Date().Date()
	for i := range holidays {
		h := &holidays[i]
		switch {
		case h.month == month && h.day == day:
			return h.reason
		case h.month == 0 && (month == time.March || month == time.April) && d == easter(year)+Day(h.day):
			return h.reason
		}
	}
	return ""
}

// ClosedDays returns the days from first to last, both included, on which nothing settles.
func (c *Calendar) ClosedDays(first, last Day) (closed []ClosedDay) {
	for d := max(first, firstDay); d <= min(last, lastDay); d++ {
		if reason := c.Closed(d); reason != "" {
			closed = append(closed, ClosedDay{d, reason})
		}
	}
	return closed
}

// Between returns the number of settlement days that are later than after and not later than until. The
// number is negative if until is earlier. Between takes time proportional to the years between the days.
func (c *Calendar) Between(after, until Day) int {
	if until < after {
		return -c.Between(until, after)
	}
	n := weekdays(until) - weekdays(after)
	for year := (after + 1).Date().Year(); year <= until.Date().Year(); year++ {
		sunday := easter(year)
		for i := range holidays {
			h := &holidays[i]
			d := sunday + Day(h.day)
			if h.month != 0 {
				d = DayOf(year, h.month, h.day)
			}
			if d > after && d <= until && weekdays(d) > weekdays(d-1) {
				n--
			}
		}
	}
	first, _ := slices.BinarySearchFunc(c.added, after+1, ClosedDay.compare)
	end, _ := slices.BinarySearchFunc(c.added, until+1, ClosedDay.compare)
	return n - (end - first)
}

// weekdays returns the number of days from Monday to Friday from the first day up to d.
func weekdays(d Day) int { return int(d)/7*5 + min(int(d)%7, 5) }

// addClosed adds days that would otherwise be settlement days.
func (c *Calendar) addClosed(days []ClosedDay) {
	c.added = slices.Clone(c.added)
	for _, d := range days {
		i, _ := slices.BinarySearchFunc(c.added, d.Day, ClosedDay.compare)
		if c.Closed(d.Day) == "" {
			c.added = slices.Insert(c.added, i, d)
		}
	}
}

const (
	closedByFile = "closed by the operator"
	maxReason    = 200 // bytes
	maxBadLines  = 20  // listed in one error
)

// ParseClosedDays parses days on which nothing settles: one date per line, such as 2026-12-24, with
// the reason after a #. Empty lines, and those that begin with #, are ignored. The error lists the
// invalid lines.
func ParseClosedDays(text string) (days []ClosedDay, err error) {
	var bad []error
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		date, reason, _ := strings.Cut(line, "#")
		date, reason = strings.TrimSpace(date), strings.TrimSpace(reason)
		if date == "" {
			continue
		}
		d, err := ParseDay(date)
		switch {
		case err != nil:
			err = fmt.Errorf("line %d: %.40q is not a date such as 2026-12-24", number, date)
		case len(reason) > maxReason:
			err = fmt.Errorf("line %d: the reason has %d bytes; at most %d are read", number, len(reason), maxReason)
		}
		if err != nil {
			bad = append(bad, err)
		}
		days = append(days, ClosedDay{d, cmp.Or(reason, closedByFile)})
	}
	if more := len(bad) - maxBadLines; more > 0 {
		bad = append(bad[:maxBadLines], fmt.Errorf("and %d more lines", more))
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	return days, nil
}
