package eventlog

import (
	"context"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// PingInterval returns how often the connection to the server of the log asks whether it is there.
func PingInterval(opts Options) (time.Duration, error) {
	opts.Logger = zap.NewNop()
	conn, err := connect(context.Background(), opts)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.Opts.PingInterval, nil
}

// JetStream gives the tests the log's own connection, which has every right.
func JetStream(l *Log) jetstream.JetStream { return l.js }

// Message and HeaderValue are tested from outside with everything else.
var (
	Message     = message
	HeaderValue = headerValue
)

// Annotate writes a note into the stream.
func Annotate(ctx context.Context, l *Log, key string) error {
	return l.annotate(ctx, func(notes map[string]string) { notes[key] = "noted" })
}

// AskAgain sends a question until it has an answer.
func AskAgain(ctx context.Context, l *Log, subject string) (answer string, err error) {
	msg, err := l.askAgain(ctx, subject)
	if err != nil {
		return "", err
	}
	return string(msg.Data), nil
}

// Queued returns how many records wait to be sent.
func Queued(l *Log) int {
	l.group.mu.Lock()
	defer l.group.mu.Unlock()
	return len(l.group.queue)
}

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

// SetClock has the subscribers take that for the time.
func SetClock(s *Subscribers, now func() time.Time) { s.now = now }
