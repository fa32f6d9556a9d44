package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ack is the server's answer to what is stored. For a batch the sequence is that of its last record.
type ack struct {
	Sequence uint64              `json:"seq"`
	Batch    string              `json:"batch"`
	Count    int                 `json:"count"`
	Error    *jetstream.APIError `json:"error"`
}

// unsent are the errors of the client after which no byte of a message was sent.
var unsent = []error{nats.ErrReconnectBufExceeded, nats.ErrConnectionClosed, nats.ErrConnectionDraining, nats.ErrMaxPayload, nats.ErrNoResponders}

// The server checks these limits again for each record while it commits a batch, and may refuse the
// batch after its first records were stored (2.15.2: wouldExceedLimits in
// processJetStreamMsgWithBatch). After any other refusal nothing of the batch is in the log or can
// appear after a restart.
var refusedMidway = []jetstream.ErrorCode{
	10002, // JSAccountResourcesExceededErr
	10023, // JSInsufficientResourcesErr
	10028, // JSMemoryResourcesExceededErr
	10047, // JSStorageResourcesExceededErr
}

// answered is called for each answer of the server, one after the other.
func (g *group) answered(msg *nats.Msg) {
	key, err := strconv.ParseUint(msg.Subject[len(g.inbox):], 36, 64)
	if err != nil {
		return // not one of our reply subjects
	}
	got, err := readAnswer(msg)
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.unship(key)
	if s == nil {
		return // the answer came too late
	}
	g.conclude(s, got, err)
	g.signal()
}

func readAnswer(msg *nats.Msg) (ack, error) {
	if isNobody(msg) {
		return ack{}, nats.ErrNoResponders
	}
	var got ack
	if err := json.Unmarshal(msg.Data, &got); err != nil {
		return ack{}, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	if got.Error != nil {
		return ack{}, got.Error
	}
	return got, nil
}

// conclude ends a shipment with its answer, for every caller. A refused batch is split: its records
// are sent singly, so that only the refused one fails.
func (g *group) conclude(s *shipment, got ack, err error) {
	count := len(s.records)
	if err == nil && s.batch != "" && (got.Batch != s.batch || got.Count != count) || err == nil && got.Sequence < uint64(count) {
		err = fmt.Errorf("the server's answer does not fit: it is for %d records of batch %q", got.Count, got.Batch)
	}
	var refused *jetstream.APIError
	if errors.As(err, &refused) && s.batch != "" && !slices.Contains(refusedMidway, refused.ErrorCode) {
		g.takeApart(s)
		return
	}
	if err == nil {
		g.highest = max(g.highest, got.Sequence)
		g.refused = refusal{}
	}
	for i, a := range s.records {
		if err != nil {
			g.resolve(a, outcome{err: g.failure(s, a, err)})
			continue
		}
		g.resolve(a, outcome{sequence: got.Sequence - uint64(count-1-i)})
	}
}

// failure returns the error for the caller of one record.
func (g *group) failure(s *shipment, a *appending, err error) error {
	var refused *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return g.tooLarge(a)
	case errors.As(err, &refused) && s.batch == "":
		if refused.ErrorCode == errCodeMessageTooLarge {
			return g.tooLarge(a)
		}
		g.refused = refusal{err: refused, full: isFull(refused), size: storedSize(a.msg), at: time.Now()}
		if g.refused.full {
			err = fmt.Errorf("%w: %w", errFull, err)
		}
		return notAppended(err)
	case slices.ContainsFunc(unsent, func(known error) bool { return errors.Is(err, known) }):
		return notAppended(err)
	case errors.Is(err, ErrUnavailable):
		return err
	}
	return outcomeUnknown(err)
}

// isFull reports whether the server refused a record because of the limit of the stream. The server
// has only one code for all failures to store.
func isFull(refused *jetstream.APIError) bool {
	return refused.ErrorCode == errCodeStoreFailed && strings.Contains(refused.Description, "maximum bytes exceeded")
}

// storedSize returns the size that the server counts for a record (2.15.2: fileStoreMsgSize).
func storedSize(msg *nats.Msg) uint64 {
	headers := len("NATS/1.0\r\n\r\n")
	for name, values := range msg.Header {
		for _, value := range values {
			headers += len(name) + len(": \r\n") + len(value)
		}
	}
	const overhead = 22 + 4 + 8
	return uint64(overhead + len(msg.Subject) + headers + len(msg.Data))
}

// takeApart puts the records of a refused batch back at the head of the queue.
func (g *group) takeApart(s *shipment) {
	again := make([]*appending, 0, len(s.records)+len(g.queue))
	for _, a := range s.records {
		if a.resolved { // its caller has left, with the answer that the outcome is unknown
			g.resolve(a, outcome{})
			continue
		}
		a.alone, a.shipment, a.msg.Reply = true, nil, ""
		for _, name := range []string{headerBatchID, headerBatchSequence, headerBatchCommit} {
			delete(a.msg.Header, name)
		}
		again = append(again, a)
	}
	g.queue = append(again, g.queue...)
}

// refusal is why the last record was not stored; zero if it was.
type refusal struct {
	err  error
	full bool   // the log has no room for it below its limit
	size uint64 // the size of that record in the log
	at   time.Time
}

// refusal returns why the last record was not stored, and why no record is accepted at all.
func (g *group) refusal() (last refusal, closed error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused, g.closed
}

// forgetRefusal clears the refusal, because the server may have changed.
func (g *group) forgetRefusal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = refusal{}
}

// reached records that the log has this sequence, and returns the highest known one.
func (g *group) reached(sequence uint64) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.highest = max(g.highest, sequence)
	return g.highest
}
