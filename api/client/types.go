package client

import "time"

// Instant is a time as the API writes it: RFC 3339 in UTC, or with an offset if its year in UTC is before
// 0001 or after 9999. "" means unknown.
type Instant string

// Time returns the time in UTC, or the zero time if it is unknown.
func (i Instant) Time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, string(i))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// instantOf formats a time for a query. If its year in UTC is not one of 0001 to 9999, it has the greatest
// possible offset.
func instantOf(t time.Time) Instant {
	const most = 23*60*60 + 59*60
	switch t = t.UTC(); {
	case t.Year() < 1:
		t = t.In(time.FixedZone("", most))
	case t.Year() > 9999:
		t = t.In(time.FixedZone("", -most))
	}
	return Instant(t.Format(time.RFC3339Nano))
}

// Notification is a record of the log as it was received.
type Notification struct {
	Sequence    uint64
	ReceivedAt  Instant
	Source      string // webhook, recovered or fetched
	Object      string // traditional-asset-order, customer, …
	ContentType string // application/octet-stream if the sender set none
	RequestID   string
	Traceparent string
	Body        []byte
}
