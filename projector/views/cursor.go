package views

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/orderfold/orderfold/statemachine"
)

// A cursor is base64url of the generation, the list it belongs to, and the sequence of the last row shown. It grants nothing:
// one that is made up shows another part of the same list.

func encodeCursor(generation int, list uint64, last int64) string {
	b := binary.AppendUvarint(nil, uint64(generation))
	b = binary.BigEndian.AppendUint64(b, list)
	b = binary.AppendUvarint(b, uint64(last))
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the sequence that all rows to come are below; "" is before the first row. It returns ErrCursor.
func decodeCursor(cursor string, generation int, list uint64) (before int64, err error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return 0, ErrCursor
	}
	madeIn, n := binary.Uvarint(b)
	if n <= 0 || len(b) < n+8 || madeIn != uint64(generation) || binary.BigEndian.Uint64(b[n:]) != list {
		return 0, ErrCursor
	}
	b = b[n+8:]
	last, n := binary.Uvarint(b)
	if n <= 0 || n != len(b) || last > math.MaxInt64 {
		return 0, ErrCursor
	}
	return int64(last), nil
}

// list stands for what q selects, whatever the order and repetition of the values it was given.
func (q *Query) list() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %d %s %v %s %q", sorted(q.Statuses), q.AssetClass, given(q.Open),
		sorted(q.Breaks), given(q.AnyBreak), q.ExternalID)
	return h.Sum64()
}

func sorted[T statemachine.Status | statemachine.Code](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

func given(b *bool) string {
	if b == nil {
		return "-"
	}
	return fmt.Sprint(*b)
}
