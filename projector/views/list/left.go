package list

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/orderfold/orderfold/statemachine"
)

// readAtOnce is how many orders one statement reads.
const readAtOnce = 500

// leaver is an order that has left its place in the list since the walk began.
type leaver struct {
	order statemachine.Order
	when  int64 // the sequence by which it left
}

// left returns the orders that left their place before this walk reached it, in the order in which
// they left: at most a page of them. whole is false when there are more.
func (l *lister) left(ctx context.Context) (orders []statemachine.Order, whole bool, err error) {
	if l.accounted >= l.Applied {
		return nil, true, nil
	}
	rows, err := l.changed(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err == nil, err
	}
	var leavers []leaver
	for chunk := range slices.Chunk(rows, readAtOnce) {
		err := l.read(ctx, chunk, func(o *statemachine.Order, recent []byte) error {
			when, due, err := l.due(ctx, o, recent, chunk)
			if due {
				leavers = append(leavers, leaver{*o, when})
			}
			return err
		})
		if err != nil {
			return nil, false, err
		}
		slices.SortFunc(leavers, func(a, b leaver) int { return cmp.Compare(a.when, b.when) })
		leavers = leavers[:min(len(leavers), l.q.Limit+1)] // memory does not grow with the number of changes
	}
	whole = len(leavers) <= l.q.Limit
	leavers = leavers[:min(len(leavers), l.q.Limit)]
	for i := range leavers {
		orders = append(orders, leavers[i].order)
	}
	if !whole {
		l.accounted = leavers[len(leavers)-1].when
	}
	return orders, whole, nil
}

// changed returns the orders that q selects and that have a notification that is not accounted for.
func (l *lister) changed(ctx context.Context) ([]found, error) {
	s := span{since: l.accounted + 1, until: maxSequence, ascending: true, byReceived: true}
	return l.walk(ctx, s, unlimited)
}

// due reports whether the order left a place that the walk had not reached, by a notification that
// is not accounted for.
func (l *lister) due(ctx context.Context, o *statemachine.Order, recent []byte, chunk []found) (when int64, due bool, err error) {
	if int64(o.First.Sequence) > l.begun || !l.q.holds(o) {
		return 0, false, nil
	}
	sequences, err := AppendSequences(nil, recent)
	if err != nil {
		return 0, false, err
	}
	if uint64(len(sequences)) < o.Count && sequences[0] > uint64(l.begun) {
		i := slices.IndexFunc(chunk, func(f found) bool { return f.sequence == int64(o.Last.Sequence) })
		if sequences, err = l.allSequences(ctx, chunk[i].n, sequences); err != nil {
			return 0, false, err
		}
	}
	i, _ := slices.BinarySearch(sequences, uint64(l.begun)+1)
	if i == 0 || i == len(sequences) || int64(sequences[i]) <= l.accounted {
		return 0, false, nil
	}
	was := place{sequence: int64(sequences[i-1])}
	switch {
	case l.q.Sort.byModified():
		was.modified = ModifiedKey(o.ModifiedAsOf(uint64(l.begun)))
	case l.q.Sort.byDue():
		was.modified = l.q.dueKey(o.AssetClass(), int64(o.TradedAsOf(uint64(l.begun))))
	}
	return int64(sequences[i]), l.q.Sort.precedes(l.last, was), nil
}

const chunksText = `SELECT sequences FROM order_sequences WHERE n = ? ORDER BY first`

// allSequences returns the sequences that were moved out of the row, followed by the recent ones.
func (l *lister) allSequences(ctx context.Context, n int64, recent []uint64) (all []uint64, err error) {
	err = l.Each(ctx, chunksText, []any{n}, func(rows *sql.Rows) (err error) {
		var chunk sql.RawBytes
		if err := rows.Scan(&chunk); err != nil {
			return err
		}
		all, err = AppendSequences(all, chunk)
		return err
	})
	return append(all, recent...), err
}

// AppendSequences appends the sequences of a row or a chunk, in the order of the log. They are
// encoded as the first one and then the differences, as varints.
func AppendSequences(to []uint64, encoded []byte) ([]uint64, error) {
	to = slices.Grow(to, len(encoded))
	var before uint64
	for len(encoded) > 0 {
		v, n := binary.Uvarint(encoded)
		if n <= 0 {
			return nil, fmt.Errorf("views: the stored sequences: %w", ErrDamaged)
		}
		before += v
		to = append(to, before)
		encoded = encoded[n:]
	}
	return to, nil
}
