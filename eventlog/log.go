package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// defaultMaxRecord is the receiver's own limit for a body.
const defaultMaxRecord = 1 << 20

// Options say where the log is. The zero value of each field is its documented default.
type Options struct {
	// URL of an external NATS server, or several separated by commas. Empty: a server embedded in this process.
	URL string
	// CredentialsFile is a NATS .creds file for the external server. Empty: whatever the URL contains.
	CredentialsFile string
	// Dir is the data folder of the embedded server; its parent must exist. The store is in Dir/nats. Required without URL.
	Dir string
	// Addr is where the embedded server listens for subscribers, "host:port"; port 0 picks a free one. Empty: nowhere.
	Addr string
	// Replicas of the stream. A stream that has fewer is given more, never the other way round. 0: 1 when it is created.
	Replicas int
	// MaxBytes the stream may take. 0: three quarters of the free disk for a new embedded stream, no limit for a new
	// external one; an existing stream keeps its limit.
	MaxBytes int64
	// MayCreate allows creating the stream when there is none. Opening fails with ErrNoStream otherwise.
	MayCreate bool
	// MaxRecord is the size in bytes of the largest body that must fit. 0: 1 MiB.
	MaxRecord int
	// PublishSingly gives up the group commit: every record is a write of its own. For comparison.
	PublishSingly bool
	// ReadLost yields what is left of a log that lost records, instead of ErrLost.
	ReadLost bool
	// Guest of a service that runs: nothing is written into the stream, not even that records are missing.
	Guest bool
	// Logger for what the log does on its own: reconnects, and what the embedded server has to say. nil: none.
	Logger *zap.Logger
}

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	logger   *zap.Logger
	embedded *embedded // nil with an external server
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	identity string
	group    *group
	readLost bool
	mayNote  bool                   // the stream is ours to write notes into, not that of a service that runs
	lost     atomic.Pointer[string] // what is missing at the end of an embedded log; nil: nothing
	holes    holes
	noBackup atomic.Int64 // until when none is asked for, in nanoseconds since 1970

	// Of the supervisor of the embedded server.
	supervisor sync.WaitGroup
	dismiss    context.CancelFunc
	seen       seen
	seenAt     time.Time

	syncLock   sync.Mutex
	sync       string
	syncServer string // id of the server that told

	closing  sync.Once
	closeErr error
}

// Open starts the embedded server or connects to the external one, and makes sure that the stream keeps what the log
// promises. Errors: ErrLocked, ErrNoStream, ErrUnavailable, and others that say what to do. None contains a credential.
// The caller closes the log.
func Open(ctx context.Context, opts Options) (*Log, error) {
	if opts.Logger == nil {
		opts.Logger = zap.NewNop()
	}
	if opts.MaxRecord == 0 {
		opts.MaxRecord = defaultMaxRecord
	}
	l := &Log{logger: opts.Logger, readLost: opts.ReadLost, mayNote: !opts.Guest}
	if err := l.open(ctx, opts); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Log) open(ctx context.Context, opts Options) (err error) {
	if opts.URL != "" {
		l.conn, err = connect(opts)
	} else if l.embedded, err = startEmbedded(opts); err == nil {
		l.conn, err = l.embedded.connect(opts.Logger)
	}
	if err != nil {
		return err
	}
	if l.js, err = jetstream.New(l.conn); err != nil {
		return fmt.Errorf("eventlog: open: %w", err)
	}
	if err = l.openStream(ctx, opts); err != nil {
		return err
	}
	if l.group, err = newGroup(l.conn, opts.PublishSingly); err != nil {
		return fmt.Errorf("eventlog: open: %w", err)
	}
	l.watchConnection()
	state := l.stream.CachedInfo().State
	if err := l.examine(ctx); err != nil {
		return err
	}
	if l.embedded != nil {
		return l.opened(ctx, state.LastSeq)
	}
	if limit := l.conn.MaxPayload(); limit < int64(opts.MaxRecord+headerRoom) {
		l.logger.Warn("the NATS server refuses the largest records: raise its max_payload",
			zap.Int64("max_payload", limit), zap.Int("needed", opts.MaxRecord+headerRoom))
	}
	l.warnOfSync(ctx)
	return nil
}

// watchConnection ends what waits for an answer when the connection is lost: it would wait in vain.
func (l *Log) watchConnection() {
	l.conn.SetDisconnectErrHandler(func(_ *nats.Conn, err error) {
		l.group.lose(errConnectionLost)
		if err != nil {
			l.logger.Warn("connection to the NATS server lost", zap.Error(err))
		}
	})
	l.conn.SetReconnectHandler(func(c *nats.Conn) {
		l.group.maxPayload.Store(c.MaxPayload())
		l.logger.Info("connected to the NATS server again", zap.String("server", c.ConnectedUrlRedacted()))
	})
}

// opened ends the start of the embedded server and begins to look after it.
func (l *Log) opened(ctx context.Context, last uint64) error {
	l.compareSeen(ctx, last)
	l.group.reached(last)
	if err := l.embedded.ready(); err != nil {
		return err
	}
	l.group.admit(l.embedded.stageInMemory())
	life, dismiss := context.WithCancel(context.Background())
	l.dismiss = dismiss
	l.supervisor.Go(func() { l.supervise(life) })
	return nil
}

// Close ends the connection, and the embedded server with it. Readers and appends under way end with an error. It may be
// called again.
func (l *Log) Close() error {
	l.closing.Do(func() { l.closeErr = l.close() })
	return l.closeErr
}

func (l *Log) close() (err error) {
	if l.dismiss != nil {
		l.dismiss()
		l.supervisor.Wait()
	}
	if l.group != nil {
		l.group.stop()
	}
	if l.dismiss != nil {
		err = l.writeSeen(true)
	}
	if l.conn != nil {
		l.conn.Close()
	}
	if l.embedded != nil {
		err = errors.Join(err, l.embedded.stop())
	}
	return err
}

// Addr is where the embedded server listens for subscribers, "" when it does not or the server is external.
func (l *Log) Addr() string {
	if l.embedded == nil {
		return ""
	}
	return l.embedded.addr
}

// Bounds asks the server for the ends of the log. Errors: ErrUnavailable, ErrNoStream.
func (l *Log) Bounds(ctx context.Context) (Bounds, error) {
	info, err := l.streamInfo(ctx)
	if err != nil {
		return Bounds{}, err
	}
	a, err := l.absent(ctx, info)
	if err != nil {
		return Bounds{}, err
	}
	bounds := Bounds{Log: identity(info), First: info.State.FirstSeq, Last: info.State.LastSeq, Missing: a.missing, skip: a.skip,
		Lost: bothLosses(l.lostEnd(info), a.held)}
	if info.State.Msgs == 0 {
		bounds.First = bounds.Last + 1 // the server says 0 for a new stream
	}
	return bounds, nil
}

// Info is what there is to know about the log apart from its records.
type Info struct {
	Embedded bool
	Addr     string // where subscribers connect, "" when nowhere or external
	// SyncMode says when records reach the disk: "always" is before Append returns, "every 2m0s" is up to so much later.
	// "unknown" with an external server that does not tell, as none does unless its operator lets this user ask
	// $SYS.REQ.SERVER.PING.JSZ.
	SyncMode string
	Replicas int
	Bytes    uint64 // taken by the records
	MaxBytes int64  // -1: no limit
}

// Info asks the server about the stream. Errors: ErrUnavailable, ErrNoStream.
func (l *Log) Info(ctx context.Context) (Info, error) {
	stream, err := l.streamInfo(ctx)
	if err != nil {
		return Info{}, err
	}
	info := Info{
		Embedded: l.embedded != nil,
		Addr:     l.Addr(),
		SyncMode: l.syncMode(ctx, stream),
		Replicas: stream.Config.Replicas,
		Bytes:    stream.State.Bytes,
		MaxBytes: stream.Config.MaxBytes,
	}
	return info, nil
}

func (l *Log) streamInfo(ctx context.Context) (*jetstream.StreamInfo, error) {
	info, err := l.stream.Info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("%w: stream %s was there when the log was opened", ErrNoStream, streamName)
	}
	if err != nil {
		return nil, unavailable(ctx, "ask for the state of the log", err)
	}
	return info, nil
}

// unavailable translates an error of the server or of the way to it. The reason a context ended is part of it.
func unavailable(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, err)
}
