package eventlog

import (
	"context"
	"errors"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// askLeader requests records from the leader of the stream, because a direct get may be answered by
// a replica that is behind or damaged. It returns the records that the leader can read, and those
// that do not exist according to the leader. After an error the other records are in neither result.
func (l *Log) askLeader(ctx context.Context, sequences []uint64) (there, gone Ranges) {
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(spansAhead)
	var mu sync.Mutex
	for _, sequence := range sequences {
		asking.Go(func() error {
			_, err := l.getFromLeader(ctx, sequence)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				there = append(there, Range{sequence, sequence})
			} else {
				gone = append(gone, Range{sequence, sequence})
			}
			return nil
		})
	}
	_ = asking.Wait() // an error ends the requests, and callers do nothing about records without an answer
	return Ranges(nil).with(there), Ranges(nil).with(gone)
}

// isBack reports whether the first missing record whose loss was not accepted can be read again.
func (l *Log) isBack(ctx context.Context, bounds Bounds) bool {
	open := bounds.Missing.without(bounds.skip)
	if bounds.Lost == nil || len(open) == 0 {
		return false
	}
	there, _ := l.askLeader(ctx, []uint64{open[0].First})
	return len(there) > 0
}

// takeBack removes records that exist again, for example after a restore from a copy, from the lists
// of unreadable records and of accepted losses. Otherwise an earlier acceptance would cover a later
// loss of the same records. It returns the state of the stream with the new lists. Errors:
// ErrUnavailable, ErrNoStream.
func (l *Log) takeBack(ctx context.Context, info *jetstream.StreamInfo) (*jetstream.StreamInfo, error) {
	accepted, _ := readNote(info, acceptedKey)
	unreadable, _ := readNote(info, unreadableKey)
	l.holes.mu.Lock()
	unreadable = unreadable.with(l.holes.unreadable)
	l.holes.mu.Unlock()
	if len(accepted)+len(unreadable) == 0 {
		return info, nil
	}
	gone, err := l.list(ctx, info)
	if err != nil {
		return nil, err
	}
	back, _ := l.askLeader(ctx, unreadable.sequences(maxProbed))
	l.holes.mu.Lock()
	l.holes.unreadable = l.holes.unreadable.without(back)
	l.holes.mu.Unlock()
	accepted = accepted.without(unreadable.without(back)).without(gone)
	if gone != nil || info.State.Msgs == info.State.LastSeq { // otherwise too many are missing to be listed
		back = back.with(accepted)
	}
	if len(back) == 0 || !l.mayNote {
		return info, nil
	}
	err = l.annotate(ctx, func(notes map[string]string) {
		for _, key := range []string{unreadableKey, acceptedKey} {
			withdraw(info, notes, key, back)
		}
	})
	if err != nil {
		l.logger.Warn("the lists of missing records in the stream are out of date", zap.Error(err))
		return info, nil
	}
	l.logger.Info("records that were missing can be read again", zap.Stringer("records", back))
	return l.streamInfo(ctx)
}

// withdraw removes records from a list in the stream's metadata, unless the list cannot be read.
func withdraw(info *jetstream.StreamInfo, notes map[string]string, key string, back Ranges) {
	before, err := readNote(withNotes(info, notes), key)
	if err != nil || before == nil {
		return
	}
	if left := before.without(back); len(left) > 0 {
		notes[key] = note(info, left)
	} else {
		delete(notes, key)
	}
}

// withNotes returns a copy of the state of the stream with other metadata.
func withNotes(info *jetstream.StreamInfo, notes map[string]string) *jetstream.StreamInfo {
	now := *info
	now.Config.Metadata = notes
	return &now
}
