package eventlog

import "github.com/nats-io/nats.go/jetstream"

// JetStream gives the tests the log's own connection, which has every right.
func JetStream(l *Log) jetstream.JetStream { return l.js }

// Message and HeaderValue are tested from outside with everything else.
var (
	Message     = message
	HeaderValue = headerValue
)
