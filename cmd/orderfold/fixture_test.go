package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixture is the data folder of a stopped service. Because filling it takes long, it is filled once, and each test
// uses a copy.
type fixture struct {
	once   sync.Once
	folder string
}

// copy returns a copy of the folder and the arguments to serve it. The first call fills the folder with fill.
func (f *fixture) copy(t testing.TB, fill func(data string, args []string)) (data string, args []string) {
	t.Helper()
	serve := func(data string) []string { return append([]string{"serve", "--data", data}, freePorts...) }
	f.once.Do(func() {
		dir, err := os.MkdirTemp(scratch, "fixture-")
		require.NoError(t, err)
		folder := filepath.Join(dir, "data")
		fill(folder, serve(folder))
		f.folder = folder
	})
	require.NotEmpty(t, f.folder, "another test could not fill it")
	data = filepath.Join(t.TempDir(), "data")
	copyFolder(t, data, f.folder)
	return data, serve(data)
}

// copyFolder copies a folder as cp -p does.
func copyFolder(t testing.TB, to, from string) {
	t.Helper()
	require.NoError(t, os.CopyFS(to, os.DirFS(from)))
	require.NoError(t, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(to, name), info.Mode())
	}))
}
