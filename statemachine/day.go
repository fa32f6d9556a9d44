package statemachine

import (
	"errors"
	"time"
)

// Day is a calendar day, counted from 1 January of the year 1, which is day 1. The zero value means no
// day.
type Day int32

const (
	firstDay      Day = 1
	lastDay       Day = 3_652_059 // 31 December 9999
	secondsOfADay     = 24 * 60 * 60
)

var beforeFirstDay = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC).Unix()

var errDay = errors.New("expected a day such as 2026-03-02")

// DayOf returns the day of a date. For a date outside the years 1 to 9999, it returns the first or the
// last day of these years.
func DayOf(year int, month time.Month, day int) Day {
	return dayOfUnix(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix())
}

func dayOfUnix(seconds int64) Day {
	seconds -= beforeFirstDay
	if seconds < 0 {
		return firstDay
	}
	return Day(min(max(seconds/secondsOfADay, int64(firstDay)), int64(lastDay)))
}

// BerlinDay returns the date in Berlin at t. For every year it follows the rule of the European
// Union since 1996: two hours ahead of UTC from 01:00 UTC on the last Sunday of March until the
// same time on the last Sunday of October, otherwise one hour. The result does not depend on the time
// zone files of the machine.
func BerlinDay(t time.Time) Day {
	t = t.UTC()
	const winter, summer = 1 * 60 * 60, 2 * 60 * 60
	offset := int64(winter)
	switch month := t.Month(); {
	case month > time.March && month < time.October:
		offset = summer
	case month == time.March && !t.Before(lastSunday(t.Year(), month)):
		offset = summer
	case month == time.October && t.Before(lastSunday(t.Year(), month)):
		offset = summer
	}
	return dayOfUnix(t.Unix() + offset)
}

// lastSunday returns 01:00 UTC of the last Sunday of a month that has 31 days.
func lastSunday(year int, month time.Month) time.Time {
	end := time.Date(year, month, 31, 1, 0, 0, 0, time.UTC)
	return end.AddDate(0, 0, -int(end.Weekday()))
}

// ParseDay parses a day such as 2026-03-02.
func ParseDay(text string) (Day, error) {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil || at.Year() < 1 {
		return 0, errDay
	}
	return dayOfUnix(at.Unix()), nil
}

// Date returns the beginning of the day in UTC.
func (d Day) Date() time.Time {
	return time.Unix(beforeFirstDay+int64(d)*secondsOfADay, 0).UTC()
}

// Weekday returns the day of the week.
func (d Day) Weekday() time.Weekday { return time.Weekday(d % 7) } // the first day was a Monday

// String returns the day in the form 2026-03-02; "" for no day.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return d.Date().Format(time.DateOnly)
}
