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

// LostError occurs when the views were found damaged and given up. It is an ErrNoViews, and clears
// by itself like ErrNoViews.
type LostError struct{ Reason string }

// Error returns the reason.
func (e *LostError) Error() string { return "views: there are none any more: " + e.Reason }

// Is reports whether target is ErrNoViews.
func (e *LostError) Is(target error) bool { return target == ErrNoViews }

// broken reports whether err shows that the contents of a file in use were not written by this
// program. A missing table or row is no sign of it: here it would be a mistake in a statement. At
// the start it is a sign; see damaged.
func broken(err error) bool {
	code := sqliteCode(err)
	switch code & 0xff {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return true
	}
	return code == codes.SQLITE_IOERR_SHORT_READ || errors.Is(err, ErrDamaged) || errors.Is(err, statemachine.ErrEncoding)
}

// asDamage turns an error that shows damage into an ErrDamaged.
func asDamage(err error) error {
	if broken(err) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// GiveUp stops serving the given generation, if it is live, because its file is damaged. Until
// Promote makes another one live, every call returns a LostError. The file stays.
func (s *Store) GiveUp(generation int, reason string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.writer == nil || s.writer.number != generation {
		return nil
	}
	return s.giveUp(reason)
}

// giveUp is called with s.writing held. Readers need s.mu, so nothing slow happens while it is
// held: the file live is removed beforehand, and connections, which may wait until the write-ahead
// log is moved, are closed afterwards.
func (s *Store) giveUp(reason string) error {
	if s.isClosed() {
		return nil
	}
	// The file live is removed first, so that readers in other processes do not continue with this
	// generation.
	if err := os.Remove(livePath(s.options.Dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("views: give up the live generation: %w", err)
	}
	w := s.writer
	s.mu.Lock()
	live := s.live
	live.damaged = true
	// A store closed meanwhile needs nothing more: Close closes both, and does not record a damaged
	// generation as closed properly.
	if s.closed {
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

// met records that a reader found damage. Giving up waits for a running rebuild or redrive, and
// this reader may belong to one.
func (s *Store) met(g *generation, err error) {
	if s.options.ReadOnly {
		return // the process that writes gives it up
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

// inspectFile reads every page of a generation, and returns ErrDamaged if that shows damage.
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
