package eventlog

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// connect reaches an external server.
func connect(opts Options) (*nats.Conn, error) {
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
	conn, err := nats.Connect(opts.URL, options...)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return nil, fmt.Errorf("%w: the NATS server at %s refuses the credentials: check the user, password or credentials file", ErrUnavailable, where)
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout):
		return nil, fmt.Errorf("%w: no NATS server answers at %s: start it or correct the URL", ErrUnavailable, where)
	default:
		return nil, fmt.Errorf("%w: connect to the NATS server at %s: %w", ErrUnavailable, where, err)
	}
}

// withoutCredentials is the list of URLs as it may be shown. The error does not repeat what could not be read, because a
// password may be what made it unreadable.
func withoutCredentials(list string) (string, error) {
	var shown []string
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if !strings.Contains(text, "://") {
			text = "nats://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return "", errors.New("eventlog: the NATS URL cannot be read: want nats://host:port or nats://user:password@host:port with special characters percent-encoded")
		}
		shown = append(shown, u.Scheme+"://"+u.Host)
	}
	return strings.Join(shown, ","), nil
}

// connection is what both kinds of server have in common.
func connection(logger *zap.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("orderfold"),
		nats.Timeout(5 * time.Second),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.PingInterval(10 * time.Second),
		// How long a write to a server that does not read may hold up Close.
		nats.FlusherTimeout(5 * time.Second),
		// A record buffered while disconnected would be appended after its caller was told that the log is unavailable.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			logger.Warn("the NATS connection reports an error", zap.Error(err))
		}),
	}
}
