package views

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Draft is a generation that is made in bulk beside the live one, in a folder of its own that
// nobody reads. It is made to be promoted, or to be compared with the live one. It has no secondary
// indexes and no journal, so it is useless after any error. It is not safe for concurrent use.
type Draft struct {
	folder  string
	lock    *flock.Flock
	w       *writer
	version string
	kept    int  // the number of the existing generation that this draft is; 0: it is new
	whole   bool // it was a finished generation, and has its indexes
}

const draftPattern = "draft-*"

// NewDraft begins an empty draft in the folder of the views, even while another process writes
// there. Close removes it. The draft of a killed process is removed by the next process that makes
// a draft, or opens the folder for writing.
func NewDraft(ctx context.Context, dir, foldVersion string) (*Draft, error) {
	return makeDraft(ctx, dir, foldVersion, func(d *Draft) (err error) {
		d.w, err = createFile(ctx, d.path(), foldVersion, schema, draftSettings)
		return err
	})
}

// makeDraft begins a draft with the file that fill makes.
func makeDraft(ctx context.Context, dir, foldVersion string, fill func(*Draft) error) (*Draft, error) {
	drafts, err := lockDrafts(ctx, dir)
	if err != nil {
		return nil, err
	}
	d, err := beginDraft(dir, foldVersion)
	if err = errors.Join(err, drafts.Unlock()); err == nil {
		err = fill(d)
	}
	if err != nil && d != nil {
		err = errors.Join(err, d.Close())
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// draftsFile is locked while drafts are begun, removed or swept. Until a new draft has its own lock
// it looks like one that was left behind, and testing its lock creates a file in a folder that is
// being removed.
const draftsFile = "drafts"

func lockDrafts(ctx context.Context, dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, draftsFile))
	if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return nil, fmt.Errorf("views: lock the drafts in %s: %w", dir, err)
	}
	return lock, nil
}

// beginDraft makes the folder and locks it. The caller holds the lock of the drafts.
func beginDraft(dir, foldVersion string) (*Draft, error) {
	left, err := drafts(dir)
	if err == nil {
		err = sweep(left)
	}
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(dir, draftPattern)
	if err != nil {
		return nil, fmt.Errorf("views: begin a draft: %w", err)
	}
	d := &Draft{folder: folder, lock: flock.New(filepath.Join(folder, "lock")), version: foldVersion}
	if locked, err := d.lock.TryLock(); err != nil || !locked {
		return d, fmt.Errorf("views: lock the draft %s: %w", folder, cmp.Or(err, errors.New("another process has it")))
	}
	return d, nil
}

func (d *Draft) path() string {
	if d.kept != 0 {
		return generationPath(d.folder, d.kept)
	}
	return filepath.Join(d.folder, "orders.db")
}

// Folder returns the folder of the draft. Other files that belong to the draft may be put there;
// they are removed with it.
func (d *Draft) Folder() string { return d.folder }

// SortThreads is the largest number of sorting threads that is worthwhile.
const SortThreads = 2

// IndexIDs makes the index of ids. It is called once, after the first orders are committed, because
// later ones are looked up by it. It sorts with the given number of threads besides the caller's.
func (d *Draft) IndexIDs(ctx context.Context, threads int) error {
	return d.index(ctx, threads, idIndex)
}

// index makes indexes with a small cache: SQLite sorts as much at a time as fits into the cache,
// and sorts small pieces faster.
func (d *Draft) index(ctx context.Context, threads int, indexes string) error {
	text := fmt.Sprintf("PRAGMA threads = %d; PRAGMA cache_size = -1024; %s PRAGMA cache_size = %d;", threads, indexes, draftCache)
	if _, err := d.w.c.conn.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("views: index a draft: %w", err)
	}
	return nil
}

// drafts returns the folders of all drafts.
func drafts(dir string) ([]string, error) {
	found, err := fs.Glob(os.DirFS(dir), draftPattern)
	if err != nil {
		return nil, fmt.Errorf("views: look for drafts: %w", err)
	}
	for i := range found {
		found[i] = filepath.Join(dir, found[i])
	}
	return found, nil
}

// sweepDrafts removes the drafts of killed processes.
func sweepDrafts(ctx context.Context, dir string) error {
	left, err := drafts(dir)
	if err != nil || len(left) == 0 {
		return err
	}
	lock, err := lockDrafts(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(sweep(left), lock.Unlock())
}

// sweep removes the drafts whose locks are free: nobody works on them. The caller holds the lock of
// the drafts.
func sweep(folders []string) error {
	for _, folder := range folders {
		lock := flock.New(filepath.Join(folder, "lock"))
		locked, err := lock.TryLock()
		if errors.Is(err, os.ErrNotExist) {
			continue // its owner has just removed it
		}
		if err != nil {
			return fmt.Errorf("views: look whether the draft %s is left: %w", folder, err)
		}
		if !locked {
			continue
		}
		if err := errors.Join(os.RemoveAll(folder), lock.Unlock()); err != nil {
			return fmt.Errorf("views: remove the draft %s: %w", folder, err)
		}
	}
	return nil
}

// Close removes the draft, unless it was promoted.
func (d *Draft) Close() error {
	var errs []error
	if d.w != nil {
		errs = append(errs, d.w.close())
	}
	if d.kept == 0 {
		drafts, err := lockDrafts(context.Background(), filepath.Dir(d.folder))
		errs = append(errs, err, os.RemoveAll(d.folder), d.lock.Unlock())
		if err == nil {
			errs = append(errs, drafts.Unlock())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("views: remove a draft: %w", err)
	}
	return nil
}

// Size returns the size of the file in bytes.
func (d *Draft) Size() (int64, error) {
	info, err := os.Stat(d.path())
	if err != nil {
		return 0, fmt.Errorf("views: size of a draft: %w", err)
	}
	return info.Size(), nil
}

// Checkpoint returns the position of the draft.
func (d *Draft) Checkpoint(ctx context.Context) (Checkpoint, error) {
	status, err := readStatus(ctx, d.w.c)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("views: position of a draft: %w", err)
	}
	return status.Checkpoint, nil
}

// Load is like Store.Load.
func (d *Draft) Load(ctx context.Context, ids []string) (map[string]Entry, error) {
	return d.w.c.load(ctx, ids)
}

// Commit is like Store.Commit.
func (d *Draft) Commit(ctx context.Context, b Batch) ([]Held, error) { return d.w.commit(ctx, &b) }

// Insert writes new orders like Commit, and sets the position to the checkpoint. It does not notice
// an order that exists already; IndexIDs does.
func (d *Draft) Insert(ctx context.Context, rows []Row, at Checkpoint) error {
	err := d.w.transaction(ctx, func(ctx context.Context) error {
		quiet := context.WithoutCancel(ctx)
		t := newTally()
		for i := range rows {
			r := &rows[i]
			if _, err := d.w.writeRow(quiet, &r.row, r.id, r.sequences, &stored{}, at.Sequence, t); err != nil {
				return fmt.Errorf("order %q: %w", r.id, err)
			}
		}
		return d.w.writePosition(quiet, t, at, 0)
	})
	if err != nil {
		return fmt.Errorf("views: insert %d orders: %w", len(rows), err)
	}
	return nil
}
