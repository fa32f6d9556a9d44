package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/require"
)

func TestADemoRemovesTheFoldersOfKilledDemos(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	folder := func(t *testing.T, lock string, age time.Duration) string {
		path, err := os.MkdirTemp(temporary, demoPrefix)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(path, "nats", "deep"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(path, lock), nil, 0o600))
		then := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, then, then))
		return path
	}
	for _, c := range []struct {
		name, lock string
		age        time.Duration
		held, kept bool
	}{
		{"a folder whose process has ended", "lock", time.Hour, false, false},
		{"a folder whose process runs", "lock", time.Hour, true, true},
		{"a new folder", "lock", 0, false, true},
		{"a folder that never contained a log", "notes", time.Hour, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := folder(t, c.lock, c.age)
			if c.held {
				lock := flock.New(filepath.Join(path, c.lock))
				require.NoError(t, lock.Lock())
				defer lock.Unlock()
			}
			made, err := demoFolder()
			require.NoError(t, err)
			require.DirExists(t, made)
			if c.kept {
				require.DirExists(t, path)
			} else {
				require.NoDirExists(t, path)
			}
		})
	}
	elsewhere := folder(t, "lock", time.Hour)
	link := filepath.Join(temporary, demoPrefix+"link")
	require.NoError(t, os.Symlink(elsewhere, link))
	require.NoError(t, removeAbandoned(link))
	require.DirExists(t, elsewhere, "a link is not followed")
}
