package views

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// spoil overwrites every page of a generation except the first, which the system may keep in memory for readers.
func spoil(t testing.TB, dir string, n int) {
	t.Helper()
	f, err := os.OpenFile(generationPath(dir, n), os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	page := make([]byte, info.Size()-4096)
	_, err = f.WriteAt(flip(page, 0, len(page)), 4096)
	require.NoError(t, err)
}

// onDisk returns a store whose writer has nothing in memory and nothing in the write-ahead log.
func onDisk(t testing.TB, dir string) (*Store, *world) {
	s := open(t, dir)
	w := newWorld()
	for i := range 900 {
		w.status(fmt.Sprintf("o-%d", i%300), []statemachine.Status{statemachine.Placed, statemachine.PartiallyFilled, statemachine.Filled}[i/300])
	}
	w.see("customer", "c-1")
	w.quarantine("no")
	w.commit(t, s)
	require.NoError(t, s.Close())
	return open(t, dir), w
}

// everything returns all records since the beginning in one batch.
func (w *world) everything() Batch {
	b := Batch{Quarantined: w.quarantined, Checkpoint: Checkpoint{"log-1", w.at, fmt.Sprintf("hash-%d", w.at), receivedAt(w.at)}}
	for id, sequences := range w.sequences {
		b.Orders = append(b.Orders, Change{Order: w.orders[id], Sequences: sequences})
	}
	for _, o := range w.objects {
		b.Objects = append(b.Objects, o)
	}
	return b
}

func requireLost(t testing.TB, s *Store, says string) {
	t.Helper()
	_, err := s.Stats(context.Background())
	require.ErrorIs(t, err, ErrNoViews)
	lost := (*LostError)(nil)
	require.ErrorAs(t, err, &lost)
	require.Contains(t, lost.Reason, says)
	require.NoFileExists(t, livePath(s.options.Dir))
}

// promote makes a draft live that is at the position of the views.
func promote(ctx context.Context, s *Store, d *Draft) (generation int, err error) {
	p, err := s.BeginPromotion()
	if err != nil {
		return 0, err
	}
	defer p.End()
	return p.Promote(ctx, d)
}

// requireMadeAnew promotes a draft with the content of the world, and requires that it is served.
func requireMadeAnew(t testing.TB, s *Store, w *world, n int) {
	t.Helper()
	ctx := context.Background()
	d, err := NewDraft(ctx, s.options.Dir, testVersion)
	require.NoError(t, err)
	require.NoError(t, failure(d.Commit(ctx, w.everything())))
	require.NoError(t, d.Complete(ctx, 0))
	made, err := promote(ctx, s, d)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	require.Equal(t, n, made)
	w.requireViews(t, s)
	w.requireViews(t, openReadOnly(t, s.options.Dir))
	require.FileExists(t, generationPath(s.options.Dir, n-1), "the damaged file is kept")
}

func TestACommitThatFindsDamageGivesTheViewsUp(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, w := onDisk(t, dir)
	reader := openReadOnly(t, dir)
	w.requireViews(t, reader)
	_, err := s.writer.c.exec(ctx, "PRAGMA shrink_memory")
	require.NoError(t, err)
	spoil(t, dir, 1)
	w.status("o-1", "PLACED")
	b := w.batch()
	require.ErrorIs(t, failure(s.Commit(ctx, b)), ErrNoViews)
	requireLost(t, s, "the file of generation 1 is damaged: ")
	_, err = reader.Stats(ctx)
	require.ErrorIs(t, err, ErrNoViews, "readers in other processes stop using it")
	require.ErrorIs(t, failure(s.Commit(ctx, b)), ErrNoViews)
	require.ErrorIs(t, s.SetHealth(ctx, Health{Reason: "x"}), ErrNoViews)
	requireMadeAnew(t, s, w, 2)
	require.ErrorIs(t, failure(s.Commit(ctx, b)), ErrSwitched)
}

func TestAReaderThatFindsDamageCausesTheViewsToBeGivenUp(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, w := onDisk(t, dir)
	w.status("o-1", "PLACED")
	w.commit(t, s) // the write-ahead log exists
	spoil(t, dir, 1)
	_, err := openReadOnly(t, dir).Orders(ctx, Query{})
	require.ErrorIs(t, err, ErrDamaged)
	_, err = s.Orders(ctx, Query{})
	require.ErrorIs(t, err, ErrDamaged)
	require.Eventually(t, func() bool { _, err := s.Orders(ctx, Query{}); return errors.Is(err, ErrNoViews) }, time.Minute, time.Millisecond)
	requireLost(t, s, "the file of generation 1 is damaged: ")
	requireMadeAnew(t, s, w, 2)
}

func TestOnlyDamagedViewsAreGivenUpAndOnlyOnce(t *testing.T) {
	s, w := onDisk(t, t.TempDir())
	require.NoError(t, s.GiveUp(7, "not these"))
	w.requireViews(t, s)
	require.NoError(t, s.GiveUp(1, "these"))
	requireLost(t, s, "these")
	require.NoError(t, s.GiveUp(1, "again"))
	requireLost(t, s, "these")
	require.NoError(t, s.Close())
	require.NoError(t, s.GiveUp(1, "closed"))
}

// compared returns the result of a complete comparison of the draft with the live generation.
func compared(t testing.TB, d *Draft, dir string) Findings {
	ctx := context.Background()
	k, err := d.Compare(ctx, dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, k.Close()) }()
	for done := false; !done; {
		_, err = k.Hold(ctx)
		require.NoError(t, err)
		done, err = k.Step(ctx, 100)
		require.NoError(t, err)
	}
	return k.Findings
}

func TestAComparisonDistinguishesDamageFromADifference(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, w := onDisk(t, dir)
	compare := func() Findings {
		d, err := NewDraft(ctx, dir, testVersion)
		require.NoError(t, err)
		defer func() { require.NoError(t, d.Close()) }()
		require.NoError(t, failure(d.Commit(ctx, w.everything())))
		return compared(t, d, dir)
	}
	found := compare()
	require.True(t, found.Equal(), found.Summary())
	_, err := s.writer.c.exec(ctx, `UPDATE orders SET external = external + 1`)
	require.NoError(t, err)
	found = compare()
	require.Positive(t, found.Different)
	require.Empty(t, found.Damage)
	require.NoError(t, s.Close())
	spoil(t, dir, 1)
	found = compare()
	require.False(t, found.Equal())
	require.NotEmpty(t, found.Damage)
	require.NoError(t, os.Remove(generationPath(dir, 1)))
	found = compare()
	require.Contains(t, found.Damage, "the file cannot be read")
	require.NotEmpty(t, found.Damage)
}
