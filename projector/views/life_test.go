package views

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

// fuse is a context that ends after it was checked a number of times.
type fuse struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func newFuse(looks int64) *fuse {
	f := &fuse{}
	f.Context, f.cancel = context.WithCancel(context.Background())
	f.left.Store(looks)
	return f
}

func (f *fuse) burn() {
	if f.left.Add(-1) == 0 {
		f.cancel()
	}
}

func (f *fuse) Done() <-chan struct{} { f.burn(); return f.Context.Done() }
func (f *fuse) Err() error            { f.burn(); return f.Context.Err() }

func TestOpenFailsWheneverItsContextEndsAndTheNextOpenFindsEverything(t *testing.T) {
	for name, orders := range map[string]int{"an empty folder": 0, "a folder with orders": 5} {
		t.Run(name, func(t *testing.T) {
			dir, w := t.TempDir(), newWorld()
			if orders > 0 {
				s := open(t, dir)
				w = crowd(t, s, orders)
				require.NoError(t, s.Close())
			}
			failed := 0
			for looks := int64(1); ; looks++ {
				f := newFuse(looks)
				s, err := Open(f, Options{Dir: dir, FoldVersion: testVersion})
				f.cancel()
				if err == nil {
					require.NoError(t, s.Close())
					break
				}
				require.ErrorIs(t, err, context.Canceled)
				failed++
			}
			require.Greater(t, failed, 5, "there are many points at which it can fail")
			s := open(t, dir)
			w.requireViews(t, s)
			require.Equal(t, 1, generationOf(t, s), "a failed start leaves no generation behind")
		})
	}
}

func TestDraftsBegunAtTheSameTimeDoNotAffectEachOther(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range 15 {
				if err := draftAndClose(dir); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	left, err := drafts(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// draftAndClose begins a draft and closes it, and returns an error if the draft did not exist in between.
func draftAndClose(dir string) error {
	d, err := NewDraft(context.Background(), dir, testVersion)
	if err != nil {
		return err
	}
	_, err = os.Stat(d.path())
	return errors.Join(err, d.Close())
}

func TestNoDraftIsBegunForACallerThatGaveUp(t *testing.T) {
	dir := t.TempDir()
	held, err := lockDrafts(t.Context(), dir)
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = NewDraft(ended, dir, testVersion)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, held.Unlock())
	require.NoError(t, draftAndClose(dir))
}

// eventually waits until the condition holds.
func eventually(t *testing.T, happened func() bool, what string) {
	t.Helper()
	require.Eventually(t, happened, time.Minute, time.Millisecond, what)
}

func TestReadersAreAnsweredWhileDamagedViewsWaitForTheirWriteAheadLog(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.commit(t, s)
	moving := <-s.writer.mover.idle // as long as the log is being moved
	mover := s.writer.mover
	var gaveUp sync.WaitGroup
	gaveUp.Go(func() { _ = s.GiveUp(1, "a page is not what was written") })
	eventually(t, func() bool {
		_, err := s.Stats(t.Context())
		return errors.Is(err, ErrNoViews)
	}, "readers are told while the log is still being moved")
	mover.idle <- moving
	gaveUp.Wait()
	requireLost(t, s, "a page is not what was written")
	require.NoError(t, s.Close())
}

func TestAReaderWaitsForAnotherReaderOnlyWhileItsContextLasts(t *testing.T) {
	dir := t.TempDir()
	crowd(t, open(t, dir), 10)
	reader := openReadOnly(t, dir)
	reader.following <- struct{}{} // another one opens the live generation
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := reader.Stats(ended)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, reader.Close(), "a waiting reader does not keep the store open")
	<-reader.following
	_, err = reader.Stats(t.Context())
	require.ErrorIs(t, err, ErrClosed)
}

func TestAStoreClosedDuringAPromotionIsIntactAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	w := crowd(t, first, 20)
	require.NoError(t, first.Close())
	for range 10 {
		s := open(t, dir)
		d, err := NewDraft(t.Context(), dir, testVersion)
		require.NoError(t, err)
		require.NoError(t, d.IndexIDs(t.Context(), 0))
		require.NoError(t, failure(d.Commit(t.Context(), w.everything())))
		require.NoError(t, d.Complete(t.Context(), w.skipped))
		var both sync.WaitGroup
		both.Go(func() {
			_, err := promote(t.Context(), s, d)
			if err != nil && !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
		both.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		require.NoError(t, d.Close())
	}
	w.requireViews(t, open(t, dir))
}

func TestAStoreCanBeGivenUpConcurrentlyWhileItIsClosed(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		s := open(t, dir)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := s.GiveUp(1, "a page is not what was written"); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() { _, _ = s.Stats(t.Context()) })
		}
		all.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		_, err := s.Stats(t.Context())
		require.ErrorIs(t, err, ErrClosed)
	}
}
