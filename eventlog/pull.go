package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// pullRecords bounds the records in flight. A new request is sent when half of them have arrived.
	pullRecords = 2048
	// pullBytes bounds the bytes of one request, so that large records do not fill the memory.
	pullBytes   = 8 << 20
	pullExpires = 30 * time.Second
	// heartbeat is the interval of the server's heartbeats. If no message arrives for the time silence,
	// the consumer counts as gone.
	heartbeat = time.Second
	silence   = 3 * heartbeat
	// abandoned is the time after which the server deletes a consumer whose reader could not do so.
	abandoned = time.Minute
)

// puller is a consumer of a stream that belongs to one reader.
//
// It takes the place of an iterator of the client library, which hides the heartbeats that a reader
// needs to notice a fault, and accepts a context or a timeout, but not both. The iterator is also a
// tenth slower (BenchmarkRead).
type puller struct {
	log      *Log
	stream   string
	consumer string
	request  string // subject of the requests
	sub      *nats.Subscription
	msgs     chan *nats.Msg
	quiet    *time.Timer
	again    chan nats.Status // reports a reconnect, after which the server has forgotten the requests
	owed     int              // records that the server may still send for the requests so far
	maxBytes int              // of one request
	moved    bool             // a record arrived since the last status message
	lost     bool             // the server may have deleted the consumer
}

// pull creates a consumer of a stream that begins at a sequence. The server may take up to patience
// to create it. The caller must close the puller. The error wraps ErrUnavailable.
func (l *Log) pull(ctx context.Context, patience time.Duration, stream string, from uint64) (*puller, error) {
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	consumer, err := l.js.CreateConsumer(asking, stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: abandoned,
	})
	if err != nil {
		return nil, unavailable(asking, "create a consumer", err)
	}
	name := consumer.CachedInfo().Name
	p := &puller{
		log:      l,
		stream:   stream,
		consumer: name,
		request:  "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + name,
		// The buffer holds all requested records and status messages, because the client drops what
		// does not fit.
		msgs:     make(chan *nats.Msg, 2*pullRecords),
		quiet:    time.NewTimer(silence),
		again:    l.conn.StatusChanged(nats.CONNECTED),
		maxBytes: max(pullBytes, int(2*l.conn.MaxPayload())),
		moved:    true,
	}
	if p.sub, err = l.conn.ChanSubscribe(l.conn.NewInbox(), p.msgs); err == nil {
		err = p.ask()
	}
	if err != nil {
		p.close()
		return nil, unavailable(ctx, "request records", err)
	}
	return p, nil
}

// ask requests more records, if at most half of pullRecords are in flight.
func (p *puller) ask() error {
	if p.owed > pullRecords/2 {
		return nil
	}
	batch := pullRecords - p.owed
	request, err := json.Marshal(struct {
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes"`
		Expires   time.Duration `json:"expires"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{batch, p.maxBytes, pullExpires, heartbeat})
	if err != nil {
		return err
	}
	p.owed += batch
	return p.log.conn.PublishRequest(p.request, p.sub.Subject, request)
}

// next returns the next message, or nil for a heartbeat. The error wraps ErrUnavailable, and the
// puller cannot be used after it.
func (p *puller) next(ctx context.Context) (msg *nats.Msg, err error) {
	defer func() { p.lost = err != nil && ctx.Err() == nil }()
	for {
		if msg, err = p.receive(ctx); err != nil {
			return nil, unavailable(ctx, "read", err)
		}
		status := ""
		if len(msg.Data) == 0 {
			status = first(msg.Header, "Status")
		}
		switch status {
		case "":
			p.owed--
			p.moved = true
		case "100":
			return nil, nil
		default:
			if err = p.answered(status, msg); err != nil {
				return nil, unavailable(ctx, "read", err)
			}
		}
		if err = p.ask(); err != nil {
			return nil, unavailable(ctx, "read", err)
		}
		if status == "" {
			return msg, nil
		}
	}
}

// receive returns the next message of any kind, or an error if there is none for too long.
func (p *puller) receive(ctx context.Context) (*nats.Msg, error) {
	// While many records arrive, this avoids the cost of the timer.
	select {
	case msg, ok := <-p.msgs:
		if ctx.Err() == nil && ok {
			return msg, nil
		}
	default:
	}
	p.quiet.Reset(silence)
	select {
	case msg, ok := <-p.msgs:
		if !ok {
			return nil, nats.ErrConnectionClosed
		}
		return msg, nil
	case <-p.quiet.C:
		return nil, errors.New("the server is silent")
	case <-p.again:
		return nil, errors.New("the connection was lost")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answered handles the status message at the end of a request: the request expired, or has reached
// its number of records or bytes. For any other status it returns an error, because the consumer is
// gone or will soon be.
func (p *puller) answered(status string, msg *nats.Msg) error {
	description := first(msg.Header, "Description")
	full := status == "409" && (description == "Message Size Exceeds MaxBytes" || description == "Batch Completed")
	left, err := strconv.Atoi(first(msg.Header, "Nats-Pending-Messages"))
	if err != nil || status != "408" && !full {
		return fmt.Errorf("the server answers %s %s", status, description)
	}
	p.owed = max(0, p.owed-left)
	if full && !p.moved {
		p.maxBytes *= 2 // the next record alone exceeds the limit
	}
	p.moved = false
	return nil
}

// close deletes the consumer, even if the context of the reader has ended. It does not delete a lost
// consumer, because that request might never be answered; the server deletes it after a minute.
func (p *puller) close() {
	p.quiet.Stop()
	p.log.conn.RemoveStatusListener(p.again)
	if p.sub != nil {
		if err := p.sub.Unsubscribe(); err != nil {
			p.log.logger.Debug("the subscription of a reader was already gone", zap.Error(err))
		}
	}
	if p.lost {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := p.log.js.DeleteConsumer(ctx, p.stream, p.consumer)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		p.log.logger.Debug("the consumer of a reader could not be deleted; the server deletes it after a minute", zap.String("consumer", p.consumer), zap.Error(err))
	}
}
