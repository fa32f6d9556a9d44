package eventlog

import (
	"context"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// PingInterval returns the ping interval of a connection to the server of the log.
func PingInterval(opts Options) (time.Duration, error) {
	opts.Logger = zap.NewNop()
	conn, err := connect(context.Background(), opts)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.Opts.PingInterval, nil
}

// JetStream returns the log's own connection, which has every permission.
func JetStream(l *Log) jetstream.JetStream { return l.js }

// Message and HeaderValue are exported for the tests.
var (
	Message     = message
	HeaderValue = headerValue
)

// Annotate sets a key in the stream's metadata.
func Annotate(ctx context.Context, l *Log, key string) error {
	return l.annotate(ctx, func(notes map[string]string) { notes[key] = "noted" })
}

// AskAgain sends a request until it is answered.
func AskAgain(ctx context.Context, l *Log, subject string) (answer string, err error) {
	msg, err := l.askAgain(ctx, subject)
	if err != nil {
		return "", err
	}
	return string(msg.Data), nil
}

// Queued returns the number of records that wait to be sent.
func Queued(l *Log) int {
	l.group.mu.Lock()
	defer l.group.mu.Unlock()
	return len(l.group.queue)
}

// Waiting returns the number of appends without an outcome, and whether a batch is in flight.
func Waiting(l *Log) (records int, batch bool) {
	l.group.mu.Lock()
	defer l.group.mu.Unlock()
	return l.group.waiting, l.group.batches > 0
}

// Backup requests a backup over a connection, and reads it up to the end or an error.
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

// Attributes returns the attributes in a header block, read after those of another record as from a
// backup, and those that the client library reads.
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

// SetClock makes the subscribers use another clock.
func SetClock(s *Subscribers, now func() time.Time) { s.now = now }
