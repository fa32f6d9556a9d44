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

// A cursor is base64url of the generation, the list it belongs to, and the key of the last row shown: for most lists its
// sequence. It grants nothing: one that is made up shows another part of the same list.

func encodeCursor(generation int, list uint64, key ...int64) string {
	b := binary.AppendUvarint(nil, uint64(generation))
	b = binary.BigEndian.AppendUint64(b, list)
	for _, k := range key {
		b = binary.AppendUvarint(b, uint64(k))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the sequence that all rows to come are below; "" is before the first row. It returns ErrCursor.
func decodeCursor(cursor string, generation int, list uint64) (before int64, err error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	key, err := decodeKey(cursor, generation, list, 1)
	if err != nil {
		return 0, err
	}
	if key[0] < 0 {
		return 0, ErrCursor
	}
	return key[0], nil
}

// decodeKey returns the numbers that the key is made of. It returns ErrCursor.
func decodeKey(cursor string, generation int, list uint64, numbers int) ([]int64, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return nil, ErrCursor
	}
	madeIn, n := binary.Uvarint(b)
	if n <= 0 || len(b) < n+8 || binary.BigEndian.Uint64(b[n:]) != list {
		return nil, ErrCursor
	}
	b = b[n+8:]
	key := make([]int64, numbers)
	for i := range key {
		k, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, ErrCursor
		}
		key[i], b = int64(k), b[n:]
	}
	switch {
	case len(b) > 0:
		return nil, ErrCursor
	case madeIn != uint64(generation):
		return nil, ErrCursorExpired
	}
	return key, nil
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
