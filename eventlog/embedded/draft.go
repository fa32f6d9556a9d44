package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// draftName is the folder in the data folder in which a restore makes the log.
const draftName = "restoring"

// Draft is an empty, locked data folder in which a restore makes a log. The log is made in a folder
// of its own and moves to its place when it is complete.
type Draft struct {
	dir  string
	made bool // the data folder did not exist
	kept bool
	lock *flock.Flock
}

// NewDraft locks the data folder, and creates it if it does not exist. The folder must be empty,
// except for the remains of an unfinished restore, which are removed. Errors: ErrLocked, and
// others; those that an operator can act on are a *Fault. After an error the folder is as it was
// before. The caller closes the draft.
func NewDraft(dir string) (_ *Draft, err error) {
	d := &Draft{dir: dir}
	if d.made, err = makeFolder(dir); err != nil {
		return nil, err
	}
	if d.lock, err = lockFolder(dir); err != nil {
		return nil, err
	}
	if err = requireEmpty(dir); err == nil {
		err = os.RemoveAll(d.Dir())
	}
	if err != nil {
		return nil, errors.Join(err, d.lock.Unlock())
	}
	return d, nil
}

// requireEmpty returns an error if the data folder contains anything but the remains of an earlier
// restore.
func requireEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("eventlog: restore: %w", err)
	}
	for _, entry := range entries {
		switch entry.Name() {
		case "lock", "lost+found", draftName:
		default:
			return &Fault{Err: fmt.Errorf("eventlog: restore: the data folder %s is not empty, it contains %s", dir, entry.Name()),
				Hint: "name a folder that is empty or does not exist, or move what is there away"}
		}
	}
	return nil
}

// Dir returns the folder in which the log is made. It serves as the data folder of a Server until
// Keep.
func (d *Draft) Dir() string { return filepath.Join(d.dir, draftName) }

// Keep syncs the log and moves it to its place. No server may run on it.
func (d *Draft) Keep() error {
	from := filepath.Join(d.Dir(), "nats")
	err := filepath.WalkDir(from, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(path)
	})
	if err == nil {
		err = os.Rename(from, filepath.Join(d.dir, "nats"))
	}
	if err == nil {
		err = syncPath(d.dir)
	}
	if err != nil {
		return fmt.Errorf("eventlog: restore: %w", err)
	}
	d.kept = true
	return nil
}

// Close removes the rest of the draft and unlocks the data folder. Without Keep, the data folder is
// then as it was before.
func (d *Draft) Close() error {
	err := errors.Join(os.RemoveAll(d.Dir()), d.lock.Unlock())
	if d.made && !d.kept {
		err = errors.Join(err, os.RemoveAll(d.dir))
	}
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
