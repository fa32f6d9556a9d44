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
	// openPatience is how long Open waits for a log that may open later, so that most faults end a process before it says that it runs.
	openPatience = 3 * time.Second
	// The pause between two attempts doubles while they fail.
	shortestOpening = 100 * time.Millisecond
	longestOpening  = 2 * time.Second
	// errCodeNoPeers is JSClusterNoPeersErrF of nats-server: a new stream needs more servers than are there yet.
	errCodeNoPeers jetstream.ErrorCode = 10005
)

// errNotTried is why a log is not open before the first attempt has ended.
var errNotTried = &Fault{Err: fmt.Errorf("%w: its servers have not answered yet", ErrUnavailable), Clears: true}

// opening is how a log stands that Open returned before it was open.
type opening struct {
	ended chan struct{} // closed when the log is open, or never will be
	err   error         // why it never will be; to be read when ended is closed
	stop  context.CancelFunc
	doing sync.WaitGroup

	mu  sync.Mutex
	why error // it is not open yet
}

// openLater opens the log in the background, until that succeeds, or fails for a reason that time does not mend. It waits a moment for that.
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
			l.logger.Warn("the log cannot be opened yet; it is tried again and again", zap.Error(err))
		}
		l.opening.mu.Lock()
		l.opening.why = err
		l.opening.mu.Unlock()
		pause(life, wait)
	}
}

// abandon closes what an attempt to open the log has opened.
func (l *Log) abandon() {
	if l.group != nil {
		l.group.stop()
	}
	if l.conn != nil {
		l.conn.Close()
	}
	l.group, l.conn = nil, nil
}

// clears reports whether a log that could not be opened may open later although nobody changes a setting.
func clears(err error) bool {
	if f := FaultOf(err); f != nil {
		return f.Clears
	}
	if refused := (*jetstream.APIError)(nil); errors.As(err, &refused) {
		const unavailable = 503 // as while the servers elect a leader
		return refused.Code == unavailable || refused.ErrorCode == errCodeNoPeers
	}
	return errors.Is(err, ErrUnavailable)
}

// Opened returns nil when the log is open, or ctx has ended. Errors: those of Open, when the log never will be.
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

// notOpen returns why the log is not open: ErrUnavailable until it is, nil from then on. Whoever has nil may use the connection.
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

// dialer ends its connections when its context ends: a server that hangs would keep whoever connects waiting.
type dialer struct{ ctx context.Context }

// Dial connects.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	within := net.Dialer{Timeout: connectPatience}
	conn, err := within.DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &dialed{conn, context.AfterFunc(d.ctx, func() { _ = conn.Close() })}, nil // it may be closed
}

// dialed is a connection that ends with a context.
type dialed struct {
	net.Conn
	forget func() bool
}

// Close closes the connection.
func (d *dialed) Close() error {
	d.forget()
	return d.Conn.Close()
}
