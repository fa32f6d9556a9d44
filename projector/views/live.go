package views

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.uber.org/zap"
)

// acquire returns the live generation, which stays open until it is released. A store opened with
// ReadOnly first checks whether the file live was replaced, so that it never answers from a
// generation that is no longer live. The check takes about a microsecond.
func (s *Store) acquire(ctx context.Context) (*generation, error) {
	if s.options.ReadOnly {
		named, err := os.Stat(livePath(s.options.Dir))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w (%s)", ErrNoViews, s.options.Dir)
		} else if err != nil {
			return nil, fmt.Errorf("views: see which generation is live: %w", err)
		}
		if err := s.follow(ctx, named); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	switch {
	case s.live == nil && s.lost != "":
		return nil, &LostError{s.lost}
	case s.live == nil:
		return nil, fmt.Errorf("%w (%s)", ErrNoViews, s.options.Dir)
	}
	s.live.users++
	return s.live, nil
}

// sameFile reports whether both describe the same file. A replaced file has another inode. If the
// number of the inode is used again, the times differ.
func sameFile(a, b os.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime())
}

// follow changes to the generation that the file live names. named is the file as it was just
// found, if it was replaced since the last check. One reader opens the new generation; the others
// wait for it, each until its own ctx ends.
func (s *Store) follow(ctx context.Context, named os.FileInfo) error {
	if s.sees(named) {
		return nil
	}
	select {
	case s.following <- struct{}{}:
		defer func() { <-s.following }()
	case <-ctx.Done():
		return fmt.Errorf("views: follow the live generation: %w", ctx.Err())
	}
	if s.sees(named) {
		return nil
	}
	s.mu.Lock()
	closed, current := s.closed, s.live // only follow replaces it
	if !closed {
		s.opened.Add(1) // Close waits for a generation opened after this
	}
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	next, err := s.openNamed(ctx, current)
	if err != nil || next == current {
		s.opened.Done()
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		if next != current {
			s.end(next)
		}
		return ErrClosed
	}
	s.live, s.seen = next, named
	unused := current != nil && next != current && current.retire()
	s.mu.Unlock()
	if unused {
		s.end(current)
	}
	return nil
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// sees reports whether the live generation was opened from this version of the file live.
func (s *Store) sees(named os.FileInfo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sameFile(s.seen, named)
}

// openNamed opens the generation that the file live names, unless it is current. The caller has
// already looked at the file, so a replacement in between is noticed by the next check.
func (s *Store) openNamed(ctx context.Context, current *generation) (*generation, error) {
	n, err := readLive(s.options.Dir)
	if err != nil {
		return nil, err
	}
	if current != nil && current.number == n {
		return current, nil
	}
	next, err := openGeneration(ctx, s.options.Dir, n, s.options.FoldVersion)
	for err != nil {
		// Two switches in a row remove the generation that was named first.
		again, readErr := readLive(s.options.Dir)
		if readErr != nil || again == n {
			return nil, err
		}
		n = again
		next, err = openGeneration(ctx, s.options.Dir, n, s.options.FoldVersion)
	}
	return next, nil
}

// release gives back a generation that acquire returned.
func (s *Store) release(g *generation) {
	s.mu.Lock()
	g.users--
	unused := g.retired && g.users == 0
	s.mu.Unlock()
	if unused {
		s.end(g)
	}
}

// retire prevents further readers from using g, and reports whether nobody uses it. If so, the
// caller must call end. Store.mu is held.
func (g *generation) retire() (unused bool) {
	g.retired = true
	return g.users == 0
}

// end closes a retired generation that nobody uses any more. Store.mu must not be held: every
// reader needs it, and closing a file takes as long as the disk does. Errors are logged, because
// the last reader already has its answer.
func (s *Store) end(g *generation) {
	defer s.opened.Done()
	if err := g.close(); err != nil {
		s.log.Warn("a generation of the views was not closed well", zap.Int("generation", g.number), zap.Error(err))
	}
}

// read lends f a connection to the live generation. An error that shows damage becomes an
// ErrDamaged, and the damage is recorded.
func (s *Store) read(ctx context.Context, f func(*generation, *connection) error) error {
	return s.with(ctx, func(g *generation) error {
		return g.use(ctx, func(c *connection) error { return f(g, c) })
	})
}

// with lends f the live generation. An error that shows damage becomes an ErrDamaged, and the
// damage is recorded.
func (s *Store) with(ctx context.Context, f func(*generation) error) error {
	g, err := s.acquire(ctx)
	if err != nil {
		return asDamage(err)
	}
	defer s.release(g)
	err = asDamage(f(g))
	if errors.Is(err, ErrDamaged) {
		s.met(g, err)
	}
	return err
}

// snapshot is like read, but every statement of f reads the same state of the views.
func (s *Store) snapshot(ctx context.Context, f func(*generation, *connection) error) error {
	return s.read(ctx, func(g *generation, c *connection) error {
		return c.snapshot(ctx, func() error { return f(g, c) })
	})
}

func (c *connection) snapshot(ctx context.Context, f func() error) (err error) {
	quiet := context.WithoutCancel(ctx)
	if _, err := c.exec(quiet, "BEGIN"); err != nil {
		return err
	}
	defer func() {
		if _, endErr := c.exec(quiet, "ROLLBACK"); endErr != nil { // nothing was written
			err = fmt.Errorf("%w after %v", endErr, err)
		}
	}()
	return f()
}
