package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// infoPatience bounds the wait for the state of the log.
	infoPatience = 5 * time.Second
	// infoAgain is the time after which the request is repeated. A request sent while there is no
	// leader is never answered, even if a leader is elected later.
	infoAgain = time.Second
)

// streamInfo requests the state of the stream. Errors: ErrUnavailable, ErrNoStream.
func (l *Log) streamInfo(ctx context.Context) (*jetstream.StreamInfo, error) {
	const what = "request the state of the log"
	if err := l.notOpen(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, infoPatience)
	defer cancel()
	answer, err := l.askAgain(ctx, "$JS.API.STREAM.INFO."+streamName)
	if err != nil {
		return nil, unavailable(ctx, what, err)
	}
	var got struct {
		Error *jetstream.APIError `json:"error"`
		jetstream.StreamInfo
	}
	if err = json.Unmarshal(answer.Data, &got); err == nil && got.Error != nil {
		err = got.Error
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("%w: stream %s existed when the log was opened", ErrNoStream, streamName)
	}
	if err != nil {
		return nil, unavailable(ctx, what, err)
	}
	if err := led(&got.StreamInfo); err != nil {
		return nil, err
	}
	return &got.StreamInfo, nil
}

// askAgain sends a request, and repeats it every second until one of them is answered or ctx ends.
func (l *Log) askAgain(ctx context.Context, subject string) (answer *nats.Msg, err error) {
	answers, err := l.conn.SubscribeSync(l.conn.NewInbox())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, answers.Unsubscribe()) }()
	for {
		if err := l.conn.PublishRequest(subject, answers.Subject, nil); err != nil {
			return nil, err
		}
		waiting, cancel := context.WithTimeout(ctx, infoAgain)
		answer, err := answers.NextMsgWithContext(waiting)
		cancel()
		switch {
		case err == nil && isNobody(answer):
			return nil, nats.ErrNoResponders
		case err == nil:
			return answer, nil
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		}
	}
}

// isNobody reports whether a message is the server's answer to a request for which there is no
// responder.
func isNobody(msg *nats.Msg) bool { return len(msg.Data) == 0 && first(msg.Header, "Status") == "503" }

// Bounds requests the ends of the log from the server. Errors: ErrUnavailable, ErrNoStream.
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

// Info is the state of the log, apart from its records.
type Info struct {
	Embedded bool   // the server is embedded in this process
	Addr     string // as Log.Addr
	// SyncMode is when records reach the disk: "always" means before Append returns, and "every
	// 2m0s" means up to two minutes later. "unknown" means that an external server does not report
	// it: a server does so only if its operator permits this user to request
	// $SYS.REQ.SERVER.PING.JSZ.
	SyncMode string
	Replication
	Room
}

// Info requests the state of the log from the server. Errors: ErrUnavailable, ErrNoStream.
func (l *Log) Info(ctx context.Context) (Info, error) {
	stream, err := l.streamInfo(ctx)
	if err != nil {
		return Info{}, err
	}
	servers := l.holders(stream)
	modes := l.syncModes(ctx, servers)
	info := Info{
		Embedded:    l.embedded != nil,
		Addr:        l.Addr(),
		SyncMode:    modes.of(servers...),
		Replication: replication(stream, servers[len(servers)-1], modes),
		Room:        l.room(stream),
	}
	if info.FullAt, err = l.fullAt(ctx, stream.State, info.Left); err != nil {
		l.logger.Debug("the time when the log will be full is unknown", zap.Error(err))
	}
	return info, nil
}
