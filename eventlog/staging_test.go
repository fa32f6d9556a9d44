package eventlog_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

func TestTheStagingFolderInMemoryIsRemovedWhenTheLogIsClosed(t *testing.T) {
	p := embeddedPlace(t)
	link := filepath.Join(p.streamDir, "batches")
	l := open(t, p.options)
	folder, err := os.Readlink(link)
	if _, missing := os.Stat("/dev/shm"); missing != nil {
		require.Error(t, err, "this system has no memory file system")
		return
	}
	require.NoError(t, err)
	for _, a := range appendTogether(patient(t), l, numbered(1, 300)) {
		require.NoError(t, a.err)
	}
	require.NotEmpty(t, batched(t, p.admin(t, l), 300))
	require.NoError(t, l.Close())
	require.NoDirExists(t, folder)
	require.NoFileExists(t, link)
}

func TestAStagingLinkToAnotherFolderIsNotFollowed(t *testing.T) {
	p := embeddedPlace(t)
	require.NoError(t, open(t, p.options).Close())
	foreign := t.TempDir()
	precious := filepath.Join(foreign, "precious")
	require.NoError(t, os.WriteFile(precious, []byte("keep"), 0o600))
	link := filepath.Join(p.streamDir, "batches")
	for _, target := range []string{foreign, "/dev/shm/orderfold-batches-gone", "/dev/shm/orderfold-batches-x/../../.." + foreign} {
		require.NoError(t, os.Symlink(target, link))
		l := open(t, p.options)
		now, err := os.Readlink(link)
		if err == nil {
			require.NotEqual(t, target, now)
		}
		appendAll(t, l, "works")
		require.NoError(t, l.Close())
		require.FileExists(t, precious)
		require.NoFileExists(t, link)
	}
	read, err := readAll(t.Context(), open(t, p.options), eventlog.Position{})
	require.NoError(t, err)
	require.Len(t, read, 3)
}
