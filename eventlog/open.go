package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/orderfold/orderfold/eventlog/embedded"
	"go.uber.org/zap"
)

// Open starts the embedded server or connects to an external one, and makes sure that the settings
// of the stream are safe. The caller must close the log.
//
// Errors: ErrLocked, ErrNoStream, ErrUnavailable, and faults with a hint for the operator. With
// Options.Later, Open does not return an ErrUnavailable that clears by itself. No error contains a
// credential.
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
	l.warnOfReplicas()
	return nil
}

// watchConnection makes appends end when the connection is lost, because the server no longer
// answers them.
func (l *Log) watchConnection() {
	group := l.group // captured, because an abandoned connection may report its end after l.group was replaced
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

// opened completes the start of the embedded server, and starts its supervisor.
func (l *Log) opened(ctx context.Context, last uint64) error {
	l.compareSeen(ctx, last)
	l.group.reached(last)
	if err := errors.Join(l.offerBackups(), l.offerConsumers(), l.offerLimit(), l.conn.Flush()); err != nil {
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

// Close closes the connection and stops the embedded server. Running readers and appends end with an
// error. Further calls return the result of the first.
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
