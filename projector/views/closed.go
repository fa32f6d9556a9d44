package views

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// closedFile records which generation was closed properly and the state of its files at that time.
// If the files are unchanged when the generation is opened again, they are not checked page by
// page. The record is removed as soon as it is read, so that a killed process leaves none.
const closedFile = "closed"

// looks describes a database file and its write-ahead log as they are on disk. A process that only
// reads may leave an empty log behind.
func looks(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s %d %d", info.Name(), info.Size(), info.ModTime().UnixNano())
	switch info, err = os.Stat(path + "-wal"); {
	case err == nil && info.Size() > 0:
		text += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return text, nil
}

// noteClosed records that the generation was closed properly.
func noteClosed(dir string, generation int) error {
	text, err := looks(generationPath(dir, generation))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, closedFile), []byte(text), 0o600)
}

// wasClosed reports whether the generation was closed properly and is unchanged since. It returns
// false if it cannot find out.
func wasClosed(dir string, generation int) bool {
	path := filepath.Join(dir, closedFile)
	noted, err := os.ReadFile(path)
	if err != nil || os.Remove(path) != nil {
		return false
	}
	now, err := looks(generationPath(dir, generation))
	return err == nil && now == string(noted)
}
