package views

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"go.uber.org/zap"
)

// Complete makes the draft ready to be served: it adds the secondary indexes, and checks the file,
// and its counts against its rows and its position. missing is the number of records up to that
// position that the log no longer has. An older generation may have some of them.
func (d *Draft) Complete(ctx context.Context, missing uint64) error {
	if d.whole {
		if err := d.check(ctx, missing); err != nil {
			return err
		}
		return syncFile(d.path())
	}
	if err := d.index(ctx, SortThreads, idIndex+indexes); err != nil {
		return err
	}
	// The data that SQLite has written is synced while the check reads it. Closing any handle of
	// the file releases SQLite's lock on it; that does no harm, because nobody else knows the new
	// file.
	synced := make(chan error, 1)
	go func() { synced <- syncFile(d.path()) }()
	return errors.Join(d.check(ctx, missing), <-synced)
}

func (d *Draft) check(ctx context.Context, missing uint64) error {
	var verdict string
	if err := d.w.c.Row(ctx, `PRAGMA quick_check(1)`, nil, &verdict); err != nil {
		return fmt.Errorf("views: check a draft: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("views: check a draft: %w: %s", ErrDamaged, verdict)
	}
	var orders, counted, records, sequence uint64
	if err := d.w.c.Row(ctx, draftCountsText, nil, &orders, &counted, &records, &sequence); err != nil {
		return fmt.Errorf("views: check a draft: %w", err)
	}
	if orders != counted || records > sequence || records+missing < sequence || !d.whole && records+missing != sequence {
		return fmt.Errorf("views: check a draft: %d orders and %d counted, %d records, %d missing and position %d: %w", orders, counted,
			records, missing, sequence, ErrDamaged)
	}
	return nil
}

const draftCountsText = `SELECT (SELECT count(*) FROM orders), (SELECT coalesce(sum(orders), 0) FROM facets),
	notifications + quarantined + (SELECT coalesce(sum(notifications), 0) FROM object_counts), sequence FROM position`

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("views: sync a draft: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// Previous opens the generation before the live one, so that it can be brought up to date and
// promoted again. It returns ErrNoPrevious.
func (s *Store) Previous(ctx context.Context) (*Draft, error) {
	dir := s.options.Dir
	live, err := readLive(dir)
	if err != nil {
		return nil, err
	}
	all, err := generations(dir)
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(all, func(n int) bool { return n == live })
	if len(others) == 0 {
		return nil, ErrNoPrevious
	}
	n := others[len(others)-1]
	w, reason, err := openWriter(ctx, generationPath(dir, n), s.options.FoldVersion, true)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, fmt.Errorf("%w: generation %d: %s", ErrNoPrevious, n, reason)
	}
	return &Draft{folder: dir, w: w, version: s.options.FoldVersion, kept: n, whole: true}, nil
}

// Promotion keeps the live generation at its record, so that a draft can be brought to the same
// record and made live in its place. Nothing is committed meanwhile. It is not safe for concurrent
// use.
type Promotion struct {
	s     *Store
	ended bool
}

// BeginPromotion waits for a running commit, and begins. The caller ends the promotion. Errors:
// ErrClosed, and one for views that were opened with ReadOnly.
func (s *Store) BeginPromotion() (*Promotion, error) {
	s.writing.Lock()
	if s.options.ReadOnly || s.isClosed() {
		s.writing.Unlock()
		if s.options.ReadOnly {
			return nil, errReadOnly
		}
		return nil, ErrClosed
	}
	return &Promotion{s: s}, nil
}

// Until returns the record to which a draft must be brought, or 0 when there is no live generation.
func (p *Promotion) Until() uint64 {
	if p.s.writer == nil {
		return 0
	}
	return p.s.writer.sequence
}

// End lets commits continue. It may be called again.
func (p *Promotion) End() {
	if !p.ended {
		p.ended = true
		p.s.writing.Unlock()
	}
}

// Promote makes a completed draft the live generation and keeps the previous one. Readers see no
// gap: running reads finish on the old generation. After an error the old generation is live, and
// the draft is useless. The caller must close the draft in any case.
func (p *Promotion) Promote(ctx context.Context, d *Draft) (generation int, err error) {
	s := p.s
	if s.writer != nil {
		if err := s.requireAligned(ctx, d); err != nil {
			return 0, err
		}
	}
	all, err := generations(s.options.Dir)
	if err != nil {
		return 0, err
	}
	named, err := readLive(s.options.Dir)
	if err != nil && !errors.Is(err, ErrNoViews) && !errors.Is(err, errLiveDamaged) {
		return 0, err
	}
	n := d.kept
	if n == 0 {
		n = 1 + slices.Max(append(all, named, 0)) // never reused: readers distinguish generations by it
	}
	previous := named
	if len(all) > 0 && !slices.Contains(all, named) {
		previous = all[len(all)-1]
	}
	if err := s.putLive(ctx, d, n, previous); err != nil {
		return 0, err
	}
	return n, nil
}

// requireAligned returns an error unless the draft is at the record of the live generation.
func (s *Store) requireAligned(ctx context.Context, d *Draft) error {
	at, err := d.Checkpoint(ctx)
	if err != nil {
		return err
	}
	live, err := s.Checkpoint(ctx)
	if err != nil {
		return err
	}
	// A record that is lost has no hash.
	if live.Log != at.Log || live.Sequence != at.Sequence || at.Hash != "" && live.Hash != at.Hash {
		return fmt.Errorf("views: promote: the live generation stands at record %d of log %q, the draft at %d of %q",
			live.Sequence, live.Log, at.Sequence, at.Log)
	}
	return nil
}

const inheritText = `UPDATE position SET revision = ?, revised = ?, revised_by = ?, epoch = ?, feed = ?, verified = 0, verified_at = 0, difference = ''`

// inherit copies the revision, the epoch and the position of the feed from the previous generation
// into the draft. It begins a new revision if the previous generation was made by other rules, or
// its rules are unknown. It drops the verdict of a generation that is made live again, which is out
// of date.
func (d *Draft) inherit(ctx context.Context, dir string, previous int) error {
	before, err := readGeneration(ctx, dir, previous)
	same := err == nil && before.FoldVersion == d.version
	feed, err := before.Feed.encode()
	if err != nil {
		return fmt.Errorf("views: promote: %w", err)
	}
	r := before.Revision
	if _, err := d.w.c.exec(ctx, inheritText, r.Number, r.Sequence, r.Cause, before.Epoch, feed); err != nil {
		return fmt.Errorf("views: promote: %w", err)
	}
	at, err := d.Checkpoint(ctx)
	if err != nil || same || at.Sequence == 0 {
		return err
	}
	if err := d.w.revise(ctx, ByRebuild); err != nil {
		return fmt.Errorf("views: promote: %w", err)
	}
	return nil
}

// readGeneration returns the status of a generation of any fold version. It returns ErrVersion when
// the generation has another schema.
func readGeneration(ctx context.Context, dir string, n int) (status Status, err error) {
	err = readFile(ctx, dir, n, func(c *connection) (err error) {
		var schema int
		if err := c.Row(ctx, schemaVersionText, nil, &schema); err != nil {
			return err
		}
		if schema != schemaVersion {
			return otherVersion("")
		}
		status, err = readStatus(ctx, c)
		return err
	})
	return status, err
}

// putLive moves the draft to its place and serves it. s.writing is held.
func (s *Store) putLive(ctx context.Context, d *Draft, n, previous int) (err error) {
	dir, path := s.options.Dir, generationPath(s.options.Dir, n)
	err = d.inherit(ctx, dir, previous)
	err = errors.Join(err, d.w.close())
	if err == nil {
		err = syncFile(d.path())
	}
	if err == nil && d.kept == 0 {
		err = os.Rename(d.path(), path)
	}
	if err != nil {
		return fmt.Errorf("views: promote: %w", err)
	}
	var w *writer
	var g *generation
	defer func() {
		if err == nil {
			return
		}
		if w != nil {
			err = errors.Join(err, w.close())
		}
		if g != nil {
			err = errors.Join(err, g.close())
		}
		if d.kept == 0 {
			err = errors.Join(err, removeGeneration(dir, n))
		}
	}()
	if w, err = connectWriter(ctx, path, "rw", writerSettings); err != nil {
		return fmt.Errorf("views: promote: %w", err)
	}
	status, err := readStatus(ctx, w.c)
	if err != nil {
		return fmt.Errorf("views: promote: %w", err)
	}
	w.number, w.sequence = n, status.Checkpoint.Sequence
	if g, err = openGeneration(ctx, dir, n, s.options.FoldVersion); err != nil {
		return err
	}
	if err = writeLive(dir, n); err != nil {
		return err
	}
	s.serve(w, g, previous)
	return nil
}

// serve changes to another generation. It removes all generations but this one and the one that was
// live before, if there was one. s.writing is held. Errors are only logged, because the new
// generation is already live.
func (s *Store) serve(w *writer, g *generation, previous int) {
	before := s.writer
	s.mu.Lock()
	old, closed, unused := s.live, s.closed, false
	if !closed {
		s.opened.Add(1)
		unused = old != nil && old.retire()
		s.live, s.lost = g, ""
	}
	s.mu.Unlock()
	var err error
	switch {
	case closed: // closed since the promotion began; the next start finds the new generation
		err = g.close()
	case unused:
		s.end(old)
	}
	s.writer, s.switched = w, true
	s.watch.publish(w.sequence, nil)
	if before != nil {
		previous = before.number
		err = errors.Join(err, before.close())
	}
	all, listErr := generations(s.options.Dir)
	err = errors.Join(err, listErr)
	for _, n := range all {
		if n != w.number && n != previous {
			err = errors.Join(err, removeGeneration(s.options.Dir, n))
		}
	}
	if err != nil {
		s.log.Warn("what is left of older generations was not cleared away", zap.Error(err))
	}
}
