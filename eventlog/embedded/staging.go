package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"go.uber.org/zap"
)

const (
	// memoryFolder is a file system in memory, on systems that have one.
	memoryFolder = "/dev/shm"
	// stagingPrefix begins the names of our folders there.
	stagingPrefix = "orderfold-batches-"
)

// The server keeps a batch in files of its own until it is committed to the stream, so that it can
// complete a commit that a crash cut short. Making and removing these files is most of the cost of
// a batch, and an append promises nothing for a batch that was cut short. So the files are kept in
// memory. The commit itself is on disk before it is acknowledged. DESIGN.md has the figures.

// staging is the place where the server keeps batches.
type staging struct {
	dir    string // the data folder
	stream string // "" for the log
	link   string // in the stream's folder, to the folder in memory
	used   string // the folder in memory, "" for none
	logger *zap.Logger
}

// folder returns a folder in memory that belongs only to this stream of this data folder, so that a
// killed process leaves at most this one behind. Its name contains the host, because containers can
// share the memory and not the disk.
func (s *staging) folder() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return "", err
	}
	name := host + "\x00" + dir
	if s.stream != "" {
		name += "\x00" + s.stream
	}
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(memoryFolder, stagingPrefix+hex.EncodeToString(sum[:12])), nil
}

// inMemory implements Server.StageInMemory.
func (s *staging) inMemory(largestBatch int) bool {
	folder, err := s.folder()
	if err != nil {
		return false
	}
	if target, err := os.Readlink(s.link); s.stream != "" && err == nil && target == s.used {
		return true // done by an earlier call
	}
	if ownFolder(folder) { // the server has recovered and no longer needs it
		s.used = folder
		s.drop()
	}
	free, err := FreeDisk(memoryFolder)
	if err != nil || free < 4*uint64(largestBatch) {
		return false
	}
	if err = os.Mkdir(folder, 0o700); err == nil {
		s.used = folder
		err = os.Symlink(folder, s.link)
	}
	if err != nil {
		s.logger.Debug("batches are staged on disk", zap.Error(err))
		s.drop()
		return false
	}
	return true
}

// find is called before the server is started. It keeps the link to the batches that the last
// server staged, so that this server can complete the last batch, unless another user may have
// changed the folder since.
func (s *staging) find() error {
	target, err := os.Readlink(s.link)
	if err != nil {
		return nil // no link
	}
	if folder, err := s.folder(); err == nil && target == folder && ownFolder(folder) {
		return nil
	}
	return os.Remove(s.link)
}

// drop removes the staged batches.
func (s *staging) drop() {
	if s.used == "" {
		return
	}
	err := os.RemoveAll(s.used)
	if _, linked := os.Readlink(s.link); linked == nil {
		err = errors.Join(err, os.Remove(s.link))
	}
	if err != nil {
		s.logger.Warn("what was staged in memory is left behind", zap.String("folder", s.used), zap.Error(err))
	}
	s.used = ""
}
