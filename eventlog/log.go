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

// defaultMaxRecord is the default limit of the receiver for a body.
const defaultMaxRecord = 1 << 20

// defaultMaxWaitingBytes is the size of eight batches of maxBatchBytes.
const defaultMaxWaitingBytes = 64 << 20

// Options configure a log. A zero field means the default given with it.
type Options struct {
	// URL is the URL of an external NATS server, or a list of URLs separated by commas. Empty: a
	// server embedded in this process.
	URL string
	// CredentialsFile is a NATS .creds file for the external server. Empty: the credentials in the
	// URL, if any.
	CredentialsFile string
	// Dir is the data folder of the embedded server, and must be set if URL is empty. Its parent
	// folder must exist. The server stores the log in Dir/nats.
	Dir string
	// Addr is the address, "host:port", at which the embedded server listens for subscribers. Port 0
	// means any free port. Empty: the server does not listen.
	Addr string
	// Replicas is the number of replicas of the stream. It can only be increased: a stream that has
	// more keeps them. 0: 1 for a new stream.
	Replicas int
	// MaxBytes is the most bytes that the stream may take. 0: three quarters of the free disk space
	// for a new embedded stream, and no limit for a new external one. The limit of an existing stream
	// is only increased; use SetLimit to lower it.
	MaxBytes int64
	// MayCreate allows Open to create a missing stream. Otherwise Open returns ErrNoStream for it.
	MayCreate bool
	// MaxRecord is the size in bytes of the largest body that the log must accept. 0: 1 MiB.
	MaxRecord int
	// MaxWaitingBytes bounds the bodies that wait in Append for an answer, and separately the
	// messages that wait inside the embedded server. Append refuses any more. 0: 64 MiB.
	MaxWaitingBytes int64
	// PublishSingly turns off the group commit: each record is written to the disk on its own. It is
	// for comparisons.
	PublishSingly bool
	// ReadLost makes readers skip the missing records of a log that lost some, instead of returning
	// ErrLost.
	ReadLost bool
	// Guest means that the log belongs to a running service: nothing is written to the settings of
	// the stream, not even a list of missing records.
	Guest bool
	// Later makes Open return even if an external server cannot be reached or the stream has no
	// leader. The log is then opened in the background as soon as possible; see Opened. Until then
	// every method returns ErrUnavailable, with the reason.
	Later bool
	// Logger receives what the log does by itself, such as reconnects, and the messages of the
	// embedded server. nil: nothing is logged.
	Logger *zap.Logger
}

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	logger   *zap.Logger
	embedded *embedded.Server // nil with an external server
	opening  *opening         // nil if the log was open when Open returned
	largest  int              // size in bytes of the largest message, headers included
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	identity string
	group    *group
	readLost bool
	mayNote  bool                   // this process may change the settings of the stream; false for a guest
	lost     atomic.Pointer[string] // what is missing at the end of an embedded log; nil: nothing
	holes    holes
	recent   recent
	noBackup atomic.Int64 // until when no backup is requested, in nanoseconds since 1970
	settings sync.Mutex   // held from reading the stream's settings until they are changed

	// The following four fields belong to the supervisor of the embedded server.
	supervisor sync.WaitGroup
	dismiss    context.CancelFunc
	seen       embedded.End // the last End that was written
	seenAt     time.Time    // when keepSeen last looked

	syncLock   sync.Mutex
	sync       syncModes
	syncServer string // id of the server that reported them
	syncAsked  time.Time

	closing  sync.Once
	closeErr error
}

// Addr returns the address at which the embedded server listens for subscribers. It is "" if the
// server does not listen, and for an external server.
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
		bounds.First = bounds.Last + 1 // the server reports 0 for a new stream
	}
	return bounds, nil
}

// quorumHint is the hint for a stream with replicas that has no leader, or a leader without a
// majority.
const quorumHint = "check the NATS servers: a majority of them must be up and reach each other"

// errNoLeader occurs while too few replicas of the log reach each other, or a leader is being
// elected. Nothing was read.
var errNoLeader = &Fault{Err: fmt.Errorf("%w: no replica of it leads", ErrUnavailable), Hint: quorumHint, Clears: true}

// led returns ErrUnavailable if the stream has replicas but no leader. A server then answers with
// the last state that it knows, in which the log can seem to have lost its end.
func led(info *jetstream.StreamInfo) error {
	if info.Cluster != nil && info.Cluster.Name != "" && info.Cluster.Leader == "" {
		return errNoLeader
	}
	return nil
}

// unavailable wraps an error of the server or the connection in ErrUnavailable. If ctx has ended,
// its cause takes the place of err.
func unavailable(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, err)
}
