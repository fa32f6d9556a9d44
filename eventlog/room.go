package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// limitHint is the hint for a log that has reached its limit.
const limitHint = "raise its limit with orderfold log limit, which needs no restart"

const (
	// rateWindow is the time over which the growth of the log is measured.
	rateWindow = time.Hour
	// shortestWindow is the shortest time over which the growth of a new log is measured. A
	// demonstration posts thousands of notifications in its first minute.
	shortestWindow = 10 * time.Minute
	// horizon is the time beyond which there is no forecast.
	horizon = 100 * 365 * 24 * time.Hour
	// refusalLasts is how long a refusal counts if its cause cannot be requested from the server, as
	// for a limit of the NATS server. The refusal must expire: a load balancer that checks for it
	// would otherwise never send the record that shows that the cause is gone.
	refusalLasts = time.Minute
)

// Room is the size of the log, and how much more it can store. Sizes are in bytes.
type Room struct {
	Bytes    uint64 // size of the records
	MaxBytes int64  // size from which the log refuses records; -1: no limit
	// Left is how much can still be stored, below MaxBytes and on the disk of an embedded log. -1: no
	// limit is known.
	Left int64
	// DiskFree is how much can still be written to the disk of an embedded log. -1: the log is on an
	// external server.
	DiskFree int64
	// FullAt is when Left will be 0 if the log grows as it did in the last hour. It is zero if the log
	// is not growing, Left is -1, or the time is more than a century away. The growth is the number of
	// records of the last hour times the mean size of a record. The growth of a log that is younger
	// than an hour is measured over its age, but over ten minutes at least.
	FullAt time.Time
	// Refuses is why the log would not store a record now; nil: it would. If an operator can correct
	// it, it is a Fault.
	Refuses error
}

// Refuses returns the current Room.Refuses, or ErrUnavailable or ErrNoStream if the state of the log
// is unknown.
func (l *Log) Refuses(ctx context.Context) error {
	info, err := l.streamInfo(ctx)
	if err != nil {
		return err
	}
	return l.room(info).Refuses
}

// room returns the Room for a state of the stream, without FullAt.
func (l *Log) room(info *jetstream.StreamInfo) Room {
	r := Room{Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes, Left: -1, DiskFree: -1}
	if r.MaxBytes <= 0 {
		r.MaxBytes = -1
	} else {
		r.Left = max(0, r.MaxBytes-int64(r.Bytes))
	}
	byLimit := r.Left
	if l.embedded != nil {
		if free, err := embedded.FreeDisk(l.embedded.Dir()); err == nil {
			r.DiskFree = int64(free)
			if r.Left < 0 || r.DiskFree < r.Left {
				r.Left = r.DiskFree
			}
		}
	}
	r.Refuses = l.whyRefused(info, r.MaxBytes, byLimit)
	return r
}

// whyRefused returns why the log would not store a record now, or nil if it would. The record is
// assumed to have the mean size, or the size of the last record that the full log refused, if that is
// larger.
func (l *Log) whyRefused(info *jetstream.StreamInfo, limit, left int64) error {
	state := info.State
	refused, closed := l.group.refusal()
	usual := meanSize(state)
	if refused.full {
		usual = max(usual, refused.size)
	}
	switch {
	case closed != nil:
		return fmt.Errorf("the log accepts no records: %w", closed)
	case outvoted(info.Cluster):
		return &Fault{Err: errors.New("too few replicas of the log reach each other"), Hint: quorumHint, Clears: true}
	case left >= 0 && (left == 0 || uint64(left) < usual):
		return &Fault{Err: fmt.Errorf("the log is full: it has %d bytes of at most %d", state.Bytes, limit), Hint: limitHint}
	case l.embedded != nil && l.embedded.DiskFull() != nil:
		return &Fault{Err: fmt.Errorf("the disk of the log is full: %w", l.embedded.DiskFull()), Hint: "make room"}
	case refused.err != nil && !refused.full && time.Since(refused.at) < refusalLasts:
		return &Fault{Err: fmt.Errorf("the NATS server did not store the last record: %w", refused.err), Hint: "check the server, its disk and its limits"}
	}
	return nil
}

// outvoted reports whether the leader has lost contact with the majority of the replicas. It then
// stores nothing until enough of them return.
func outvoted(c *jetstream.ClusterInfo) bool {
	if c == nil {
		return false
	}
	here, all := 1, 1+len(c.Replicas)
	for _, replica := range c.Replicas {
		if !replica.Offline {
			here++
		}
	}
	return here <= all/2
}

// meanSize returns the mean size of a record in the log.
func meanSize(state jetstream.StreamState) uint64 {
	if state.Msgs == 0 {
		return 0
	}
	return state.Bytes / state.Msgs
}

// fullAt estimates when the log will be full, as Room.FullAt describes. left is Room.Left.
func (l *Log) fullAt(ctx context.Context, state jetstream.StreamState, left int64) (time.Time, error) {
	if left < 0 || state.Msgs == 0 {
		return time.Time{}, nil
	}
	now := time.Now()
	sequence, received, err := l.firstSince(ctx, now.Add(-rateWindow))
	if err != nil || sequence == 0 || sequence > state.LastSeq {
		return time.Time{}, err
	}
	over := rateWindow
	if sequence == state.FirstSeq { // the log is younger than rateWindow
		over = min(over, max(shortestWindow, now.Sub(received)))
	}
	grown := float64(state.LastSeq-sequence+1) * float64(meanSize(state))
	seconds := float64(left) / grown * over.Seconds()
	if seconds > horizon.Seconds() {
		return time.Time{}, nil
	}
	return now.Add(time.Duration(seconds * float64(time.Second))), nil
}

// firstSince returns the first record that was received at the given time or later, or sequence 0 if
// there is none.
func (l *Log) firstSince(ctx context.Context, from time.Time) (sequence uint64, received time.Time, err error) {
	const what = "request the records of the last hour"
	question, err := json.Marshal(map[string]any{"start_time": from.UTC(), "batch": 1})
	if err != nil {
		return 0, time.Time{}, err
	}
	answer, err := l.conn.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+streamName, question)
	if err != nil {
		return 0, time.Time{}, unavailable(ctx, what, err)
	}
	switch status := first(answer.Header, "Status"); status {
	case "":
	case "404":
		return 0, time.Time{}, nil
	default:
		return 0, time.Time{}, unavailable(ctx, what, errors.New("the server answers "+status+" "+first(answer.Header, "Description")))
	}
	if _, err := fmt.Sscan(first(answer.Header, jetstream.SequenceHeader), &sequence); err != nil {
		return 0, time.Time{}, unavailable(ctx, what, err)
	}
	received, err = time.Parse(time.RFC3339Nano, first(answer.Header, jetstream.TimeStampHeaer))
	if err != nil {
		return 0, time.Time{}, unavailable(ctx, what, err)
	}
	return sequence, received, nil
}
