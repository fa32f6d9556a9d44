package views

import (
	"testing"

	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

func TestThePositionOfTheFeedIsStoredWithTheViews(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), FoldVersion: testVersion})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, Feed{}, status.Feed, "nothing was ever published")

	var changes []Change
	for i, id := range []string{"a", "b", "c"} {
		o := &statemachine.Order{ID: id}
		o.Apply(&statemachine.Notification{OrderID: id, Sequence: uint64(i + 1), Status: statemachine.Placed})
		changes = append(changes, Change{Order: o, Sequences: []uint64{uint64(i + 1)}})
	}
	stands := Feed{On: true, Sequence: 7, Through: 3, Revision: 1772443807214, Generation: 1, Pass: &Pass{Cause: ByRebuild, Since: 2, Row: 1}}
	require.NoError(t, failure(s.Commit(t.Context(), Batch{Orders: changes, Checkpoint: Checkpoint{Log: "l", Sequence: 3}, Feed: &stands})))
	require.NoError(t, failure(s.Commit(t.Context(), Batch{Checkpoint: Checkpoint{Log: "l", Sequence: 4}}))) // position of a feed that is behind
	status, err = s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, stands, status.Feed)
	page, err := s.Orders(t.Context(), Query{})
	require.NoError(t, err)
	require.Equal(t, stands, page.Feed)

	stands.Sequence++
	require.NoError(t, s.SetFeed(t.Context(), 1, stands))
	require.ErrorIs(t, s.SetFeed(t.Context(), 2, Feed{}), ErrSwitched)
	status, err = s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, stands, status.Feed)

	var ids []string
	for row := int64(0); ; {
		rows, err := s.RowsAfter(t.Context(), row, 2)
		require.NoError(t, err)
		require.Equal(t, uint64(4), rows.At.Applied)
		if len(rows.Orders) == 0 {
			break
		}
		row = rows.Last
		for i := range rows.Orders {
			ids = append(ids, rows.Orders[i].ID)
		}
	}
	require.Equal(t, []string{"a", "b", "c"}, ids)
	_, _, err = s.FormerRows(t.Context(), 9, 0, 10)
	require.ErrorIs(t, err, ErrNoPrevious)
	_, err = s.FormerOrders(t.Context(), 9, ids)
	require.ErrorIs(t, err, ErrNoPrevious)
	require.Empty(t, s.FormerVersion(t.Context(), 9))

	_, err = readFeed(`{"on":`)
	require.ErrorIs(t, err, ErrDamaged)
}

func TestADamagedFormerGenerationCountsAsMissing(t *testing.T) {
	dir := t.TempDir()
	s, _ := onDisk(t, dir)
	orders, _, err := s.FormerRows(t.Context(), 1, 0, 1000)
	require.NoError(t, err)
	require.Len(t, orders, 300)
	spoil(t, dir, 1)
	_, _, err = s.FormerRows(t.Context(), 1, 0, 1000)
	require.ErrorIs(t, err, ErrNoPrevious)
	_, err = s.FormerOrders(t.Context(), 1, []string{"o-1"})
	require.ErrorIs(t, err, ErrNoPrevious)
	require.NoError(t, s.GiveUp(1, "of the test"))
}

func TestAFormerOrderEqualsOneThatHadOnlyRepeatsSince(t *testing.T) {
	o := statemachine.Order{ID: "a"}
	n := statemachine.Notification{OrderID: "a", Sequence: 1, Status: statemachine.Placed}
	o.Apply(&n)
	state, err := o.AppendBinary(nil)
	require.NoError(t, err)
	before := former("a", state, true)
	require.True(t, before.Equals(&o))
	n.Sequence = 2
	o.Apply(&n)
	require.True(t, before.Equals(&o), "a repeat")
	n.Sequence, n.Status = 3, statemachine.Filled
	o.Apply(&n)
	require.False(t, before.Equals(&o))
	for _, unreadable := range []Former{former("a", state, false), former("a", []byte("?"), true), {}} {
		require.False(t, unreadable.Equals(&o))
	}
}
