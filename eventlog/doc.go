// Package eventlog is the durable, totally ordered log of every accepted notification.
//
// The package never looks inside a body and never folds anything: it appends exact bytes, returns
// them by sequence, and reports when a reader's position no longer fits the log. It hides NATS from
// the rest of the service.
//
// A record is one message of the JetStream stream NOTIFICATIONS. The subject of the message is
// notifications.<object>.<shard>, or snapshots.<object>.<shard> for a fetched record, where <shard>
// is 00 to 63: the 64-bit FNV-1a hash of the record's key modulo 64. The body of the message is the
// body of the record, the timestamp is the time received, and the headers Content-Type, Request-Id,
// Orderfold-Source and traceparent contain the other fields.
//
// DESIGN.md gives the reasons for this design.
package eventlog
