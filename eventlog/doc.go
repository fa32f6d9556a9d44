// Package eventlog is the durable, totally ordered log of every accepted notification.
//
// It never looks inside a body and never folds anything: it appends exact bytes, returns them by
// sequence, and reports when a reader's position no longer fits the log. It is the only package
// that knows NATS.
//
// A record is one message of the JetStream stream NOTIFICATIONS. Its subject is
// notifications.<object>.<shard>, or snapshots.<object>.<shard> for a fetched one, where <shard> is
// 00 to 63: the 64-bit FNV-1a of the record's key modulo 64. The message's body is the record's,
// its timestamp is the time received, and the headers Content-Type, Request-Id, Orderfold-Source
// and traceparent contain the rest.
//
// DESIGN.md gives the reasons for this design.
package eventlog
