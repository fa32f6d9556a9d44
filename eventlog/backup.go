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
	// the number that it reads before: a reader of only the beginning needs none.
	backupRecords = 10_000
	backupAfter   = 500
	// backupChunk and backupWindow bound the compressed data in flight. The server gives up if no
	// chunk is acknowledged in five seconds.
	backupChunk  = 64 << 10
	backupWindow = 32 * backupChunk
	// backupPatience bounds the wait for the answer to the request. A user without permission gets
	// none.
	backupPatience = 2 * time.Second
	// backupPause is the time without further requests after one without a backup.
	backupPause = 10 * time.Minute
)

// errNoBackup occurs when the server gives no readable backup: it is older, this user has no
// permission, or it did not answer in time.
var errNoBackup = errors.New("the server gives no backup of the stream")

// backup is the stream as the server backs it up: the same records as from a consumer, with every
// checksum compared, for half of the work.
type backup struct {
	ctx    context.Context // of the only reader, because Read has no context
	conn   *nats.Conn
	sub    *nats.Subscription
	chunks chan *nats.Msg
	quiet  *time.Timer
	rest   []byte // of the chunk that is being read
	number uint64 // of that chunk, from 1 on
	ended  bool
	failed error // why no more comes; the reader does not pass it on

	reader     *embedded.BackupReader
	attributes attributes // of the last record
}

// mayBackUp reports whether it is worth requesting a backup. A guest of a running service may only
// read.
func (l *Log) mayBackUp() bool {
	return l.mayNote && time.Now().UnixNano() >= l.noBackup.Load()
}

// backup starts a backup. After errNoBackup another request is useless for a while.
func (l *Log) backup(ctx context.Context) (b *backup, err error) {
	// The last chunk and the end come without being requested.
	b = &backup{ctx: ctx, conn: l.conn, chunks: make(chan *nats.Msg, backupWindow/backupChunk+2), quiet: time.NewTimer(silence)}
	if b.sub, err = l.conn.ChanSubscribe(l.conn.NewInbox(), b.chunks); err == nil {
		err = b.request()
	}
	if err == nil {
		b.reader, err = embedded.NewBackupReader(b)
		if err = b.reason(err); errors.Is(err, embedded.ErrBackupFormat) {
			err = fmt.Errorf("%w that can be read: it is another version", errNoBackup)
		}
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

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

// close makes the server stop, unless it has reached the end.
func (b *backup) close() {
	b.quiet.Stop()
	if b.sub != nil {
		_ = b.sub.Unsubscribe() // fails when the connection is gone, and the subscription with it
	}
}

// Read returns the compressed bytes of the backup, and io.EOF at the server's end marker.
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

// accept takes a chunk, and acknowledges it. The ack subject ends in the chunk's number; the last
// chunk has none, and the end has no bytes.
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
		return fmt.Errorf("chunk %s came in the place of %d", number, b.number)
	}
	return b.conn.Publish(msg.Reply, nil)
}

// reason returns why the backup cannot be read.
func (b *backup) reason(err error) error {
	if err != nil && b.failed != nil {
		return b.failed
	}
	return err
}

// next returns the next record, for the log with that identity; io.EOF at the end.
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

// restore yields the records of a backup that are next. If the backup ends, for whatever reason, a
// consumer continues, and reports any fault of the log.
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
			return fmt.Errorf("record %d came in the place of %d", rec.Sequence, r.next)
		case rec.Sequence == r.next:
			r.take(rec)
		}
	}
	return nil
}
