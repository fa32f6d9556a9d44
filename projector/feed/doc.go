// Package feed turns what a fold changed into order events: their types, headers, bodies and digests. It is pure: where events are
// kept, and when they are published, is the business of others. docs/stream.md describes events for those who read them.
package feed
