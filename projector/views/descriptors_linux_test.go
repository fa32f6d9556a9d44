package views

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// fewFilesDir names the folder that this binary opens with few file descriptors, when
// TestOpenFailsWithTooFewFileDescriptorsAndTheNextOpenFindsEverything starts it.
const fewFilesDir = "ORDERFOLD_TEST_FEW_FILES_DIR"

func init() { children[fewFilesDir] = openWithFewFiles }

// openWithFewFiles opens the views with one more descriptor each time, until there are enough. It fails if the first
// attempt succeeds.
func openWithFewFiles(dir string) error {
	// The runtime opens its poller with the first pollable file, and ends the process if it cannot.
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _, _ = reader.Close(), writer.Close() }()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for n := range uint64(100) {
		limit := syscall.Rlimit{Cur: uint64(len(open)) + n, Max: 1000}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return err
		}
		s, err := Open(context.Background(), Options{Dir: dir, FoldVersion: testVersion})
		switch {
		case err != nil:
			continue
		case n == 0:
			return errors.New("the limit does nothing")
		}
		return s.Close()
	}
	return errors.New("no number of descriptors is enough")
}

func TestOpenFailsWithTooFewFileDescriptorsAndTheNextOpenFindsEverything(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.commit(t, s)
	require.NoError(t, s.Close())
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s", fewFilesDir, dir))
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	w.requireViews(t, open(t, dir))
}
