package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

const (
	// backupRecords is the number of records from which a reader requests a backup, and backupAfter
	// the number of records that it first reads from a consumer, because many readers stop after a
	// few.
	backupRecords = 10_000
	backupAfter   = 500
	// backupChunk and backupWindow bound the compressed data in flight, in bytes. The server ends the
	// backup if no chunk is acknowledged within five seconds.
	backupChunk  = 64 << 10
	backupWindow = 32 * backupChunk
	// backupPatience bounds the wait for the answer to the request. A user without permission gets no
	// answer.
	backupPatience = 2 * time.Second
	// backupPause is the time until the next request after errNoBackup.
	backupPause = 10 * time.Minute
)

// errNoBackup occurs if the server provides no backup that can be read: the server is older, this
// user has no permission, or the server did not answer in time.
var errNoBackup = errors.New("the server provides no backup of the stream")

// backup reads a backup of the stream while the server makes it. The backup contains the same
// records that a consumer would deliver, and the server compares the same checksums, with half of the
// work.
type backup struct {
	ctx    context.Context // stored, because Read is called by embedded.BackupReader
	conn   *nats.Conn
	sub    *nats.Subscription
	chunks chan *nats.Msg
	quiet  *time.Timer
	rest   []byte // what is left of the current chunk
	number uint64 // of the current chunk, counted from 1
	ended  bool   // the server has sent everything
	failed error  // the last error of Read, which embedded.BackupReader does not return

	reader     *embedded.BackupReader
	attributes attributes // of the last record
}

// mayBackUp reports whether a reader should request a backup. A guest has no permission to do so,
// and after errNoBackup there is a pause.
func (l *Log) mayBackUp() bool {
	return l.mayNote && time.Now().UnixNano() >= l.noBackup.Load()
}

// backup requests a backup of the stream. The caller must close it. Errors: errNoBackup, and errors
// of the server or the connection.
func (l *Log) backup(ctx context.Context) (b *backup, err error) {
	// The last chunk and the end marker are not counted in the window.
	b = &backup{ctx: ctx, conn: l.conn, chunks: make(chan *nats.Msg, backupWindow/backupChunk+2), quiet: time.NewTimer(silence)}
	if b.sub, err = l.conn.ChanSubscribe(l.conn.NewInbox(), b.chunks); err == nil {
		err = b.request()
	}
	if err == nil {
		b.reader, err = embedded.NewBackupReader(b)
		if err = b.reason(err); errors.Is(err, embedded.ErrBackupFormat) {
			err = fmt.Errorf("%w in a format that this version can read", errNoBackup)
		}
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// request requests the backup, and returns the server's error if it refuses.
func (b *backup) request() error {
	request, err := json.Marshal(snapshotOrder{Deliver: b.sub.Subject, NoConsumers: true, Chunk: backupChunk, Window: backupWindow})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.ctx, backupPatience)
	defer cancel()
	msg, err := b.conn.RequestWithContext(ctx, snapshotRequest, request)
	if err != nil && b.ctx.Err() == nil && b.conn.IsConnected() {
		return fmt.Errorf("%w: %w", errNoBackup, err)
	}
	if err != nil {
		return err
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}

// close ends the backup. If the server has not sent all of it, the server stops because nobody
// receives the chunks.
func (b *backup) close() {
	b.quiet.Stop()
	if b.sub != nil {
		_ = b.sub.Unsubscribe() // fails only if the connection, and so the subscription, is gone
	}
}

// Read implements io.Reader for the compressed bytes of the backup.
func (b *backup) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.ended {
			return 0, io.EOF
		}
		msg, err := b.receive()
		if err == nil {
			err = b.accept(msg)
		}
		if b.failed = err; err != nil {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// receive returns the next chunk, or an error if there is none for too long.
func (b *backup) receive() (*nats.Msg, error) {
	b.quiet.Reset(silence)
	select {
	case msg, ok := <-b.chunks:
		if !ok {
			return nil, nats.ErrConnectionClosed
		}
		return msg, nil
	case <-b.quiet.C:
		return nil, errors.New("the server is silent")
	case <-b.ctx.Done():
		return nil, b.ctx.Err()
	}
}

// accept makes a message the current chunk, and acknowledges it. The ack subject ends in the number
// of the chunk. The last chunk has no ack subject, and the end marker after it has no body.
func (b *backup) accept(msg *nats.Msg) error {
	if len(msg.Data) == 0 {
		if status := first(msg.Header, "Status"); status != "" && status != "204" {
			return fmt.Errorf("the server answers %s %s", status, first(msg.Header, "Description"))
		}
		b.ended = true
		return nil
	}
	b.rest = msg.Data
	b.number++
	if msg.Reply == "" {
		return nil
	}
	if number := msg.Reply[strings.LastIndexByte(msg.Reply, '.')+1:]; number != strconv.FormatUint(b.number, 10) {
		return fmt.Errorf("chunk %s arrived instead of chunk %d", number, b.number)
	}
	return b.conn.Publish(msg.Reply, nil)
}

// reason returns the error behind err, an error of b.reader: that of Read if Read failed.
func (b *backup) reason(err error) error {
	if err != nil && b.failed != nil {
		return b.failed
	}
	return err
}

// next returns the next record, as one of the log with that identity, or io.EOF at the end.
func (b *backup) next(log string) (Record, error) {
	entry, err := b.reader.Next()
	if err != nil {
		return Record{}, b.reason(err)
	}
	if err := b.attributes.read(entry.Header); err != nil {
		return Record{}, err
	}
	return record(log, entry.Sequence, entry.Stored, entry.Subject, b.attributes, entry.Body), nil
}

// restore yields records from a backup. If the backup ends early, for whatever reason, the caller
// continues with a consumer, which reports any fault of the log.
func (r *reader) restore(ctx context.Context) {
	if _, err := r.log.check(ctx, r.position()); err != nil {
		return
	}
	err := r.takeBackup(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, errNoBackup):
		r.log.noBackup.Store(time.Now().Add(backupPause).UnixNano())
		r.log.logger.Info("the log is read record by record, which takes longer", zap.Error(err))
	default:
		r.log.logger.Info("a backup of the log ended early; the rest is read record by record", zap.Uint64("from", r.next), zap.Error(err))
	}
}

// takeBackup yields records from a backup up to r.until. It returns an error if a record is missing
// from the backup.
func (r *reader) takeBackup(ctx context.Context) error {
	b, err := r.log.backup(ctx)
	if err != nil {
		return err
	}
	defer b.close()
	for r.next <= r.until && !r.quit && ctx.Err() == nil {
		rec, err := b.next(r.after.Log)
		switch {
		case err != nil:
			return err
		case rec.Sequence > r.next:
			return fmt.Errorf("record %d arrived instead of record %d", rec.Sequence, r.next)
		case rec.Sequence == r.next:
			r.take(rec)
		}
	}
	return nil
}
