package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// spanGap bounds the unwanted records between two that are read with one request.
	spanGap = 3
	// spanRecords and spanBytes bound the answer to one request. The server appends nothing while it makes one.
	spanRecords = 64
	spanBytes   = 1 << 20
	// spansAhead is the number of concurrent requests. With spanBytes it bounds the memory.
	spansAhead = 16
	// spanPatience is how long an answer may take: as long as Read tries without a record.
	spanPatience = readPatience
)

// ErrAcceptedLoss occurs when the log lost the requested record, and an operator accepted that. It
// comes with ErrNotFound.
var ErrAcceptedLoss = errors.New("eventlog: the loss of the record was accepted")

// Records yields the records with these sequences, which must ascend. It reads nothing else of the log but what stands between
// two that are near each other, and makes one request for all that are near each other, several at once. For a record
// that is not there it yields its sequence and an error that wraps ErrNotFound, and ErrAcceptedLoss where that is so, and
// continues. It ends after any other error, which wraps ErrUnavailable.
func (l *Log) Records(ctx context.Context, sequences []uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if len(sequences) == 0 {
			return
		}
		if err := l.notOpen(); err != nil {
			yield(Record{}, err)
			return
		}
		p := picker{log: l, spans: spansOf(sequences)}
		if err := p.run(ctx, yield); err != nil {
			yield(Record{}, unavailable(ctx, "read records", err))
		}
	}
}

// span is a part of the log that is read with one request.
type span struct {
	wanted []uint64 // ascending
	next   uint64   // the first record that may still come
	asked  uint64   // what next was when more was asked for
	found  []Record
	given  int  // of wanted
	paused bool // the rest comes when it is requested
	ended  bool // nothing more comes
}

func (s *span) last() uint64 { return s.wanted[len(s.wanted)-1] }

func spansOf(sequences []uint64) (spans []span) {
	for from := 0; from < len(sequences); {
		until := from + 1
		for until < len(sequences) && sequences[until]-sequences[until-1] <= spanGap+1 && sequences[until]-sequences[from] < spanRecords {
			until++
		}
		spans = append(spans, span{wanted: sequences[from:until], next: sequences[from]})
		from = until
	}
	return spans
}

// picker reads spans.
type picker struct {
	log    *Log
	spans  []span
	sub    *nats.Subscription
	msgs   chan *nats.Msg
	inbox  string // each span's number is appended
	bounds *Bounds
}

func (p *picker) run(ctx context.Context, yield func(Record, error) bool) (err error) {
	conn := p.log.conn
	// A span brings an end besides its records.
	p.msgs, p.inbox = make(chan *nats.Msg, spansAhead*(spanRecords+1)), conn.NewInbox()+"."
	if p.sub, err = conn.ChanSubscribe(p.inbox+"*", p.msgs); err != nil {
		return err
	}
	defer func() { _ = p.sub.Unsubscribe() }() // fails when the connection is gone, and the subscription with it
	asked := 0
	for i := range p.spans {
		for ; asked < min(i+spansAhead, len(p.spans)); asked++ {
			if err := p.ask(asked); err != nil {
				return err
			}
		}
		if more, err := p.deliver(ctx, i, yield); err != nil || !more {
			return err
		}
	}
	return nil
}

// deliver yields a span. If its records are large it yields a part at a time, and requests the next
// part only then.
func (p *picker) deliver(ctx context.Context, number int, yield func(Record, error) bool) (more bool, err error) {
	s := &p.spans[number]
	for {
		for !s.ended && !s.paused {
			if err := p.receive(ctx); err != nil {
				return false, err
			}
		}
		if more, err = p.give(ctx, s, yield); err != nil || !more || s.ended {
			return more, err
		}
		s.paused = false
		if err := p.ask(number); err != nil {
			return false, err
		}
	}
}

// ask requests what a span still lacks.
func (p *picker) ask(number int) error {
	s := &p.spans[number]
	s.asked = s.next
	request := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, s.next, s.last()-s.next+1, spanBytes)
	if len(s.wanted) == 1 {
		request = fmt.Appendf(nil, `{"seq":%d}`, s.next)
	}
	return p.log.conn.PublishRequest("$JS.API.DIRECT.GET."+streamName, p.inbox+strconv.Itoa(number), request)
}

// receive takes one message of any span.
func (p *picker) receive(ctx context.Context) error {
	timer := time.NewTimer(spanPatience)
	defer timer.Stop()
	select {
	case msg, ok := <-p.msgs:
		if !ok {
			return nats.ErrConnectionClosed
		}
		number, err := strconv.Atoi(strings.TrimPrefix(msg.Subject, p.inbox))
		if err != nil || number < 0 || number >= len(p.spans) {
			return fmt.Errorf("an answer came to %q", msg.Subject)
		}
		return p.accept(number, msg)
	case <-timer.C:
		return errors.New("the server is silent")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *picker) accept(number int, msg *nats.Msg) error {
	s := &p.spans[number]
	status := ""
	if len(msg.Data) == 0 {
		status = first(msg.Header, "Status")
	}
	switch status {
	case "":
		return p.take(s, msg)
	case "404": // nothing from s.next on
		s.ended = true
	case "204": // the end of what was asked for, or as many bytes as one answer may have
		s.ended = s.next > s.last() || s.next == s.asked || first(msg.Header, "Nats-Num-Pending") == "0"
		s.paused = !s.ended
	default:
		return fmt.Errorf("the server answers %s %s", status, first(msg.Header, "Description"))
	}
	return nil
}

// take keeps a wanted record. Records beyond the span come if some are missing.
func (p *picker) take(s *span, msg *nats.Msg) error {
	sequence, err := strconv.ParseUint(first(msg.Header, "Nats-Sequence"), 10, 64)
	if err != nil || sequence < s.next {
		return fmt.Errorf("record %q came in the place of %d", first(msg.Header, "Nats-Sequence"), s.next)
	}
	s.next = sequence + 1
	s.ended = s.ended || len(s.wanted) == 1 // no end is sent
	for _, wanted := range s.wanted[len(s.found):] {
		if wanted > sequence {
			break
		}
		r := Record{Sequence: wanted}
		if wanted == sequence {
			received, err := time.Parse(time.RFC3339Nano, first(msg.Header, "Nats-Time-Stamp"))
			if err != nil {
				return err
			}
			r = record(p.log.identity, sequence, received, first(msg.Header, "Nats-Subject"), attributesOf(msg.Header), msg.Data)
		}
		s.found = append(s.found, r) // without a subject: passed over
	}
	return nil
}

// give yields the records that came, and at the end of the span the errors for the others.
func (p *picker) give(ctx context.Context, s *span, yield func(Record, error) bool) (more bool, err error) {
	for s.given < len(s.found) || s.ended && s.given < len(s.wanted) {
		var r Record
		if s.given < len(s.found) {
			r, s.found[s.given] = s.found[s.given], Record{}
		}
		if r.subject == "" {
			if r, err = p.absent(ctx, s.wanted[s.given]); err != nil && !errors.Is(err, ErrNotFound) {
				return false, err
			}
		}
		s.given++
		if !yield(r, err) {
			return false, nil
		}
		err = nil
	}
	return true, nil
}

// absent returns the record, or the error, in place of one that did not come. A replica may be
// behind: unless the log is known to lack the record, the leader decides.
func (p *picker) absent(ctx context.Context, sequence uint64) (Record, error) {
	if p.bounds == nil {
		bounds, err := p.log.Bounds(ctx)
		if err != nil {
			return Record{}, err
		}
		p.bounds = &bounds
	}
	err := fmt.Errorf("%w: %d", ErrNotFound, sequence)
	if !p.bounds.Missing.Contains(sequence) {
		var r Record
		if r, err = p.log.getFromLeader(ctx, sequence); err == nil || !errors.Is(err, ErrNotFound) {
			return r, err
		}
	}
	if p.bounds.skip.Contains(sequence) {
		err = fmt.Errorf("%w; %w", err, ErrAcceptedLoss)
	}
	return Record{Sequence: sequence}, err
}
