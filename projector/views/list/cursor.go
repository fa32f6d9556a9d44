package list

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/orderfold/orderfold/statemachine"
)

// A cursor is the base64url of the lineage of the views, the list to which it belongs, the sequence
// of the views, and how far the list was read. The last part is numbers, for most lists the
// sequence of the last row shown, and, in lists sorted by time, the time of that row. All parts are
// the same in every generation and on every machine. A cursor grants nothing: an invented one shows
// another part of the same list.

// EncodeCursor returns a cursor for views at a position. list identifies the query. The next page
// begins after the key.
func EncodeCursor(of Position, list uint64, at TimeKey, key ...int64) string {
	b := binary.AppendUvarint(nil, uint64(of.Lineage))
	b = binary.BigEndian.AppendUint64(b, list)
	b = binary.AppendUvarint(b, uint64(of.Applied))
	for _, k := range key {
		b = binary.AppendUvarint(b, uint64(k))
	}
	return base64.RawURLEncoding.EncodeToString(append(b, at...))
}

// DecodeCursor returns the sequence below which all further rows are, given views at a position. ""
// is before the first row. It returns ErrCursor, ErrCursorExpired or a BehindError.
func DecodeCursor(cursor string, views Position, list uint64) (before int64, err error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	key, at, err := decodeKey(cursor, views, list, 1)
	if err != nil {
		return 0, err
	}
	if key[0] < 0 || at != "" {
		return 0, ErrCursor
	}
	return key[0], nil
}

// maxSortKey bounds the length of a sort key: a time, or a quantity.
const maxSortKey = 64

// decodeKey returns the numbers of the key, and the time or the quantity. Errors are those of
// DecodeCursor.
func decodeKey(cursor string, views Position, list uint64, numbers int) (key []int64, at TimeKey, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return nil, "", ErrCursor
	}
	lineage, n := binary.Uvarint(b)
	switch {
	case n <= 0 || len(b) < n+8 || binary.BigEndian.Uint64(b[n:]) != list:
		return nil, "", ErrCursor
	case lineage != uint64(views.Lineage): // the rest may have another format
		return nil, "", ErrCursorExpired
	}
	b = b[n+8:]
	key = make([]int64, 1+numbers)
	for i := range key {
		k, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, "", ErrCursor
		}
		key[i], b = int64(k), b[n:]
	}
	switch applied := key[0]; {
	case len(b) > maxSortKey || applied < 0:
		return nil, "", ErrCursor
	case applied > views.Applied:
		return nil, "", &BehindError{uint64(applied)}
	}
	return key[1:], TimeKey(b), nil
}

// progress is how far a walk through a list of orders has come. See DESIGN.md, "Walks".
type progress struct {
	begun     int64 // the sequence of the views when the walk began
	accounted int64 // orders that changed up to here were returned, or need not be
	last      place // of the last order that was returned in its place
}

func encodeProgress(of Position, list uint64, p progress) string {
	return EncodeCursor(of, list, p.last.modified, p.begun, p.accounted, p.last.sequence)
}

// progress returns the progress of the walk to which the cursor belongs, or that of a new walk.
// Errors are those of DecodeCursor.
func (q *Query) progress(views Position) (p progress, err error) {
	if q.Cursor == "" {
		p = progress{begun: views.Applied, accounted: views.Applied}
		if !q.Sort.ascending() {
			p.last.sequence = math.MaxInt64
			if q.Sort.byModified() || q.Sort.byQuantity() || q.Sort.byDue() {
				p.last.modified = afterAllTimes
			}
		}
		return p, nil
	}
	key, modified, err := decodeKey(q.Cursor, views, q.list(), 3)
	if err != nil {
		return progress{}, err
	}
	fits := modified == "" || q.Sort.byModified() && len(modified) == timeKeyBytes || q.Sort.byQuantity() ||
		q.Sort.byDue() && (modified == neverPlace || len(modified) == duePlaceBytes)
	if slices.Min(key) < 0 || !fits {
		return progress{}, ErrCursor
	}
	return progress{key[0], key[1], place{modified, key[2]}}, nil
}

// list returns a number that identifies the selection of q. It does not depend on the order or
// repetition of values.
func (q *Query) list() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %d %s %s %v %s %q %q %v %v %d", sorted(q.Statuses), q.AssetClass, given(q.Open), given(q.Final),
		sorted(q.Breaks), given(q.AnyBreak), q.Side, q.IDPrefix, q.Received.received(), q.Modified.told(), q.Sort)
	fmt.Fprintf(h, " %x %x %s %v %v", q.QuantityMin.Key(), q.QuantityMax.Key(), given(q.Executed), q.Created.told(), q.StatusChanged.told())
	if q.bySettlement() || q.Sort.byDue() {
		fmt.Fprintf(h, " %q %v %x", sorted(q.Settlement), q.Due, q.Schedule.Digest())
	}
	for v := range q.valueFilters() {
		fmt.Fprintf(h, " %s %v", v.columns, v.keys())
	}
	return h.Sum64()
}

func sorted[T statemachine.Status | statemachine.Code | statemachine.SettlementState](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

func given[T any](value *T) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}
