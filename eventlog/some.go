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
	// spanGap is the most unwanted records between two wanted ones that are read with one request.
	spanGap = 3
	// spanRecords and spanBytes bound the answer to one request, because the server appends nothing
	// while it builds an answer.
	spanRecords = 64
	spanBytes   = 1 << 20
	// spansAhead is the number of concurrent requests. Together with spanBytes it bounds the memory.
	spansAhead = 16
	// spanPatience is how long an answer may take.
	spanPatience = readPatience
)

// ErrAcceptedLoss occurs in Records if the log lost a record and an operator accepted the loss. The
// error also wraps ErrNotFound.
var ErrAcceptedLoss = errors.New("eventlog: the loss of the record was accepted")

// Records yields the records with the given sequences, which must ascend. It requests records that
// are close together with one request, and sends several requests at a time.
//
// For a record that does not exist, Records yields a Record with only its sequence and an error that
// wraps ErrNotFound, and also ErrAcceptedLoss if that applies, and then continues. Any other error
// wraps ErrUnavailable and ends the iteration.
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
	wanted []uint64 // the requested sequences, ascending
	next   uint64   // the first sequence that may still arrive
	asked  uint64   // the value of next when the last request was sent
	found  []Record // for the first sequences of wanted; a Record without a subject is missing
	given  int      // the number of wanted sequences that were yielded
	paused bool     // the rest must be requested
	ended  bool     // nothing more will arrive
}

func (s *span) last() uint64 { return s.wanted[len(s.wanted)-1] }

// spansOf divides sequences into spans.
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

// picker is the state of one iteration of Records.
type picker struct {
	log    *Log
	spans  []span
	sub    *nats.Subscription
	msgs   chan *nats.Msg
	inbox  string  // prefix of the reply subjects, each of which ends in the number of a span
	bounds *Bounds // of the log, if they were needed
}

func (p *picker) run(ctx context.Context, yield func(Record, error) bool) (err error) {
	conn := p.log.conn
	// Each span has up to spanRecords records and an end marker.
	p.msgs, p.inbox = make(chan *nats.Msg, spansAhead*(spanRecords+1)), conn.NewInbox()+"."
	if p.sub, err = conn.ChanSubscribe(p.inbox+"*", p.msgs); err != nil {
		return err
	}
	defer func() { _ = p.sub.Unsubscribe() }() // fails only if the connection, and so the subscription, is gone
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

// deliver yields the records of a span. If they do not fit in one answer, it requests the next part
// only after it has yielded the previous one. more is false if the caller stopped the iteration.
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

// ask requests the records that a span still lacks.
func (p *picker) ask(number int) error {
	s := &p.spans[number]
	s.asked = s.next
	request := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, s.next, s.last()-s.next+1, spanBytes)
	if len(s.wanted) == 1 {
		request = fmt.Appendf(nil, `{"seq":%d}`, s.next)
	}
	return p.log.conn.PublishRequest("$JS.API.DIRECT.GET."+streamName, p.inbox+strconv.Itoa(number), request)
}

// receive waits for one message of any span, and handles it.
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
			return fmt.Errorf("unexpected answer on subject %q", msg.Subject)
		}
		return p.accept(number, msg)
	case <-timer.C:
		return errors.New("the server is silent")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// accept handles a message of a span: a record or an end marker.
func (p *picker) accept(number int, msg *nats.Msg) error {
	s := &p.spans[number]
	status := ""
	if len(msg.Data) == 0 {
		status = first(msg.Header, "Status")
	}
	switch status {
	case "":
		return p.take(s, msg)
	case "404": // there is no record from s.next on
		s.ended = true
	case "204": // the end of the requested records, or of the bytes that one answer may contain
		s.ended = s.next > s.last() || s.next == s.asked || first(msg.Header, "Nats-Num-Pending") == "0"
		s.paused = !s.ended
	default:
		return fmt.Errorf("the server answers %s %s", status, first(msg.Header, "Description"))
	}
	return nil
}

// take stores the record of a message if it is wanted. Records beyond the span arrive if some in the
// span are missing.
func (p *picker) take(s *span, msg *nats.Msg) error {
	sequence, err := strconv.ParseUint(first(msg.Header, "Nats-Sequence"), 10, 64)
	if err != nil || sequence < s.next {
		return fmt.Errorf("record %q arrived instead of record %d", first(msg.Header, "Nats-Sequence"), s.next)
	}
	s.next = sequence + 1
	s.ended = s.ended || len(s.wanted) == 1 // a request for one record is answered without an end marker
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
		s.found = append(s.found, r)
	}
	return nil
}

// give yields the records that have arrived, and an error for each missing one before them. At the
// end of the span it also yields an error for each missing one after them.
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

// absent returns the result for a record that did not arrive. The replica that answered may be
// behind, so the record is requested from the leader, unless it is known to be missing.
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
