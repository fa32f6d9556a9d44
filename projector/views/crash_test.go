package views

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// crashDir names the folder in which this binary, started by TestViewsAreIntactAfterAKillDuringCommits, commits until
// it is killed.
const crashDir = "ORDERFOLD_TEST_CRASH_DIR"

// children contains the work that this binary does when a test starts it, by the variable that names the folder.
var children = map[string]func(dir string) error{}

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, commitUntilKilled(dir))
		os.Exit(1)
	}
	for name, run := range children {
		if dir := os.Getenv(name); dir != "" {
			if err := run(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// commitUntilKilled prints the position after each commit. Record n is the same in every run.
func commitUntilKilled(dir string) error {
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: dir, FoldVersion: testVersion})
	if err != nil {
		return err
	}
	at, err := s.Checkpoint(ctx)
	if err != nil {
		return err
	}
	w := newWorld()
	for w.at < at.Sequence {
		crashRecord(w)
	}
	w.batch()
	for {
		for range 20 + w.at%200 {
			crashRecord(w)
		}
		b := w.batch()
		if _, err := s.Commit(ctx, b); err != nil {
			return err
		}
		fmt.Println(b.Checkpoint.Sequence)
	}
}

func crashRecord(w *world) {
	statuses := statemachine.Statuses()
	switch next := w.at + 1; {
	case next%31 == 0:
		w.quarantine("no")
	case next%17 == 0:
		w.see("customer", fmt.Sprint(next%5))
	default:
		w.status(fmt.Sprintf("o-%d", next*7919%(1+next/5)), statuses[next*31%uint64(len(statuses))].Status)
	}
}

func TestViewsAreIntactAfterAKillDuringCommits(t *testing.T) {
	dir := t.TempDir()
	binary, err := os.Executable()
	require.NoError(t, err)
	for range 3 {
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines, said := bufio.NewScanner(out), uint64(0)
		for n := 0; lines.Scan(); n++ {
			said, err = strconv.ParseUint(lines.Text(), 10, 64)
			require.NoError(t, err)
			if n == 5 {
				require.NoError(t, cmd.Process.Kill())
			}
		}
		require.Error(t, cmd.Wait())
		require.NotZero(t, said)

		s, warned := openLogged(t, dir, testVersion)
		require.Empty(t, warned)
		at, err := s.Checkpoint(context.Background())
		require.NoError(t, err)
		require.GreaterOrEqual(t, at.Sequence, said, "committed data exists")
		w := newWorld()
		for w.at < at.Sequence {
			crashRecord(w)
		}
		w.requireViews(t, s)
		requireConsistent(t, s)
		require.NoError(t, s.Close())
	}
}
