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

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// defaultMaxRecord is the receiver's own limit for a body.
const defaultMaxRecord = 1 << 20

// defaultMaxWaitingBytes is enough for some batches.
const defaultMaxWaitingBytes = 64 << 20

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
	// external one. An existing stream keeps its limit, or gets this one if it is higher; SetLimit lowers it.
	MaxBytes int64
	// MayCreate allows creating the stream when there is none. Opening fails with ErrNoStream otherwise.
	MayCreate bool
	// MaxRecord is the size in bytes of the largest body that must fit. 0: 1 MiB.
	MaxRecord int
	// MaxWaitingBytes is what may wait for the log: bodies given to Append that have no answer yet, and again as much in the embedded
	// server. More is refused. 0: 64 MiB.
	MaxWaitingBytes int64
	// PublishSingly gives up the group commit: every record is a write of its own. For comparison.
	PublishSingly bool
	// ReadLost yields what is left of a log that lost records, instead of ErrLost.
	ReadLost bool
	// Guest of a service that runs: nothing is written into the stream, not even that records are missing.
	Guest bool
	// Later has Open return also while an external server cannot be reached, or nothing leads there: the log is opened as soon as that is
	// possible. Until then every method returns ErrUnavailable with the reason; see Opened.
	Later bool
	// Logger for what the log does on its own: reconnects, and what the embedded server has to say. nil: none.
	Logger *zap.Logger
}

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	logger   *zap.Logger
	embedded *embedded.Server // nil with an external server
	opening  *opening         // nil: it was open when Open returned
	largest  int              // size in bytes of the largest message, headers included
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	identity string
	group    *group
	readLost bool
	mayNote  bool                   // the stream is ours to write notes into, not that of a service that runs
	lost     atomic.Pointer[string] // what is missing at the end of an embedded log; nil: nothing
	holes    holes
	recent   recent
	noBackup atomic.Int64 // until when none is asked for, in nanoseconds since 1970
	settings sync.Mutex   // held from reading the stream's settings until they are changed

	// Of the supervisor of the embedded server.
	supervisor sync.WaitGroup
	dismiss    context.CancelFunc
	seen       embedded.End
	seenAt     time.Time

	syncLock   sync.Mutex
	sync       string
	syncServer string // id of the server that told

	closing  sync.Once
	closeErr error
}

// Open starts the embedded server or connects to the external one, and makes sure that the stream keeps what the log
// promises. Errors: ErrLocked, ErrNoStream, ErrUnavailable, and others that say what to do. None contains a credential.
// With Later an ErrUnavailable that clears by itself is none. The caller closes the log.
func Open(ctx context.Context, opts Options) (*Log, error) {
	if opts.Logger == nil {
		opts.Logger = zap.NewNop()
	}
	if opts.MaxRecord == 0 {
		opts.MaxRecord = defaultMaxRecord
	}
	if opts.MaxWaitingBytes == 0 {
		opts.MaxWaitingBytes = defaultMaxWaitingBytes
	}
	l := &Log{logger: opts.Logger, largest: opts.MaxRecord + headerRoom, readLost: opts.ReadLost, mayNote: !opts.Guest}
	open := l.open
	if opts.Later && opts.URL != "" {
		open = l.openLater
	}
	if err := open(ctx, opts); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Log) open(ctx context.Context, opts Options) (err error) {
	if opts.URL != "" {
		l.conn, err = connect(ctx, opts)
	} else {
		l.embedded, err = embedded.Start(embedded.Options{Dir: opts.Dir, Addr: opts.Addr, MayCreate: opts.MayCreate,
			MaxMessage: l.largest, MaxWaiting: opts.MaxWaitingBytes, Logger: opts.Logger})
		if err == nil {
			l.conn, err = connectInside(l.embedded, opts.Logger)
		}
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
	if l.group, err = newGroup(l.conn, opts); err != nil {
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
	if limit := l.conn.MaxPayload(); limit < int64(l.largest) {
		l.logger.Warn("the NATS server refuses the largest records: raise its max_payload",
			zap.Int64("max_payload", limit), zap.Int("needed", l.largest))
	}
	l.warnOfSync(ctx)
	return nil
}

// watchConnection ends what waits for an answer when the connection is lost: it would wait in vain.
func (l *Log) watchConnection() {
	group := l.group // of this connection: one that was given up reports its end later
	l.conn.SetDisconnectErrHandler(func(_ *nats.Conn, err error) {
		group.lose(errConnectionLost)
		if err != nil {
			l.logger.Warn("connection to the NATS server lost", zap.Error(err))
		}
	})
	l.conn.SetReconnectHandler(func(c *nats.Conn) {
		group.maxPayload.Store(c.MaxPayload())
		group.forgetRefusal()
		l.logger.Info("connected to the NATS server again", zap.String("server", c.ConnectedUrlRedacted()))
	})
}

// opened ends the start of the embedded server and begins to look after it.
func (l *Log) opened(ctx context.Context, last uint64) error {
	l.compareSeen(ctx, last)
	l.group.reached(last)
	if err := errors.Join(l.offerBackups(), l.offerConsumers(), l.offerLimit()); err != nil {
		return err
	}
	if err := errors.Join(l.embedded.Recovered(), l.embedded.Invite()); err != nil {
		return err
	}
	l.admit()
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
	if l.opening != nil {
		l.opening.stop()
		l.opening.doing.Wait()
	}
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
		err = errors.Join(err, l.embedded.Stop())
	}
	return err
}

// Addr is where the embedded server listens for subscribers, "" when it does not or the server is external.
func (l *Log) Addr() string {
	if l.embedded == nil {
		return ""
	}
	return l.embedded.Addr()
}

// Bounds asks the server for the ends of the log. Errors: ErrUnavailable, ErrNoStream.
func (l *Log) Bounds(ctx context.Context) (Bounds, error) {
	info, err := l.streamInfo(ctx)
	if err != nil {
		return Bounds{}, err
	}
	bounds, err := l.bounds(ctx, info)
	if err != nil || !l.isBack(ctx, bounds) {
		return bounds, err
	}
	if info, err = l.streamInfo(ctx); err == nil { // another server may lead now
		info, err = l.takeBack(ctx, info)
	}
	if err != nil {
		return Bounds{}, err
	}
	return l.bounds(ctx, info)
}

func (l *Log) bounds(ctx context.Context, info *jetstream.StreamInfo) (Bounds, error) {
	a, err := l.absent(ctx, info)
	if err != nil {
		return Bounds{}, err
	}
	bounds := Bounds{Log: identity(info), Epoch: epoch(info.Config.Metadata), First: info.State.FirstSeq, Last: info.State.LastSeq, Missing: a.missing, skip: a.skip,
		Lost: lossFault(l.lostEnd(info), a.held)}
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
	Room
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
		Room:     l.room(stream),
	}
	if info.FullAt, err = l.fullAt(ctx, stream.State, info.Left); err != nil {
		l.logger.Debug("when the log will be full is not known", zap.Error(err))
	}
	return info, nil
}

// quorumHint is what to do when a stream with replicas has no leader, or a leader without a majority.
const quorumHint = "check the NATS servers: a majority of them must be up and reach each other"

// errNoLeader occurs while too few replicas of the log reach each other, or another leader is being elected. Nothing was read.
var errNoLeader = &Fault{Err: fmt.Errorf("%w: no replica of it leads", ErrUnavailable), Hint: quorumHint, Clears: true}

// led returns ErrUnavailable for a stream that has replicas and no leader. A server answers for it all the same, with what it last
// knew: the log can seem to have lost its end then.
func led(info *jetstream.StreamInfo) error {
	if info.Cluster != nil && info.Cluster.Name != "" && info.Cluster.Leader == "" {
		return errNoLeader
	}
	return nil
}

// unavailable translates an error of the server or of the way to it. The reason a context ended is part of it.
func unavailable(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, err)
}
