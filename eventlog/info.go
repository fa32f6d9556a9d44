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
	// infoPatience bounds the request for the state of the log, unless the context has an earlier
	// deadline.
	infoPatience = 5 * time.Second
	// infoAgain is when the request is repeated. Neither a dead leader nor one elected later
	// answers the first.
	infoAgain = time.Second
)

// streamInfo asks for the state of the log. Errors: ErrUnavailable, ErrNoStream.
func (l *Log) streamInfo(ctx context.Context) (*jetstream.StreamInfo, error) {
	const what = "ask for the state of the log"
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
		return nil, fmt.Errorf("%w: stream %s was there when the log was opened", ErrNoStream, streamName)
	}
	if err != nil {
		return nil, unavailable(ctx, what, err)
	}
	if err := led(&got.StreamInfo); err != nil {
		return nil, err
	}
	return &got.StreamInfo, nil
}

// askAgain sends a request every second until any of them is answered, or ctx ends.
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

// isNobody reports whether a message is the server's own answer to a request without a responder.
func isNobody(msg *nats.Msg) bool { return len(msg.Data) == 0 && first(msg.Header, "Status") == "503" }

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

// Info is what there is to know about the log apart from its records.
type Info struct {
	Embedded bool
	Addr     string // where subscribers connect, "" when nowhere or external
	// SyncMode says when records reach the disk: "always" is before Append returns, "every 2m0s" is up to so much later.
	// "unknown" with an external server that does not tell, as none does unless its operator lets this user ask
	// $SYS.REQ.SERVER.PING.JSZ.
	SyncMode string
	Replication
	Room
}

// Info asks the server about the stream. Errors: ErrUnavailable, ErrNoStream.
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
		l.logger.Debug("when the log will be full is not known", zap.Error(err))
	}
	return info, nil
}
