package views

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

func TestAReadOnlyStoreReportsThatThereAreNoViewsYet(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir() + "/later"
	early := openReadOnly(t, dir)
	_, _, err := early.Order(ctx, "o-1")
	require.ErrorIs(t, err, ErrNoViews)
	require.ErrorIs(t, early.Wait(ctx, 1), ErrNoViews)
	stranger, err := Open(ctx, Options{Dir: dir, FoldVersion: "another", ReadOnly: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, stranger.Close()) }()

	open(t, dir)
	_, err = early.Stats(ctx)
	require.NoError(t, err)
	_, err = stranger.Stats(ctx)
	require.ErrorIs(t, err, ErrVersion)
	require.NotContains(t, err.Error(), "\n", "one line")
}

func TestAReadOnlyStoreFollowsTheWriter(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	reader := openReadOnly(t, dir)
	other := openReadOnly(t, dir)
	w := newWorld()
	for range 5 {
		w.status("o-1", statemachine.Placed)
		w.see("customer", "c-1")
		w.commit(t, s)
		w.requireViews(t, reader)
		w.requireViews(t, other)
	}
	require.Error(t, failure(reader.Commit(ctx, Batch{})))
	require.Error(t, reader.SetHealth(ctx, Health{}))
	_, err := reader.Load(ctx, nil)
	require.Error(t, err)
	err = reader.read(ctx, func(_ *generation, c *connection) error {
		_, err := c.exec(ctx, `DELETE FROM orders`)
		return err
	})
	require.ErrorContains(t, err, "readonly")

	require.NoError(t, s.Close())
	w.requireViews(t, reader) // the writer has stopped, but its commits remain
	w.requireViews(t, openReadOnly(t, dir))
}

func TestAReadOnlyStoreFollowsASwitchOfGenerations(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	first := open(t, dir)
	w := crowd(t, first, 300)
	reader := openReadOnly(t, dir)
	w.requireViews(t, reader)
	page, err := reader.Orders(ctx, Query{Limit: 10})
	require.NoError(t, err)

	busy, release := make(chan struct{}), make(chan struct{})
	var slow sync.WaitGroup
	slow.Go(func() {
		_ = reader.snapshot(ctx, func(_ *generation, c *connection) error {
			close(busy)
			<-release
			var at uint64
			if err := c.Row(ctx, sequenceText, nil, &at); err != nil || at != w.at {
				t.Error("who was reading goes on reading the old generation", at, err)
			}
			return nil
		})
	})
	<-busy
	// A writer of another version makes another generation, and then makes it live.
	require.NoError(t, first.Close())
	next, err := createWriter(ctx, generationPath(dir, 2), testVersion)
	require.NoError(t, err)
	require.NoError(t, next.close())
	w.requireViews(t, reader)
	require.NoError(t, writeLive(dir, 2))
	newWorld().requireViews(t, reader)
	require.Equal(t, 2, generationOf(t, reader))
	_, err = reader.Orders(ctx, Query{Limit: 10, Cursor: page.Next})
	require.ErrorIs(t, err, ErrCursor)
	close(release)
	slow.Wait()

	require.NoError(t, writeLive(dir, 1))
	w.requireViews(t, reader)
	require.NoError(t, writeLive(dir, 2))
	second := open(t, dir)
	w = crowd(t, second, 50)
	w.requireViews(t, reader)
}

func TestReadersGetNoErrorWhileGenerationsSwitch(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	w := crowd(t, open(t, dir), 100)
	reader := openReadOnly(t, dir)
	for n := 2; n <= 3; n++ {
		next, err := createWriter(ctx, generationPath(dir, n), testVersion)
		require.NoError(t, err)
		require.NoError(t, next.close())
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for {
				stats, err := reader.Stats(ctx)
				if err != nil || stats.Applied != 0 && stats.Applied != w.at || stats.Applied != 0 && stats.Records != w.at-w.skipped {
					t.Error(stats, err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 30 {
		require.NoError(t, writeLive(dir, 1+i%3))
	}
	close(done)
	readers.Wait()
}

func TestRowsAndPositionAlwaysAgree(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	reader := openReadOnly(t, dir)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for _, s := range []*Store{s, reader, reader} {
		readers.Go(func() {
			for {
				// Every batch ends with a notification of o-1, and adds an order without further notifications.
				o, at, err := s.Order(ctx, "o-1")
				if err == nil && o.Last.Sequence != at.Applied || err != nil && (at.Applied != 0 || !errors.Is(err, ErrNotFound)) {
					t.Error("order", o.Last.Sequence, at, err)
				}
				page, err := s.Orders(ctx, Query{Limit: 2})
				if err != nil || len(page.Orders) > 0 && page.Orders[0].Last.Sequence != page.Applied {
					t.Error("list", page, err)
				}
				stats, err := s.Stats(ctx)
				if err != nil || stats.Records != stats.Applied || stats.Orders > 0 && stats.Orders != stats.Applied/2+1 {
					t.Error("stats", stats, err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	w := newWorld()
	for i := range 200 {
		w.status("other-"+string(rune('a'+i)), statemachine.Filled)
		w.status("o-1", statemachine.Placed)
		w.commit(t, s)
	}
	close(done)
	readers.Wait()
	w.requireViews(t, reader)
}

func TestWaitReturnsWhenTheViewsReachASequence(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	for name, reader := range map[string]*Store{"in the process of the writer": s, "in another process": openReadOnly(t, dir)} {
		t.Run(name, func(t *testing.T) {
			at, err := s.Checkpoint(ctx)
			require.NoError(t, err)
			w := newWorld()
			w.at = at.Sequence
			require.NoError(t, reader.Wait(ctx, w.at), "it is already there")

			const waiting = 20
			results := make(chan error, 2*waiting)
			for range waiting {
				go func() { results <- reader.Wait(ctx, w.at+1) }()
				go func() { results <- reader.Wait(ctx, w.at+2) }()
			}
			impatient, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, reader.Wait(impatient, w.at+3), context.DeadlineExceeded)
			for range 2 {
				b := Batch{Checkpoint: Checkpoint{Log: "log-1", Sequence: at.Sequence + 1}}
				at.Sequence++
				require.NoError(t, failure(s.Commit(ctx, b)))
				for range waiting {
					require.NoError(t, <-results)
				}
			}
			require.NoError(t, reader.Wait(ctx, at.Sequence))
			go func() { results <- reader.Wait(ctx, at.Sequence+1) }()
			require.ErrorIs(t, func() error { cancel(); return reader.Wait(impatient, at.Sequence+1) }(), context.DeadlineExceeded)
			if reader != s {
				require.NoError(t, reader.Close())
				require.ErrorIs(t, <-results, ErrClosed)
				require.ErrorIs(t, reader.Wait(ctx, 0), ErrClosed)
			} else {
				require.NoError(t, failure(s.Commit(ctx, Batch{Checkpoint: Checkpoint{Sequence: at.Sequence + 1}})))
				require.NoError(t, <-results)
			}
		})
	}
	var closer sync.WaitGroup
	closer.Go(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	require.ErrorIs(t, s.Wait(ctx, 1_000), ErrClosed)
	closer.Wait()
}
