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

// A cursor is base64url of the generation, the list it belongs to, and how far it was read: for most lists the sequence of the
// last row shown. It grants nothing: one that is made up shows another part of the same list.

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

// progress is how far a walk through a list of orders has come. See DESIGN.md, "Walks".
type progress struct {
	begun     int64 // where the views stood when the walk began
	accounted int64 // orders that changed up to here are told, or need not be
	last      place // of the last order that was told in its place
}

func encodeProgress(generation int, list uint64, p progress) string {
	// Times before 1970 are negative.
	return encodeCursor(generation, list, p.begun, p.accounted, p.last.modified<<1^p.last.modified>>63, p.last.sequence)
}

// progress returns how far the walk has come that the cursor is of, or the beginning of one. It returns ErrCursor.
func (q *Query) progress(generation int, applied int64) (p progress, err error) {
	if q.Cursor == "" {
		p = progress{begun: applied, accounted: applied, last: place{math.MaxInt64, math.MaxInt64}}
		if q.Sort.ascending() {
			p.last = place{modified: math.MinInt64}
		}
		if !q.Sort.byModified() {
			p.last.modified = 0
		}
		return p, nil
	}
	key, err := decodeKey(q.Cursor, generation, q.list(), 4)
	if err != nil {
		return progress{}, err
	}
	modified := int64(uint64(key[2])>>1) ^ -(key[2] & 1)
	if key[0] < 0 || key[1] < 0 || key[3] < 0 || modified != 0 && !q.Sort.byModified() {
		return progress{}, ErrCursor
	}
	return progress{key[0], key[1], place{modified, key[3]}}, nil
}

// list stands for what q selects, whatever the order and repetition of the values it was given.
func (q *Query) list() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %d %s %s %v %s %q %q %q %q %q %v %v %d", sorted(q.Statuses), q.AssetClass, given(q.Open), given(q.Final),
		sorted(q.Breaks), given(q.AnyBreak), q.Side, q.ExternalID, q.ISIN, q.Symbol, q.ProductID, q.Received.keys(), q.Modified.keys(), q.Sort)
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
