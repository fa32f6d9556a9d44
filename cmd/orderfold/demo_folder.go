package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	demoPrefix = "orderfold-demo-"
	// demoSettled is the age after which a folder without a lock will never be locked.
	demoSettled = time.Minute
)

// demoFolder makes a temporary folder, and removes the folders of demos that were killed.
func demoFolder() (string, error) {
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), demoPrefix+"*")); err == nil {
		for _, folder := range left {
			// The folder may belong to somebody else, which is no reason to fail.
			_ = removeAbandoned(folder)
		}
	}
	folder, err := os.MkdirTemp("", demoPrefix)
	if err != nil {
		return "", fmt.Errorf("demo: %w; name a folder with --data", err)
	}
	return folder, nil
}

// removeAbandoned removes a folder with the log of a process that no longer runs.
func removeAbandoned(folder string) (err error) {
	info, err := os.Lstat(folder)
	if err != nil || !info.IsDir() || time.Since(info.ModTime()) < demoSettled {
		return err
	}
	file := filepath.Join(folder, "lock")
	if info, err = os.Lstat(file); err != nil || !info.Mode().IsRegular() {
		return err
	}
	lock := flock.New(file)
	if free, err := lock.TryLock(); err != nil || !free {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	return os.RemoveAll(folder)
}
