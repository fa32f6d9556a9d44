package api

import (
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// moment is a time in a query, or a day, which is a period.
type moment struct {
	// For a day, its beginning in UTC, whatever the zone in which it is read.
	time.Time
	given bool
	day   bool
}

// Schema describes a time or a day. The formats are in an extension because huma would otherwise
// check them first and refuse leap seconds.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{
		"anyOf": []map[string]string{{"format": "date-time"}, {"format": "date"}}}}
}

// UnmarshalText reads a time in RFC 3339, or a day such as 2026-03-02.
func (m *moment) UnmarshalText(text []byte) (err error) {
	m.given = true
	if m.Time, err = statemachine.ParseTime(string(text)); err == nil {
		return nil
	}
	if m.Time, err = time.Parse(time.DateOnly, string(text)); err != nil || m.Year() < 1 {
		return errors.New("expected a time such as 2026-03-02T09:00:00Z (RFC 3339), with + written as %2B, or a day such as 2026-03-02")
	}
	m.day = true
	return nil
}

// begin returns the time, or the beginning of the day in zone; nil if none is given.
func (m *moment) begin(zone *time.Location) *time.Time { return m.dayBegin(zone, 0) }

// end returns the time, or the last nanosecond of the day in zone; nil if none is given.
func (m *moment) end(zone *time.Location) *time.Time {
	end := m.dayBegin(zone, 1)
	if m.day {
		*end = end.Add(-1)
	}
	return end
}

// dayBegin returns the time, or the beginning of the day that is the given number of days later. A
// day may have 23 or 25 hours.
func (m *moment) dayBegin(zone *time.Location, days int) *time.Time {
	if !m.given {
		return nil
	}
	at := m.Time
	if m.day {
		at = time.Date(at.Year(), at.Month(), at.Day()+days, 0, 0, 0, 0, zone)
	}
	return &at
}
