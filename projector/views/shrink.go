package views

import "context"

const shrinkText = `PRAGMA shrink_memory`

// Shrink releases the memory in which SQLite caches pages of the live generation. It skips
// connections that are in use.
func (s *Store) Shrink(ctx context.Context) error {
	if !s.options.ReadOnly {
		if err := s.write(func(w *writer) error { return w.c.shrink(ctx) }); err != nil {
			return err
		}
	}
	return s.with(ctx, func(g *generation) error { return g.shrink(ctx) })
}

// shrink skips the connections that are in use.
func (g *generation) shrink(ctx context.Context) error {
	for _, from := range []chan *connection{g.idle, g.loads} {
		for range cap(from) {
			select {
			case c := <-from:
				err := c.shrink(ctx)
				from <- c
				if err != nil {
					return err
				}
			default:
			}
		}
	}
	return nil
}

// shrink does nothing for a connection that is not connected yet.
func (c *connection) shrink(ctx context.Context) error {
	if c == nil {
		return nil
	}
	_, err := c.exec(ctx, shrinkText)
	return err
}
