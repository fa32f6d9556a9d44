package views

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/statemachine"
)

func TestViewsAnswerAsBeforeAfterReleasingMemory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	w := newWorld()
	w.status("o-1", statemachine.Placed)
	w.commit(t, s)
	err := s.with(t.Context(), func(g *generation) error {
		return g.use(t.Context(), func(*connection) error { return s.Shrink(t.Context()) }) // while a reader reads
	})
	require.NoError(t, err)
	w.requireViews(t, s)
	w.status("o-2", statemachine.Filled)
	w.commit(t, s)
	w.requireViews(t, s)
	reader, err := Open(t.Context(), Options{Dir: dir, FoldVersion: testVersion, ReadOnly: true})
	require.NoError(t, err)
	require.NoError(t, reader.Shrink(t.Context()))
	require.NoError(t, reader.Close())
	require.ErrorIs(t, reader.Shrink(t.Context()), ErrClosed)
}
