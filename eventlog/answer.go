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

// ack is the server's answer to a published record or batch. For a batch, Sequence is that of its
// last record.
type ack struct {
	Sequence uint64              `json:"seq"`
	Batch    string              `json:"batch"`
	Count    int                 `json:"count"`
	Error    *jetstream.APIError `json:"error"`
}

// unsent lists the errors of the client library that mean that no byte of the message was sent.
var unsent = []error{nats.ErrReconnectBufExceeded, nats.ErrConnectionClosed, nats.ErrConnectionDraining, nats.ErrMaxPayload, nats.ErrNoResponders}

// refusedMidway lists the error codes with which the server may refuse a batch after it has stored
// the first records of that batch: it checks these limits again for each record during the commit
// (2.15.2: wouldExceedLimits in processJetStreamMsgWithBatch). After any other refusal, no record
// of the batch is in the log or can appear after a restart.
var refusedMidway = []jetstream.ErrorCode{
	10002, // JSAccountResourcesExceededErr
	10023, // JSInsufficientResourcesErr
	10028, // JSMemoryResourcesExceededErr
	10047, // JSStorageResourcesExceededErr
}

// answered handles one answer of the server. It is not called concurrently.
func (g *group) answered(msg *nats.Msg) {
	key, err := strconv.ParseUint(msg.Subject[len(g.inbox):], 36, 64)
	if err != nil {
		return // the subject does not end in a shipment key
	}
	got, err := readAnswer(msg)
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.unship(key)
	if s == nil {
		return // the shipment has already ended
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

// conclude ends a shipment, and resolves each of its records with the answer or the error. The
// records of a refused batch are queued again, to be sent singly, so that only a record that is
// itself refused fails.
func (g *group) conclude(s *shipment, got ack, err error) {
	count := len(s.records)
	if err == nil && s.batch != "" && (got.Batch != s.batch || got.Count != count) || err == nil && got.Sequence < uint64(count) {
		err = fmt.Errorf("unexpected answer from the server: it is for %d records of batch %q", got.Count, got.Batch)
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

// failure returns the error of Append for one record of a failed shipment.
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

// isFull reports whether the server refused a record because the stream has reached its limit. It
// reads the description, because the server uses one error code for every failure to store.
func isFull(refused *jetstream.APIError) bool {
	return refused.ErrorCode == errCodeStoreFailed && strings.Contains(refused.Description, "maximum bytes exceeded")
}

// storedSize returns the number of bytes that the server counts for a stored record (2.15.2:
// fileStoreMsgSize).
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

// takeApart puts the records of a refused batch back at the head of the queue, to be sent singly.
func (g *group) takeApart(s *shipment) {
	again := make([]*appending, 0, len(s.records)+len(g.queue))
	for _, a := range s.records {
		if a.resolved { // its caller has returned, with the error that the outcome is unknown
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

// refusal is the reason why the last record was not stored. The zero value means that it was stored.
type refusal struct {
	err  error
	full bool   // the record did not fit below the limit of the log
	size uint64 // of the record, in bytes, as stored
	at   time.Time
}

// refusal returns the reason why the last record was not stored, and the reason why no record is
// accepted now. Each is zero or nil if there is none.
func (g *group) refusal() (last refusal, closed error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused, g.closed
}

// forgetRefusal clears the last refusal. It is called after a reconnect, which may have reached
// another server.
func (g *group) forgetRefusal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = refusal{}
}

// reached records that the log contains this sequence, and returns the highest sequence known to be
// in the log.
func (g *group) reached(sequence uint64) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.highest = max(g.highest, sequence)
	return g.highest
}
