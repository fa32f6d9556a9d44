package eventlog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// openPatience is how long Open waits with Options.Later, so that most faults end a process
	// before it reports that it is running.
	openPatience = 3 * time.Second
	// The pause between two attempts doubles from shortestOpening up to longestOpening.
	shortestOpening = 100 * time.Millisecond
	longestOpening  = 2 * time.Second
	// errCodeNoPeers is JSClusterNoPeersErrF of nats-server: a new stream needs more servers than
	// have joined so far.
	errCodeNoPeers jetstream.ErrorCode = 10005
)

// errNotTried occurs until the first attempt to open the log has ended.
var errNotTried = &Fault{Err: fmt.Errorf("%w: its servers have not answered yet", ErrUnavailable), Clears: true}

// opening is the state of a log that is opened in the background.
type opening struct {
	ended chan struct{} // closed when the log is open, or cannot be opened
	err   error         // why the log cannot be opened; valid when ended is closed
	stop  context.CancelFunc
	doing sync.WaitGroup

	mu  sync.Mutex
	why error // why the log is not open yet
}

// openLater opens the log in the background. The attempts end when one of them succeeds, or fails
// for a reason that does not clear by itself. openLater waits up to openPatience for their end.
func (l *Log) openLater(ctx context.Context, opts Options) error {
	life, stop := context.WithCancel(context.Background())
	l.opening = &opening{ended: make(chan struct{}), stop: stop, why: errNotTried}
	l.opening.doing.Go(func() {
		defer close(l.opening.ended)
		l.opening.err = l.keepOpening(life, opts)
	})
	waiting, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	if err := l.Opened(waiting); err != nil {
		return err
	}
	return ctx.Err()
}

func (l *Log) keepOpening(life context.Context, opts Options) error {
	said := ""
	for wait := shortestOpening; ; wait = min(2*wait, longestOpening) {
		err := l.open(life, opts)
		if err == nil {
			if said != "" {
				l.logger.Info("the log is open")
			}
			return nil
		}
		l.abandon()
		switch {
		case life.Err() != nil:
			return errClosed
		case !clears(err):
			return err
		}
		if text := err.Error(); text != said {
			said = text
			l.logger.Warn("the log cannot be opened yet; trying again", zap.Error(err))
		}
		l.opening.mu.Lock()
		l.opening.why = err
		l.opening.mu.Unlock()
		pause(life, wait)
	}
}

// abandon closes what a failed attempt has opened.
func (l *Log) abandon() {
	if l.group != nil {
		l.group.stop()
	}
	if l.conn != nil {
		l.conn.Close()
	}
	l.group, l.conn = nil, nil
}

// clears reports whether a later attempt may succeed without a change of settings.
func clears(err error) bool {
	if f := FaultOf(err); f != nil {
		return f.Clears
	}
	if refused := (*jetstream.APIError)(nil); errors.As(err, &refused) {
		const unavailable = 503 // for example, while the servers elect a leader
		return refused.Code == unavailable || refused.ErrorCode == errCodeNoPeers
	}
	return errors.Is(err, ErrUnavailable)
}

// Opened waits until the log is open or ctx ends, and returns nil. If the log cannot be opened,
// Opened returns the error, which is one of those of Open.
func (l *Log) Opened(ctx context.Context) error {
	if l.opening == nil {
		return nil
	}
	select {
	case <-l.opening.ended:
		return l.opening.err
	case <-ctx.Done():
		return nil
	}
}

// notOpen returns nil if the log is open, and otherwise ErrUnavailable with the reason. The
// connection may be used only after notOpen has returned nil.
func (l *Log) notOpen() error {
	o := l.opening
	if o == nil {
		return nil
	}
	select {
	case <-o.ended:
		if o.err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, o.err)
		}
		return nil
	default:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.why
}

// dialer closes its connections when its context ends. Otherwise connecting to a server that hangs
// would delay Close.
type dialer struct{ ctx context.Context }

// Dial connects to the address. The connection is closed when the context of the dialer ends.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	within := net.Dialer{Timeout: connectPatience}
	conn, err := within.DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &dialed{conn, context.AfterFunc(d.ctx, func() { _ = conn.Close() })}, nil // fails only if it is already closed
}

// dialed is a connection that is closed when a context ends.
type dialed struct {
	net.Conn
	forget func() bool
}

// Close closes the connection, and no longer waits for the context.
func (d *dialed) Close() error {
	d.forget()
	return d.Conn.Close()
}
