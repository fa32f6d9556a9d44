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

// The stream's metadata about records missing inside it, for every reader. Each value contains the
// identity of the log and ranges: one copied with the settings of another stream is ignored.
const (
	// unreadableKey has the records that the server counts but cannot read: it finds a damaged
	// record only when it reads it.
	unreadableKey = "orderfold-unreadable"
	// acceptedKey has the records whose loss an operator has accepted.
	acceptedKey = "orderfold-accepted"
)

const (
	// maxListed bounds the missing records that are listed: the server's answer names each of them,
	// 40 MB in all.
	maxListed = 4 << 20
	// maxRanges bounds a list; the server accepts 128 KiB of metadata in all.
	maxRanges = 1500
	// maxProbed bounds the records that are requested one by one when some did not come.
	maxProbed = 10_000
)

// holes is what is known about the missing records of a log, beyond their number in the stream's
// state.
type holes struct {
	mu         sync.Mutex
	unreadable Ranges // found by a reader of this process, and not in the stream's note
	of         string // the state that listed belongs to
	listed     Ranges
}

// absence is what a log lacks.
type absence struct {
	missing Ranges // of the sequences 1 to the last one
	skip    Ranges // those that a reader skips
	held    string // why reading must stop; "": nothing is missing, or all of it was accepted
	many    bool   // too many to be listed: missing is incomplete
	foreign string // why the list of accepted records is ignored
}

// absent returns what the log lacks. It costs nothing if nothing is missing. The error wraps
// ErrUnavailable.
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
		said = append(said, fmt.Sprintf("it should have records 1 to %d, and has %d: %d are missing", state.LastSeq, state.Msgs, gone))
	} else if open := a.missing.without(accepted); len(open) > 0 {
		text := fmt.Sprintf("it should have records 1 to %d: %s", state.LastSeq, open.Words())
		if n := len(a.skip); n > 0 {
			text += fmt.Sprintf(", besides the %d whose loss was accepted", a.skip.Count())
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

// list returns the records missing between 1 and the last one, or nil if they are too many. Nothing
// is deleted from the log on purpose, so the list is valid as long as their number stays the same.
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
		return nil, unavailable(ctx, "ask which records are missing", err)
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

// stateName changes only when other records are missing.
func stateName(info *jetstream.StreamInfo) string {
	return fmt.Sprint(identity(info), info.State.FirstSeq, info.State.LastSeq-info.State.Msgs)
}

// readNote returns the ranges of a list, none if it does not exist. The error says why the list is
// ignored.
func readNote(info *jetstream.StreamInfo, key string) (Ranges, error) {
	text := info.Config.Metadata[key]
	if text == "" {
		return nil, nil
	}
	log, list, _ := strings.Cut(text, " ")
	if log != identity(info) {
		return nil, fmt.Errorf("the stream's note %s is not of this log: %.100q", key, text)
	}
	ranges, err := parseRanges(list)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the stream's note %s cannot be read, %.100q: %w", key, text, err)
	case key == acceptedKey && ranges[len(ranges)-1].Last > info.State.LastSeq: // it would accept records that are not lost yet
		return nil, fmt.Errorf("the stream's note %s does not fit the log, which ends at record %d: %.100q", key, info.State.LastSeq, text)
	}
	return ranges, nil
}

func note(info *jetstream.StreamInfo, ranges Ranges) string {
	return identity(info) + " " + ranges.String()
}

// annotate changes the stream's metadata. It reads the settings first, so that changes by others
// are kept.
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
		return unavailable(ctx, "write a note into the stream", err)
	}
	return nil
}

// foundUnreadable records permanently which records from want to before got cannot be read although
// the server counts them, for every reader.
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
		l.logger.Warn("the log cannot keep that it lost records; this process knows it", zap.Error(err))
		return
	}
	l.holes.mu.Lock()
	defer l.holes.mu.Unlock()
	l.holes.unreadable = l.holes.unreadable.without(found) // the note has them, and who reads it learns when they are taken back
}

// noteUnreadable adds records to the stream's note.
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
		err = fmt.Errorf("eventlog: the note of unreadable records has no room for %d places", many)
	}
	return err
}

// HasLost reports whether the log once had a record that Get does not find. Errors are those of
// Bounds.
func (l *Log) HasLost(ctx context.Context, sequence uint64) (bool, error) {
	bounds, err := l.Bounds(ctx)
	if err == nil && sequence > 0 && sequence <= bounds.Last && !bounds.Missing.Contains(sequence) {
		l.foundUnreadable(ctx, sequence, sequence+1) // or it was appended just now
		bounds, err = l.Bounds(ctx)
	}
	return bounds.Missing.Contains(sequence), err
}

// examine reports what is missing when the log is opened.
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
		l.logger.Warn("records are missing from the log, and their loss was accepted", zap.Stringer("missing", a.missing))
	}
	if a.foreign != "" {
		l.logger.Error("what was accepted of the log's losses is not believed", zap.String("why", a.foreign))
	}
	return nil
}

// AcceptLoss lets all readers continue with what is left of a log that lost records, and returns
// what was missing, "" if nothing was. An operator decides this: for an embedded log in the data
// folder of a stopped service, for an external one at any time.
func (l *Log) AcceptLoss(ctx context.Context) (missing string, err error) {
	if !l.mayNote {
		return "", errors.New("eventlog: a loss is accepted in the data folder of the log, while nothing else runs on it")
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
		return "", &Fault{Err: fmt.Errorf("eventlog: too much is missing to accept it, %d records and %d places at least",
			info.State.LastSeq-info.State.Msgs, len(a.missing)), Hint: "restore the log from a copy"}
	}
	if end != "" && l.embedded != nil {
		if err := l.embedded.ForgetEnd(); err != nil { // where the log ends now is recorded when it is closed
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

// lostEnd describes what is missing at the end of the log, "" if nothing is known to be.
func (l *Log) lostEnd(info *jetstream.StreamInfo) string {
	if lost := l.lost.Load(); lost != nil {
		return *lost
	}
	return lostNote(info)
}

// lossFault returns the fault for what is missing at the end and inside the log, nil when nothing is.
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
