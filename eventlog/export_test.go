package eventlog

import (
	"context"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

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

// Backup reads what the server of that connection gives as a backup, up to the end or an error.
func Backup(ctx context.Context, conn *nats.Conn) (records []Record, err error) {
	b, err := (&Log{conn: conn}).backup(ctx)
	if err != nil {
		return nil, err
	}
	defer b.close()
	for {
		r, err := b.next("log")
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
}

// Attributes are what a block of headers says, read after that of another record as a backup does, and by the client library.
func Attributes(before, block []byte) (got, want any, gotErr, wantErr error) {
	var a attributes
	_ = a.read(before)
	gotErr = a.read(block)
	var header nats.Header
	if len(block) > 0 {
		header, wantErr = nats.DecodeHeadersMsg(block)
	}
	return a, attributesOf(header), gotErr, wantErr
}
