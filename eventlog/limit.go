package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

const (
	// limitChanged is the answer to a successful request for another limit, which contains the number
	// of bytes in decimal digits. Any other answer is an error message.
	limitChanged = "ok"
	// limitPatience is how long the change may take. The process that requested it waits a second
	// longer, so that it receives the error.
	limitPatience = 5 * time.Second
	// limitsWaiting is the number of requests that may wait. Any more are dropped.
	limitsWaiting = 16
)

// SetLimit changes the size in bytes from which the log refuses records. The change is immediate and
// permanent, for every process that uses the log. With Options.Guest, SetLimit requests the change
// from the service. Errors: ErrUnavailable, ErrNoStream, and an error if the limit is not greater
// than 0 or is less than the size of the records.
func (l *Log) SetLimit(ctx context.Context, bytes int64) error {
	if !l.mayNote {
		return l.askForLimit(ctx, bytes)
	}
	l.settings.Lock()
	defer l.settings.Unlock()
	info, err := l.streamInfo(ctx)
	if err != nil {
		return err
	}
	if bytes <= 0 || uint64(bytes) < info.State.Bytes {
		return fmt.Errorf("eventlog: the log already contains %d bytes: a limit of %d is too low", info.State.Bytes, bytes)
	}
	config := info.Config
	config.MaxBytes = bytes
	_, err = l.js.UpdateStream(ctx, config)
	if refused := (*jetstream.APIError)(nil); errors.As(err, &refused) {
		return &Fault{Err: fmt.Errorf("eventlog: the NATS server refuses a limit of %d bytes: %w", bytes, err),
			Hint: "raise the storage limits of the server and the account, or set a lower limit"}
	}
	if err != nil {
		return unavailable(ctx, "change the limit of the log", err)
	}
	l.logger.Info("the limit of the log was changed", zap.Int64("before", info.Config.MaxBytes), zap.Int64("now", bytes))
	return nil
}

// askForLimit requests the change from the service that has the log.
func (l *Log) askForLimit(ctx context.Context, bytes int64) error {
	ctx, cancel := context.WithTimeout(ctx, limitPatience+time.Second)
	defer cancel()
	answer, err := l.conn.RequestWithContext(ctx, embedded.LimitRequest, strconv.AppendInt(nil, bytes, 10))
	if err != nil {
		return &Fault{Err: unavailable(ctx, "request another limit from the service, which permits it to the user "+embedded.OperatorUser, err),
			Hint: "check whether the limit was changed before you repeat the command", Clears: true}
	}
	if text := string(answer.Data); text != limitChanged {
		return errors.New(text)
	}
	return nil
}

// offerLimit lets the operator change the limit. The server's own request could change every setting
// of the stream, and so delete records.
func (l *Log) offerLimit() error {
	requests, err := l.conn.Subscribe(embedded.LimitRequest, func(m *nats.Msg) {
		if err := m.Respond([]byte(l.changeLimit(m.Data))); err != nil {
			l.logger.Warn("a request for another limit was not answered", zap.Error(err))
		}
	})
	if err == nil {
		err = requests.SetPendingLimits(limitsWaiting, -1)
	}
	if err != nil {
		return fmt.Errorf("eventlog: offer changes of the limit: %w", err)
	}
	return nil
}

// changeLimit handles a request for another limit, and returns the answer.
func (l *Log) changeLimit(request []byte) string {
	bytes, err := strconv.ParseInt(string(request), 10, 64)
	if err != nil {
		return "eventlog: a limit is a number of bytes in decimal digits: use orderfold log limit"
	}
	ctx, cancel := context.WithTimeout(context.Background(), limitPatience)
	defer cancel()
	if err := l.SetLimit(ctx, bytes); err != nil {
		return err.Error()
	}
	return limitChanged
}
