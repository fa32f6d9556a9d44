package views

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"modernc.org/sqlite"
)

// copyStep is the number of pages, 4 MiB in all, that are copied between two checks of the context.
const copyStep = 1024

// Copy is a copy of a generation, in a folder that is removed when it is closed.
type Copy struct {
	*os.File
	draft *Draft
}

// Close removes the copy.
func (c *Copy) Close() error { return errors.Join(c.File.Close(), c.draft.Close()) }

// Copy copies one state of the live generation, with which another machine can begin. Commits
// continue meanwhile. The copy takes as much space as the views, on the same disk. The caller must
// close it. Errors are those of Status.
func (s *Store) Copy(ctx context.Context) (copied *Copy, err error) {
	err = s.with(ctx, func(g *generation) error {
		draft, err := makeDraft(ctx, s.options.Dir, s.options.FoldVersion, func(d *Draft) error {
			return readFile(ctx, s.options.Dir, g.number, func(c *connection) error {
				return c.snapshot(ctx, func() error { return c.copyTo(ctx, d.path(), g.version) })
			})
		})
		if err != nil {
			return err
		}
		f, err := os.Open(draft.path())
		if err != nil {
			return errors.Join(err, draft.Close())
		}
		copied = &Copy{f, draft}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("views: copy the live generation: %w", err)
	}
	return copied, nil
}

// copyTo copies the file that the connection reads, in the state of its transaction.
func (c *connection) copyTo(ctx context.Context, path, version string) error {
	// The first read fixes the state.
	if _, err := readVersion(ctx, c, version); err != nil {
		return err
	}
	to, err := fileName(path, "rwc", draftSettings.pragmas)
	if err != nil {
		return err
	}
	return c.conn.Raw(func(conn any) (err error) {
		from, ok := conn.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver copies nothing")
		}
		backup, err := from.NewBackup(to)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, backup.Finish()) }()
		for more := true; more && err == nil; {
			if more, err = backup.Step(copyStep); err == nil {
				err = ctx.Err()
			}
		}
		return err
	})
}

// NewCopiedDraft begins a draft with a finished generation of another machine, which fetch writes.
// Errors are those of NewDraft and of fetch, and one that reports why the fetched file cannot be
// used.
func NewCopiedDraft(ctx context.Context, dir, foldVersion string, fetch func(io.Writer) error) (*Draft, error) {
	return makeDraft(ctx, dir, foldVersion, func(d *Draft) error {
		f, err := os.OpenFile(d.path(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("views: begin a copy: %w", err)
		}
		if err := errors.Join(fetch(f), f.Close()); err != nil {
			return err
		}
		d.whole = true
		w, reason, err := openWriter(ctx, d.path(), foldVersion, true)
		if err == nil && w == nil {
			err = fmt.Errorf("views: the copy cannot be used: %s", reason)
		}
		d.w = w
		return err
	})
}

// Size returns the size of the live generation's file in bytes, without recent changes that are
// only in the write-ahead log. Errors are those of Status.
func (s *Store) Size(ctx context.Context) (size int64, err error) {
	err = s.with(ctx, func(g *generation) error {
		info, err := os.Stat(generationPath(s.options.Dir, g.number))
		if err == nil {
			size = info.Size()
		}
		return err
	})
	return size, err
}
