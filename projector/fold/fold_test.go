package fold_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

func record(sequence uint64, object, body string) eventlog.Record {
	return eventlog.Record{Sequence: sequence, Object: object, Body: []byte(body)}
}

// stored are views that keep the encoded state of every order that was committed.
type stored struct {
	orders map[string][]byte
	loads  int
}

func (s *stored) Load(_ context.Context, ids []string) (map[string]views.Entry, error) {
	s.loads++
	found := map[string]views.Entry{}
	for _, id := range ids {
		if state, is := s.orders[id]; is {
			o := &statemachine.Order{ID: id}
			if err := o.UnmarshalBinary(state); err != nil {
				return nil, err
			}
			found[id] = views.Entry{Order: o}
		}
	}
	return found, nil
}

// states returns the encoded orders of a batch as they are now, because later batches change these orders.
func states(t require.TestingT, b *views.Batch) map[string][]byte {
	encoded := map[string][]byte{}
	for i := range b.Orders {
		state, err := b.Orders[i].Order.AppendBinary(nil)
		require.NoError(t, err)
		encoded[b.Orders[i].Order.ID] = state
	}
	return encoded
}

func TestEachRecordGoesToAnOrderAnObjectOrQuarantine(t *testing.T) {
	b := fold.NewBatcher(&stored{}, 10)
	batch, err := b.Fold(t.Context(), []eventlog.Record{
		record(1, "traditional-asset-order", `{"orderId":"a","status":"PLACED"}`),
		record(2, "customer", `{"customerId":"c"}`),
		record(3, "traditional-asset-order", `not JSON`),
		record(4, "customer", `{"customerId":"c"}`),
		record(5, "traditional-asset-order", `{"orderId":"a","status":"FILLED"}`),
		record(6, "customer", `[]`),
	})
	require.NoError(t, err)
	changes := batch.Changes()
	require.EqualValues(t, 6, changes.Checkpoint.Sequence)
	require.Len(t, changes.Orders, 1, "several facts of one order become one change")
	require.Equal(t, []uint64{1, 5}, changes.Orders[0].Sequences)
	require.Equal(t, []views.Object{{Object: "customer", ID: "c", Sequence: 4, Count: 2}}, changes.Objects)
	require.Len(t, changes.Quarantined, 2)
	require.Equal(t, []string{"not-json", "not-an-object"}, []string{changes.Quarantined[0].Class, changes.Quarantined[1].Class})
}

// However a log is divided into batches, and however few orders are kept decoded, the orders are the same.
// A batch is committed while the next one is made.
func TestOrdersDoNotDependOnHowTheLogIsDividedIntoBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []eventlog.Record
		for i := range rapid.IntRange(1, 60).Draw(t, "records") {
			records = append(records, record(uint64(i+1), "digital-asset-order", fmt.Sprintf(`{"orderId":"o-%d","status":%q,"modifiedOn":"2026-03-02T09:%02d:00Z"}`,
				rapid.IntRange(0, 7).Draw(t, "order"), rapid.SampledFrom([]string{"PLACED", "FILLED", "CANCELLED"}).Draw(t, "status"), i)))
		}
		all, err := fold.NewBatcher(&stored{}, 100).Fold(t.Context(), records)
		require.NoError(t, err)
		whole := states(t, all.Changes())

		pieces := &stored{orders: map[string][]byte{}}
		b := fold.NewBatcher(pieces, rapid.IntRange(1, 5).Draw(t, "kept"))
		var writing map[string][]byte // the orders of the previous batch, which are not in the views yet
		for len(records) > 0 {
			n := rapid.IntRange(1, len(records)).Draw(t, "in the batch")
			made, err := b.Fold(t.Context(), records[:n])
			require.NoError(t, err)
			maps.Copy(pieces.orders, writing)
			writing, records = states(t, made.Changes()), records[n:]
			if rapid.Bool().Draw(t, "forget") {
				maps.Copy(pieces.orders, writing)
				b.Forget()
			}
		}
		maps.Copy(pieces.orders, writing)
		require.Equal(t, whole, pieces.orders)
	})
}

func TestAnOrderInMemoryIsNotLoadedAgain(t *testing.T) {
	s := &stored{orders: map[string][]byte{}}
	b := fold.NewBatcher(s, 2)
	for i := range 3 {
		_, err := b.Fold(t.Context(), []eventlog.Record{record(uint64(i+1), "digital-asset-order", `{"orderId":"a"}`)})
		require.NoError(t, err)
	}
	require.Equal(t, 1, s.loads)
	b.Forget()
	_, err := b.Fold(t.Context(), []eventlog.Record{record(4, "digital-asset-order", `{"orderId":"a"}`)})
	require.NoError(t, err)
	require.Equal(t, 2, s.loads)
}

// failing is a log whose records cannot be read.
type failing struct{ err error }

func (f failing) Read(context.Context, eventlog.Position) iter.Seq2[eventlog.Record, error] {
	return func(yield func(eventlog.Record, error) bool) { yield(eventlog.Record{}, f.err) }
}

func TestFoldingIsHeldBackWhileTheLogNeedsAnOperator(t *testing.T) {
	for name, test := range map[string]struct {
		err      error
		operator bool
		begins   string
	}{
		"it begins later":               {&eventlog.Fault{Err: fmt.Errorf("%w: at 7", eventlog.ErrCompacted), Hint: "look"}, true, "the log does not fit the views, nothing is folded: "},
		"it ends earlier":               {&eventlog.Fault{Err: eventlog.ErrFuture}, true, "the log does not fit the views, nothing is folded: "},
		"it is another one":             {&eventlog.Fault{Err: eventlog.ErrDiverged}, true, "the log does not fit the views, nothing is folded: "},
		"it has a gap":                  {&eventlog.Fault{Err: &eventlog.GapError{Want: 2, Got: 3}}, true, "the log does not fit the views, nothing is folded: "},
		"it lost records":               {&eventlog.Fault{Err: fmt.Errorf("%w: 3", eventlog.ErrLost), Hint: eventlog.LossAdvice}, true, "nothing is folded: "},
		"it is unavailable":             {eventlog.ErrUnavailable, false, ""},
		"it is unavailable for a while": {&eventlog.Fault{Err: eventlog.ErrUnavailable, Hint: "start it", Clears: true}, false, ""},
		"another error":                 {errors.New("no space left on device"), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := fold.Fits(t.Context(), failing{test.err}, eventlog.Position{})
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.operator, fold.NeedsOperator(err))
			held := fold.HoldBack(err)
			require.Equal(t, test.operator, errors.Is(held, fold.ErrHeldBack))
			require.ErrorIs(t, held, test.err)
			require.Equal(t, test.begins+err.Error(), held.Error())
			require.Equal(t, held.Error(), fold.Because(err))
		})
	}
	require.NoError(t, fold.HoldBack(nil))
}
