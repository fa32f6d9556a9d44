// Package feed turns the changes made by a fold into order events: their types, headers, bodies and
// digests. It is pure: it does not decide when events are published, and does not store them.
// docs/stream.md describes the events for those who read them.
package feed
