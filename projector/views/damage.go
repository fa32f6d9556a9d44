package views

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/orderfold/orderfold/statemachine"
	"go.uber.org/zap"
	codes "modernc.org/sqlite/lib"
)

// LostError occurs when the views were found damaged and given up. It is an ErrNoViews, and clears by itself as that does.
type LostError struct{ Reason string }

// Error returns the reason.
func (e *LostError) Error() string { return "views: there are none any more: " + e.Reason }

// Is reports whether target is ErrNoViews.
func (e *LostError) Is(target error) bool { return target == ErrNoViews }

// broken reports whether err says that a file in use is not what was written. Unlike at start, when damaged decides, a missing
// table or row is no sign of it: here it would be a mistake in a statement.
func broken(err error) bool {
	code := sqliteCode(err)
	switch code & 0xff {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return true
	}
	return code == codes.SQLITE_IOERR_SHORT_READ || errors.Is(err, ErrDamaged) || errors.Is(err, statemachine.ErrEncoding)
}

// asDamage makes such an error an ErrDamaged.
func asDamage(err error) error {
	if broken(err) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// GiveUp goes without the live generation, if it is that one, because its file is damaged: until Promote has made another one
// live, every answer is a LostError. The file stays.
func (s *Store) GiveUp(generation int, reason string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.writer == nil || s.writer.number != generation {
		return nil
	}
	return s.giveUp(reason)
}

// giveUp runs with s.writing held. Readers need s.mu, so nothing that may take long happens while it is held: the file is removed
// before, and connections, which may wait for the write-ahead log to be moved, are closed after.
func (s *Store) giveUp(reason string) error {
	if s.isClosed() {
		return nil
	}
	// The file that names it goes first: readers in other processes must not go on with it.
	if err := os.Remove(livePath(s.options.Dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("views: give up the live generation: %w", err)
	}
	w := s.writer
	s.mu.Lock()
	live := s.live
	live.damaged = true
	if s.closed { // since then: Close ends both, and notes nothing of a damaged one
		s.mu.Unlock()
		return nil
	}
	s.lost = fmt.Sprintf("the file of generation %d is damaged: %s", w.number, reason)
	s.live, s.writer = nil, nil
	unused := live.retire()
	s.mu.Unlock()
	s.log.Error("the views are damaged, and given up", zap.Int("generation", w.number), zap.String("reason", reason))
	if unused {
		s.end(live)
	}
	if err := w.close(); err != nil {
		s.log.Warn("the damaged views were not closed well", zap.Error(err))
	}
	return nil
}

// met notes that a reader met damage. Giving up waits for a rebuild or a redrive that runs, and may be what these read.
func (s *Store) met(g *generation, err error) {
	if s.options.ReadOnly {
		return // the process that writes sees to it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || g.retired || g.damaged {
		return
	}
	g.damaged = true
	s.givingUp.Go(func() {
		if err := s.GiveUp(g.number, err.Error()); err != nil {
			s.log.Error("the damaged views stay", zap.Error(err))
		}
	})
}

// inspectFile reads every page of a generation, and returns ErrDamaged when that shows damage.
func inspectFile(ctx context.Context, dir string, n int) error {
	err := readFile(ctx, dir, n, func(c *connection) error {
		var verdict string
		if err := c.Row(ctx, `PRAGMA quick_check(1)`, nil, &verdict); err != nil {
			return err
		}
		if verdict != "ok" {
			return fmt.Errorf("%w: %s", ErrDamaged, verdict)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the file is gone", ErrDamaged)
	}
	return asDamage(err)
}
