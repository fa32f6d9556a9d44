package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// connect connects to an external server. With Options.Later, the connection is closed when ctx
// ends.
func connect(ctx context.Context, opts Options) (*nats.Conn, error) {
	where, err := withoutCredentials(opts.URL)
	if err != nil {
		return nil, err
	}
	options := connection(opts.Logger)
	if opts.CredentialsFile != "" {
		if _, err := os.Stat(opts.CredentialsFile); err != nil {
			return nil, fmt.Errorf("eventlog: NATS credentials: %w", err)
		}
		options = append(options, nats.UserCredentials(opts.CredentialsFile))
	}
	if opts.Later {
		options = append(options, nats.SetCustomDialer(dialer{ctx}))
	}
	conn, err := nats.Connect(opts.URL, options...)
	if err == nil && conn.ConnectedClusterName() != "" { // the ping interval depends on this, and cannot be changed later
		conn.Close()
		conn, err = nats.Connect(opts.URL, append(options, nats.PingInterval(clusterPing), nats.MaxPingsOutstanding(2))...)
	}
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return nil, &Fault{Err: fmt.Errorf("%w: the NATS server at %s refuses the credentials", ErrUnavailable, where),
			Hint: "check the user, password or credentials file"}
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout), errors.Is(err, io.EOF), errors.As(err, new(net.Error)):
		return nil, &Fault{Err: fmt.Errorf("%w: no NATS server answers at %s", ErrUnavailable, where), Hint: "start it or correct the URL", Clears: true}
	default:
		return nil, &Fault{Err: fmt.Errorf("%w: connect to the NATS server at %s: %w", ErrUnavailable, where, err)}
	}
}

// connectInside connects to the embedded server.
func connectInside(server *embedded.Server, logger *zap.Logger) (*nats.Conn, error) {
	user, password := server.Login()
	options := append(connection(logger), nats.InProcessServer(server), nats.UserInfo(user, password), nats.CustomInboxPrefix(embedded.SelfInboxes))
	conn, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("%w: connect to the embedded server: %w", ErrUnavailable, err)
	}
	return conn, nil
}

// withoutCredentials returns the list of URLs without credentials. The error does not repeat an
// unreadable URL, because a password may have made it unreadable.
func withoutCredentials(list string) (string, error) {
	var shown []string
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if !strings.Contains(text, "://") {
			text = "nats://" + text
		}
		u, err := url.Parse(text)
		if err != nil || !reachable(u) {
			return "", &Fault{Err: errors.New("eventlog: the NATS URL cannot be read"),
				Hint: "want nats://host:port or nats://user:password@host:port with special characters percent-encoded"}
		}
		shown = append(shown, u.Scheme+"://"+u.Host)
	}
	return strings.Join(shown, ","), nil
}

// schemes are the URL schemes that the client library accepts.
var schemes = []string{"nats", "tls", "ws", "wss"}

// reachable reports whether a URL is well formed: one that is not can never become reachable.
func reachable(u *url.URL) bool {
	plain := u.Port() != "" || strings.HasSuffix(u.Host, "]") || !strings.Contains(u.Host, ":")
	return slices.Contains(schemes, u.Scheme) && u.Hostname() != "" && plain
}

// connectPatience bounds the time that a connection may take to be established.
const connectPatience = 5 * time.Second

// clusterPing is the ping interval for a server of a cluster. After three pings without an answer
// the client connects to another server. A single server has more time, because it may only be busy,
// and closing the connection would fail the requests that it is about to answer.
const clusterPing = 750 * time.Millisecond

// connection returns the options that are common to the embedded and an external server.
func connection(logger *zap.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("orderfold"),
		nats.Timeout(connectPatience),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.PingInterval(10 * time.Second),
		// This bounds the time for which a write to a server that does not read can block Close or
		// Append.
		nats.FlusherTimeout(3 * time.Second),
		// A record buffered while disconnected would be appended after Append has returned
		// ErrUnavailable for it.
		nats.ReconnectBufSize(-1),
		// The client allocates room for this many answers with each request, by default for 65,536.
		// A request has at most one answer from each server.
		nats.SyncQueueLen(256),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			logger.Warn("the NATS connection reports an error", zap.Error(err))
		}),
	}
}
