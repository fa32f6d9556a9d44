package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"
)

// secondNames gives every file of the stream a second name (a hard link) while a server recovers
// it. nats-server deletes the folder of a stream that it fails to recover, and one block that
// cannot be read is enough (2.15.2: stream.stop with the delete flag after setupStore). With a
// second name nothing is lost, and the files are put back.
type secondNames struct {
	stream  string // folder of the stream
	safe    string // folder of the second names
	existed bool   // something was at the path of the stream's folder before the server was started
	logger  *zap.Logger
}

// give is called before the server is started.
func (n *secondNames) give() error {
	// An earlier start may have ended before its result was known.
	if err := n.restore(); err != nil {
		return err
	}
	if n.existed = exists(n.stream); !n.existed {
		return nil
	}
	building := n.safe + ".new"
	err := os.RemoveAll(building)
	if err == nil {
		err = linkMissing(n.stream, building, func(string) bool { return true })
	}
	if err == nil {
		// The folder is complete or does not exist: restore relies on that.
		err = os.Rename(building, n.safe)
	}
	if err != nil {
		n.logger.Warn("the log starts without second names for its files: a failed recovery would delete them", zap.Error(err))
		return os.RemoveAll(building)
	}
	return nil
}

// restore puts missing files back into the stream's folder and drops the second names. It does
// nothing when there are none. The server must not be running.
func (n *secondNames) restore() error {
	if !exists(n.safe) {
		return nil
	}
	// The index is derived from the blocks and would be out of date.
	blocks := func(name string) bool { return name != "index.db" }
	err := linkMissing(n.safe, n.stream, blocks)
	// The server removes the empty folders above a deleted stream, once each, in a goroutine for
	// which its shutdown does not wait. Either removal can undo one attempt.
	for tries := 0; tries < 2 && errors.Is(err, fs.ErrNotExist); tries++ {
		err = linkMissing(n.safe, n.stream, blocks)
	}
	if err != nil {
		return fmt.Errorf("eventlog: put back the files of the log, which are safe in %s: %w", n.safe, err)
	}
	return n.drop()
}

// drop removes the second names. It is called when the stream is open.
func (n *secondNames) drop() error {
	if err := os.RemoveAll(n.safe); err != nil {
		return fmt.Errorf("eventlog: remove %s: %w", n.safe, err)
	}
	return nil
}

// linkMissing gives every wanted file below from the same name below to. It does not change
// existing files.
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
