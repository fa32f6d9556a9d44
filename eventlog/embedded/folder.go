package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// makeFolder creates the data folder if it does not exist. It creates only the last element of the
// path, because a missing parent usually means a disk that is not mounted.
func makeFolder(dir string) (made bool, err error) {
	switch err := os.Mkdir(dir, 0o750); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, &Fault{Err: fmt.Errorf("eventlog: data folder %s: the folder above it does not exist", dir), Hint: "create it or choose another"}
	default:
		return false, unwritable(err)
	}
}

func unwritable(err error) error {
	return &Fault{Err: fmt.Errorf("eventlog: data folder: %w", err), Hint: "choose one that can be written"}
}

func lockFolder(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, unwritable(err)
	}
	if !locked {
		return nil, &Fault{Err: fmt.Errorf("%w: %s", ErrLocked, dir), Hint: "stop that process or choose another folder"}
	}
	return lock, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
