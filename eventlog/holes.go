package eventlog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Keys in the stream's metadata for lists of records that are missing inside the log. All readers
// see these lists. Each value contains the identity of the log, followed by ranges. The identity
// shows whether a value was copied with the settings of another stream.
const (
	// unreadableKey is for the records that the server counts but cannot read. The server notices a
	// damaged record only when it reads the record.
	unreadableKey = "orderfold-unreadable"
	// acceptedKey is for the records whose loss an operator has accepted.
	acceptedKey = "orderfold-accepted"
)

const (
	// maxListed is the largest number of missing records that are requested from the server. Its
	// answer lists each of them, and is up to 40 MB long.
	maxListed = 4 << 20
	// maxRanges is the largest number of ranges in the metadata: the server accepts 128 KiB of
	// metadata in all.
	maxRanges = 1500
	// maxProbed is the largest number of records that are requested one by one from the leader.
	maxProbed = 10_000
)

// holes caches what is known about the missing records of a log. The state of the stream contains
// only their number.
type holes struct {
	mu         sync.Mutex
	unreadable Ranges // found by a reader of this process, and not in the stream's metadata
	of         string // the stateName for which listed was requested
	listed     Ranges // the missing records that the server reports
}

// absence describes the missing records of a log.
type absence struct {
	missing Ranges // the missing sequences between 1 and the last one
	skip    Ranges // the missing sequences that a reader skips
	held    string // why readers must stop; "": nothing is missing, or every loss was accepted
	many    bool   // too many are missing to be listed, and the field missing is incomplete
	foreign string // why the list of accepted losses is ignored; "": it is not
}

// absent returns the missing records of the log. If there are none, it sends no request. The error
// wraps ErrUnavailable.
func (l *Log) absent(ctx context.Context, info *jetstream.StreamInfo) (a absence, err error) {
	state, notes := info.State, info.Config.Metadata
	gone := state.LastSeq - min(state.LastSeq, state.Msgs)
	l.holes.mu.Lock()
	found := l.holes.unreadable
	l.holes.mu.Unlock()
	if gone == 0 && len(found) == 0 && notes[unreadableKey] == "" && notes[acceptedKey] == "" {
		return a, nil
	}
	if gone > 0 {
		if a.missing, err = l.list(ctx, info); err != nil {
			return a, err
		}
		a.many = a.missing.Count() < gone
	}
	unreadable, damaged := readNote(info, unreadableKey)
	unreadable = unreadable.with(found).shared(Ranges{{1, state.LastSeq}})
	a.missing = a.missing.with(unreadable)
	accepted, foreign := readNote(info, acceptedKey)
	if foreign != nil {
		a.foreign = foreign.Error()
	}
	a.skip = a.missing.shared(accepted)
	var said []string
	if a.many {
		said = append(said, fmt.Sprintf("it should have records 1 to %d, but has only %d: %d are missing", state.LastSeq, state.Msgs, gone))
	} else if open := a.missing.without(accepted); len(open) > 0 {
		text := fmt.Sprintf("it should have records 1 to %d: %s", state.LastSeq, open.Words())
		if n := len(a.skip); n > 0 {
			text += fmt.Sprintf(", in addition to %d whose loss was accepted", a.skip.Count())
		}
		said = append(said, text)
	}
	if damaged != nil {
		said = append(said, damaged.Error())
	}
	if len(said) > 0 && a.foreign != "" {
		said = append(said, a.foreign)
	}
	if len(said) > 0 {
		a.held = strings.Join(said, "; ")
	}
	if l.readLost {
		a.skip = a.missing
	}
	return a, nil
}

// list returns the records between 1 and the last one that the server reports as missing, or nil if
// they are too many. Nothing is ever deleted from the log on purpose, so the list is requested again
// only when the number of missing records changes.
func (l *Log) list(ctx context.Context, info *jetstream.StreamInfo) (Ranges, error) {
	h := &l.holes
	h.mu.Lock()
	of, listed := h.of, h.listed
	h.mu.Unlock()
	if of == stateName(info) {
		return listed, nil
	}
	if info.State.NumDeleted > maxListed {
		return nil, nil
	}
	detailed, err := l.stream.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return nil, unavailable(ctx, "request the list of missing records", err)
	}
	if err := led(detailed); err != nil {
		return nil, err
	}
	state := detailed.State
	var missing Ranges
	if state.Msgs == 0 {
		missing = Ranges{{1, state.LastSeq}}
	} else if state.FirstSeq > 1 {
		missing = Ranges{{1, state.FirstSeq - 1}}
	}
	for _, sequence := range state.Deleted {
		if n := len(missing); n > 0 && sequence <= missing[n-1].Last+1 {
			missing[n-1].Last = max(missing[n-1].Last, sequence)
		} else {
			missing = append(missing, Range{sequence, sequence})
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of, h.listed = stateName(detailed), missing
	return missing, nil
}

// stateName returns a string that differs whenever other records are missing.
func stateName(info *jetstream.StreamInfo) string {
	return fmt.Sprint(identity(info), info.State.FirstSeq, info.State.LastSeq-info.State.Msgs)
}

// readNote returns the ranges of a list in the stream's metadata, or nil if the list does not exist.
// It returns an error if the list belongs to another log or is invalid.
func readNote(info *jetstream.StreamInfo, key string) (Ranges, error) {
	text := info.Config.Metadata[key]
	if text == "" {
		return nil, nil
	}
	log, list, _ := strings.Cut(text, " ")
	if log != identity(info) {
		return nil, fmt.Errorf("the list %s in the stream's metadata belongs to another log: %.100q", key, text)
	}
	ranges, err := parseRanges(list)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the list %s in the stream's metadata cannot be read, %.100q: %w", key, text, err)
	case key == acceptedKey && ranges[len(ranges)-1].Last > info.State.LastSeq: // it would accept losses that have not happened yet
		return nil, fmt.Errorf("the list %s in the stream's metadata does not fit the log, which ends at record %d: %.100q", key, info.State.LastSeq, text)
	}
	return ranges, nil
}

// note returns a list in the form in which the stream's metadata contains it.
func note(info *jetstream.StreamInfo, ranges Ranges) string {
	return identity(info) + " " + ranges.String()
}

// annotate changes the stream's metadata. It reads the current settings first, so that it keeps the
// changes of other processes.
func (l *Log) annotate(ctx context.Context, change func(notes map[string]string)) error {
	l.settings.Lock()
	defer l.settings.Unlock()
	info, err := l.streamInfo(ctx)
	if err != nil {
		return err
	}
	config := info.Config
	notes := maps.Clone(config.Metadata)
	if notes == nil {
		notes = map[string]string{}
	}
	change(notes)
	if maps.Equal(notes, config.Metadata) {
		return nil
	}
	config.Metadata = notes
	if _, err := l.js.UpdateStream(ctx, config); err != nil {
		return unavailable(ctx, "change the metadata of the stream", err)
	}
	return nil
}

// foundUnreadable requests the records from want to before got that are not known to be missing from
// the leader. It records those that cannot be read in the stream's metadata, for all readers.
func (l *Log) foundUnreadable(ctx context.Context, want, got uint64) {
	info, err := l.streamInfo(ctx)
	if err != nil {
		return
	}
	known, err := l.absent(ctx, info)
	if err != nil {
		return
	}
	var doubtful []uint64
	for sequence := want; sequence < min(got, want+maxProbed, info.State.LastSeq+1); sequence++ {
		if !known.missing.Contains(sequence) {
			doubtful = append(doubtful, sequence)
		}
	}
	_, found := l.askLeader(ctx, doubtful)
	if len(found) == 0 {
		return
	}
	l.holes.mu.Lock()
	l.holes.unreadable = l.holes.unreadable.with(found)
	found = l.holes.unreadable
	l.holes.mu.Unlock()
	l.logger.Error("THE LOG HAS HOLES: records that were acknowledged cannot be read", zap.String("lost", found.Words()))
	if !l.mayNote {
		return
	}
	if err := l.noteUnreadable(ctx, info, found); err != nil {
		l.logger.Warn("the loss could not be recorded in the stream; only this process knows of it", zap.Error(err))
		return
	}
	l.holes.mu.Lock()
	defer l.holes.mu.Unlock()
	// From now on the records are only in the metadata, from which another process may remove them.
	l.holes.unreadable = l.holes.unreadable.without(found)
}

// noteUnreadable adds records to the list of unreadable records in the stream's metadata.
func (l *Log) noteUnreadable(ctx context.Context, info *jetstream.StreamInfo, found Ranges) error {
	many := 0
	err := l.annotate(ctx, func(notes map[string]string) {
		before, _ := readNote(withNotes(info, notes), unreadableKey)
		all := before.with(found)
		if many = len(all); many <= maxRanges {
			notes[unreadableKey] = note(info, all)
		}
	})
	if err == nil && many > maxRanges {
		err = fmt.Errorf("eventlog: the list of unreadable records has no room for %d ranges", many)
	}
	return err
}

// HasLost reports whether the log lost the record with that sequence. It is meant for a sequence for
// which Get returned ErrNotFound. The errors are those of Bounds.
func (l *Log) HasLost(ctx context.Context, sequence uint64) (bool, error) {
	bounds, err := l.Bounds(ctx)
	if err == nil && sequence > 0 && sequence <= bounds.Last && !bounds.Missing.Contains(sequence) {
		l.foundUnreadable(ctx, sequence, sequence+1) // has no effect if the record was appended just now
		bounds, err = l.Bounds(ctx)
	}
	return bounds.Missing.Contains(sequence), err
}

// examine logs which records are missing when the log is opened.
func (l *Log) examine(ctx context.Context) error {
	info, err := l.takeBack(ctx, l.stream.CachedInfo())
	if err != nil {
		return err
	}
	a, err := l.absent(ctx, info)
	switch {
	case err != nil:
		return err
	case a.held != "":
		l.logger.Error("THE LOG HAS HOLES: records that were acknowledged are missing", zap.String("lost", a.held), zap.String("hint", LossAdvice))
	case len(a.missing) > 0:
		l.logger.Warn("records are missing from the log; their loss was accepted", zap.Stringer("missing", a.missing))
	}
	if a.foreign != "" {
		l.logger.Error("the list of accepted losses is ignored", zap.String("why", a.foreign))
	}
	return nil
}

// AcceptLoss lets all readers continue with what is left of a log that lost records, and begins a new
// epoch. It returns a description of what was missing, or "" if nothing was. Only an operator may
// decide this: for an embedded log while the service is stopped, and for an external one at any time.
// With Options.Guest, AcceptLoss returns an error. Errors: ErrUnavailable, ErrNoStream, and a fault if
// too much is missing.
func (l *Log) AcceptLoss(ctx context.Context) (missing string, err error) {
	if !l.mayNote {
		return "", errors.New("eventlog: a loss can only be accepted in the data folder of the log, while the service is stopped")
	}
	info, err := l.streamInfo(ctx)
	if err != nil {
		return "", err
	}
	if info, err = l.takeBack(ctx, info); err != nil {
		return "", err
	}
	a, err := l.absent(ctx, info)
	if err != nil {
		return "", err
	}
	end := l.lostEnd(info)
	lost := lossFault(end, a.held)
	if lost == nil {
		return "", nil
	}
	if a.many || len(a.missing) > maxRanges {
		return "", &Fault{Err: fmt.Errorf("eventlog: too much is missing to be accepted: at least %d records in at least %d ranges",
			info.State.LastSeq-info.State.Msgs, len(a.missing)), Hint: "restore the log from a copy"}
	}
	if end != "" && l.embedded != nil {
		if err := l.embedded.ForgetEnd(); err != nil { // Close records the current end
			return "", err
		}
	}
	unreadable, _ := readNote(info, unreadableKey)
	l.holes.mu.Lock()
	unreadable = unreadable.with(l.holes.unreadable).shared(a.missing)
	l.holes.mu.Unlock()
	err = l.annotate(ctx, func(notes map[string]string) {
		for _, key := range []string{lostKey, unreadableKey, acceptedKey} {
			delete(notes, key)
		}
		beginEpoch(notes)
		if len(unreadable) > 0 {
			notes[unreadableKey] = note(info, unreadable)
		}
		if len(a.missing) > 0 {
			notes[acceptedKey] = note(info, a.missing)
		}
	})
	if err != nil {
		return "", err
	}
	l.lost.Store(nil)
	return lost.Err.Error(), nil
}

// lostEnd describes what is missing at the end of the log. It returns "" if nothing is known to be
// missing there.
func (l *Log) lostEnd(info *jetstream.StreamInfo) string {
	if lost := l.lost.Load(); lost != nil {
		return *lost
	}
	return lostNote(info)
}

// lossFault returns the fault for the descriptions of what is missing at the end and inside the log,
// or nil if both are empty.
func lossFault(end, inside string) *Fault {
	text := end + inside
	if end != "" && inside != "" {
		text = end + "; " + inside
	}
	if text == "" {
		return nil
	}
	return &Fault{Err: errors.New(text), Hint: LossAdvice}
}
