package views

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// promoted makes the draft live in a new store and returns the store.
func promoted(t *testing.T, dir string, draft *Draft, missing uint64) *Store {
	t.Helper()
	ctx := context.Background()
	s := openAs(t, Options{Dir: dir, FoldVersion: testVersion, FirstByPromotion: true})
	require.NoError(t, draft.Complete(ctx, missing))
	p, err := s.BeginPromotion()
	require.NoError(t, err)
	defer p.End()
	_, err = p.Promote(ctx, draft)
	require.NoError(t, err)
	require.NoError(t, draft.Close())
	return s
}

// readCopy returns the bytes of a copy.
func readCopy(t *testing.T, s *Store) []byte {
	t.Helper()
	copied, err := s.Copy(context.Background())
	require.NoError(t, err)
	all, err := io.ReadAll(copied)
	require.NoError(t, err)
	require.NoError(t, copied.Close())
	return all
}

func writes(b []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

func TestACopyIsServedUnchangedByAnotherMachine(t *testing.T) {
	dir, other := filepath.Join(t.TempDir(), "a b?c#d%20e"), t.TempDir()
	s := open(t, dir)
	w := crowd(t, s, 500)
	all := readCopy(t, s)
	left, err := drafts(dir)
	require.NoError(t, err)
	require.Empty(t, left, "a closed copy leaves nothing")

	draft, err := NewCopiedDraft(context.Background(), other, testVersion, writes(all))
	require.NoError(t, err)
	at, err := draft.Checkpoint(context.Background())
	require.NoError(t, err)
	require.Equal(t, w.at, at.Sequence)
	there := promoted(t, other, draft, w.skipped)
	w.requireViews(t, there)
	left, err = filepath.Glob(filepath.Join(other, "*-wal"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(left), 1, "the log of the live one: %v", left)
	require.NoError(t, there.Close())
	again := open(t, other)
	w.requireViews(t, again)
}

func TestACopyContainsOneStateWhileCommitsContinue(t *testing.T) {
	s := open(t, t.TempDir())
	w := crowd(t, s, 200)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 30 {
			w.status(fmt.Sprint("during-", i), statemachine.Placed)
			w.commit(t, s)
		}
	}()
	for range 5 {
		all := readCopy(t, s)
		draft, err := NewCopiedDraft(context.Background(), t.TempDir(), testVersion, writes(all))
		require.NoError(t, err)
		require.NoError(t, draft.Complete(context.Background(), math.MaxUint32), "orders, counts and position agree")
		require.NoError(t, draft.Close())
	}
	<-ended
}

func TestACopyThatCannotBeUsedIsRefused(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 500)
	whole := readCopy(t, s)
	cut := errors.New("the connection was cut")
	for name, test := range map[string]struct {
		version string
		fetch   func(io.Writer) error
		says    string
	}{
		"nothing":                           {testVersion, writes(nil), "cannot be used"},
		"an error page of a proxy":          {testVersion, writes([]byte("<html>502 Bad Gateway</html>")), "damaged"},
		"truncated in the middle of a page": {testVersion, writes(whole[:len(whole)/2]), "damaged"},
		"truncated by one page":             {testVersion, writes(whole[:len(whole)-4096]), "damaged"},
		"damaged":                           {testVersion, writes(flip(bytes.Clone(whole), len(whole)/2, 4096)), "damaged"},
		"folded by other rules":             {"other", writes(whole), "fold version"},
		"an interrupted connection":         {testVersion, func(w io.Writer) error { _, _ = w.Write(whole[:9000]); return cut }, cut.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			draft, err := NewCopiedDraft(context.Background(), dir, test.version, test.fetch)
			require.ErrorContains(t, err, test.says)
			require.Nil(t, draft)
			left, err := drafts(dir)
			require.NoError(t, err)
			require.Empty(t, left, "nothing of it remains")
		})
	}
}

func TestACopyEndsWithItsContextAndNeedsViews(t *testing.T) {
	s := open(t, t.TempDir())
	crowd(t, s, 100)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Copy(ctx)
	require.ErrorIs(t, err, context.Canceled)

	none := openAs(t, Options{Dir: t.TempDir(), FoldVersion: testVersion, FirstByPromotion: true})
	_, err = none.Copy(context.Background())
	require.ErrorIs(t, err, ErrNoViews)
}

func TestACopyLeftByAKilledProcessIsRemoved(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "draft-killed")
	require.NoError(t, os.MkdirAll(left, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(left, "orders.db"), []byte("a part"), 0o600))
	s := open(t, dir)
	crowd(t, s, 10)
	readCopy(t, s)
	require.NoDirExists(t, left)
}
