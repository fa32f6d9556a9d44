package eventlog

import "github.com/nats-io/nats.go/jetstream"

// JetStream gives the tests the log's own connection, which has every right.
func JetStream(l *Log) jetstream.JetStream { return l.js }

// Message and HeaderValue are tested from outside with everything else.
var (
	Message     = message
	HeaderValue = headerValue
)

// Waiting is how many appends have no outcome yet, and whether a batch is on its way.
func Waiting(l *Log) (records int, batch bool) {
	l.group.mu.Lock()
	defer l.group.mu.Unlock()
	return l.group.waiting, l.group.batches > 0
}
