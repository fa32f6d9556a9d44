package eventlog

import (
	"context"
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
	sync       syncModes
	syncServer string // id of the server that told
	syncAsked  time.Time

	closing  sync.Once
	closeErr error
}

// Addr is where the embedded server listens for subscribers, "" when it does not or the server is external.
func (l *Log) Addr() string {
	if l.embedded == nil {
		return ""
	}
	return l.embedded.Addr()
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
