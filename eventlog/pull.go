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
	// pullRecords bounds the records in flight; half of them are requested at a time.
	pullRecords = 2048
	// pullBytes bounds the bytes of one request, so that large records do not fill the memory.
	pullBytes   = 8 << 20
	pullExpires = 30 * time.Second
	// heartbeat is the interval of the server's heartbeats. Silence means that the consumer is
	// gone.
	heartbeat = time.Second
	silence   = 3 * heartbeat
	// abandoned is how long the server keeps a consumer whose reader could not delete it.
	abandoned = time.Minute
)

// puller is a consumer of the stream, made for one reader.
//
// The client library's iterator would fetch at about nine tenths of the speed (BenchmarkRead), but
// it hides the heartbeats by which a reader knows that it waits for the right thing, and accepts a
// context or a timeout, not both.
type puller struct {
	log      *Log
	stream   string
	consumer string
	request  string // subject of the requests
	sub      *nats.Subscription
	msgs     chan *nats.Msg
	quiet    *time.Timer
	again    chan nats.Status // the connection was lost and is there again: what was asked for is forgotten
	owed     int              // records the server may still send for the requests made
	maxBytes int
	moved    bool // records came since the last answer that was not one
	lost     bool // the server may have deleted the consumer
}

// pull makes a consumer of a stream that begins at a sequence, which may take the server that long. The error wraps ErrUnavailable.
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
		return nil, unavailable(asking, "make a consumer", err)
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
		return nil, unavailable(ctx, "ask for records", err)
	}
	return p, nil
}

// ask keeps requests open for at least half of what may be on the way.
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

// next returns the next message, or nil on a heartbeat. The error wraps ErrUnavailable: the
// consumer is then unusable.
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

func (p *puller) receive(ctx context.Context) (*nats.Msg, error) {
	// The fast path: while many records arrive there is no need for a timer.
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

// answered handles the end of a request that returned fewer records than requested: it expired, or
// reached its limit of bytes. Anything else means that the consumer is gone or about to be.
func (p *puller) answered(status string, msg *nats.Msg) error {
	description := first(msg.Header, "Description")
	full := status == "409" && (description == "Message Size Exceeds MaxBytes" || description == "Batch Completed")
	left, err := strconv.Atoi(first(msg.Header, "Nats-Pending-Messages"))
	if err != nil || status != "408" && !full {
		return fmt.Errorf("the server answers %s %s", status, description)
	}
	p.owed = max(0, p.owed-left)
	if full && !p.moved {
		p.maxBytes *= 2 // the next record alone is larger
	}
	p.moved = false
	return nil
}

// close deletes the consumer, even if the reader's context has ended. A lost consumer is left to
// the server: without a leader the request would never be answered.
func (p *puller) close() {
	p.quiet.Stop()
	p.log.conn.RemoveStatusListener(p.again)
	if p.sub != nil {
		if err := p.sub.Unsubscribe(); err != nil {
			p.log.logger.Debug("a reader's subscription was gone already", zap.Error(err))
		}
	}
	if p.lost {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := p.log.js.DeleteConsumer(ctx, p.stream, p.consumer)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		p.log.logger.Debug("a reader's consumer stays behind for a minute", zap.String("consumer", p.consumer), zap.Error(err))
	}
}
