package views

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.uber.org/zap"
)

// acquire returns the live generation, which stays open until it is released. A store that only reads looks first whether
// the file live was replaced; the look costs about a microsecond, so no answer comes from a generation that was left.
func (s *Store) acquire(ctx context.Context) (*generation, error) {
	var named os.FileInfo
	if s.options.ReadOnly {
		var err error
		if named, err = os.Stat(livePath(s.options.Dir)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w (%s)", ErrNoViews, s.options.Dir)
		} else if err != nil {
			return nil, fmt.Errorf("views: see which generation is live: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.options.ReadOnly && !sameFile(s.seen, named) {
		if err := s.follow(ctx, named); err != nil {
			return nil, err
		}
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

// sameFile: a replaced file has another inode, and a number that came round again another time.
func sameFile(a, b os.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime())
}

// follow goes over to the generation that the file live names. s.mu is held. What named tells was seen before the file is
// read, so that a replacement in between is noticed the next time.
func (s *Store) follow(ctx context.Context, named os.FileInfo) error {
	n, err := readLive(s.options.Dir)
	if err != nil {
		return err
	}
	if s.live != nil && s.live.number == n {
		s.seen = named
		return nil
	}
	next, err := openGeneration(ctx, s.options.Dir, n, s.options.FoldVersion)
	for err != nil {
		// Two switches in a row remove the generation that was named at first.
		again, readErr := readLive(s.options.Dir)
		if readErr != nil || again == n {
			return err
		}
		n = again
		next, err = openGeneration(ctx, s.options.Dir, n, s.options.FoldVersion)
	}
	s.opened.Add(1)
	previous := s.live
	s.live, s.seen = next, named
	if previous != nil {
		s.retire(previous)
	}
	return nil
}

// release gives back what acquire returned.
func (s *Store) release(g *generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.users--
	s.closeUnused(g)
}

// retire has g closed as soon as nobody uses it. s.mu is held.
func (s *Store) retire(g *generation) {
	g.retired = true
	s.closeUnused(g)
}

// closeUnused logs what fails: whoever reads at that moment has had the answer.
func (s *Store) closeUnused(g *generation) {
	if !g.retired || g.users > 0 {
		return
	}
	if err := g.close(); err != nil {
		s.log.Warn("a generation of the views was not closed well", zap.Int("generation", g.number), zap.Error(err))
	}
	s.opened.Done()
}

// read lends f a connection to the live generation. Damage is an ErrDamaged, and noted.
func (s *Store) read(ctx context.Context, f func(*generation, *connection) error) error {
	return s.with(ctx, func(g *generation) error {
		return g.use(ctx, func(c *connection) error { return f(g, c) })
	})
}

// with lends f the live generation. Damage is an ErrDamaged, and noted.
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

// snapshot is read with every statement of f answered from one state of the views.
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
