package eventlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"go.uber.org/zap"
)

const (
	// memoryFolder is a file system in memory, where there is one.
	memoryFolder = "/dev/shm"
	// stagingPrefix begins the name of our folders there.
	stagingPrefix = "orderfold-batches-"
)

// The server keeps a batch in files of its own until it is committed to the stream, so that a commit that is cut short by
// a crash can be completed. Making and removing these files is most of what a batch costs, and Append promises nothing
// for a batch that was cut short: so they are put in memory. The commit itself is on disk before it is acknowledged,
// as ever. DESIGN.md has the figures.

func (e *embedded) stagingLink() string { return filepath.Join(e.streamDir(), "batches") }

// stagingFolder belongs to this data folder alone, so that a kill leaves at most this one behind. The host is part of its
// name because containers can share the memory and not the disk.
func (e *embedded) stagingFolder() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(e.dir)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(host + "\x00" + dir))
	return filepath.Join(memoryFolder, stagingPrefix+hex.EncodeToString(sum[:12])), nil
}

// stageInMemory is called when the stream is open, and returns how many records make a batch.
func (e *embedded) stageInMemory() (crowd int) {
	folder, err := e.stagingFolder()
	if err != nil {
		return crowdOnDisk
	}
	if ownFolder(folder) { // what the server needed of it to recover, it has used
		e.staging = folder
		e.dropStaging()
	}
	free, err := FreeDisk(memoryFolder)
	if err != nil || free < 4*maxBatchBytes {
		return crowdOnDisk
	}
	if err = os.Mkdir(folder, 0o700); err == nil {
		e.staging = folder
		err = os.Symlink(folder, e.stagingLink())
	}
	if err != nil {
		e.messages.logger.Debug("batches are staged on disk", zap.Error(err))
		e.dropStaging()
		return crowdOnDisk
	}
	return crowdInMemory
}

// findStaging is called before the server is started. The link to what the last one staged stays, for the server to
// complete the last batch, unless somebody else may have put something there since.
func (e *embedded) findStaging() error {
	target, err := os.Readlink(e.stagingLink())
	if err != nil {
		return nil // no link
	}
	if folder, err := e.stagingFolder(); err == nil && target == folder && ownFolder(folder) {
		return nil
	}
	return os.Remove(e.stagingLink())
}

// dropStaging forgets what is staged.
func (e *embedded) dropStaging() {
	if e.staging == "" {
		return
	}
	err := os.RemoveAll(e.staging)
	if _, linked := os.Readlink(e.stagingLink()); linked == nil {
		err = errors.Join(err, os.Remove(e.stagingLink()))
	}
	if err != nil {
		e.messages.logger.Warn("what was staged in memory is left behind", zap.String("folder", e.staging), zap.Error(err))
	}
	e.staging = ""
}
