package client

import "time"

// Instant is a time as the API writes it: RFC 3339 in UTC, or with an offset where UTC has a year before 0001 or after 9999 for
// it. "" is not known.
type Instant string

// Time returns the time in UTC; the zero time when it is not known.
func (i Instant) Time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, string(i))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// instantOf writes a time for a query: with the greatest offset there is where UTC puts it outside the years 0001 to 9999.
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
	ContentType string // application/octet-stream when the sender told none
	RequestID   string
	Traceparent string
	Body        []byte
}
