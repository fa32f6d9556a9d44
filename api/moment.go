package api

import (
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// moment is a time in a query, or a day, which is a period.
type moment struct {
	time.Time // of a day: its beginning in UTC, whatever the zone that it is read in
	given     bool
	day       bool
}

// Schema says that it is a time or a day. The formats are an extension for huma, which would otherwise check them first, and refuse
// leap seconds.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{
		"anyOf": []map[string]string{{"format": "date-time"}, {"format": "date"}}}}
}

// UnmarshalText reads RFC 3339, or a day as in 2026-03-02.
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

// begin returns the time, or when the day begins there; nil when none is given.
func (m *moment) begin(zone *time.Location) *time.Time { return m.dayBegin(zone, 0) }

// end returns the time, or the last nanosecond of the day there; nil when none is given.
func (m *moment) end(zone *time.Location) *time.Time {
	end := m.dayBegin(zone, 1)
	if m.day {
		*end = end.Add(-1)
	}
	return end
}

// dayBegin returns when the day so many days later begins. A day may have 23 or 25 hours.
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
