package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"
)

// keptFiles holds a second name (a hard link) for every file of the stream while a server recovers it. nats-server
// deletes the folder of a stream that it fails to recover, one unreadable block being enough (2.15.2: stream.stop with the
// delete flag after setupStore). With a second name nothing is lost, and the files are put back.
type keptFiles struct {
	stream  string // folder of the stream
	safe    string // folder of the second names
	existed bool   // there was something in the stream's folder's place before the server was started
	logger  *zap.Logger
}

// keep is called before the server is started.
func (k *keptFiles) keep() error {
	// Left over from a start that ended before it was known how it went.
	if err := k.restore(); err != nil {
		return err
	}
	if k.existed = exists(k.stream); !k.existed {
		return nil
	}
	building := k.safe + ".new"
	err := os.RemoveAll(building)
	if err == nil {
		err = linkMissing(k.stream, building, func(string) bool { return true })
	}
	if err == nil {
		// Complete or not there at all: restore relies on it.
		err = os.Rename(building, k.safe)
	}
	if err != nil {
		k.logger.Warn("the log starts without a second name for its files: a failed recovery would delete them", zap.Error(err))
		return os.RemoveAll(building)
	}
	return nil
}

// restore puts back what is missing in the stream's folder and forgets the second names. It does nothing when there are
// none. The server must not be running.
func (k *keptFiles) restore() error {
	if !exists(k.safe) {
		return nil
	}
	// The index is derived from the blocks and would be out of date.
	blocks := func(name string) bool { return name != "index.db" }
	err := linkMissing(k.safe, k.stream, blocks)
	// The server removes the empty folders above a stream it deleted, once each, in a goroutine that its shutdown does
	// not wait for. Either removal can undo one attempt.
	for tries := 0; tries < 2 && errors.Is(err, fs.ErrNotExist); tries++ {
		err = linkMissing(k.safe, k.stream, blocks)
	}
	if err != nil {
		return fmt.Errorf("eventlog: put back the files of the log, which are safe in %s: %w", k.safe, err)
	}
	return k.drop()
}

// drop forgets the second names: the stream is open.
func (k *keptFiles) drop() error {
	if err := os.RemoveAll(k.safe); err != nil {
		return fmt.Errorf("eventlog: remove %s: %w", k.safe, err)
	}
	return nil
}

// linkMissing gives every wanted file below from the same name below to, leaving alone what is there.
func linkMissing(from, to string, wanted func(name string) bool) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o750)
		case !wanted(entry.Name()):
			return nil
		}
		if err := os.Link(path, target); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}
