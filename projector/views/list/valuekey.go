package list

import (
	"hash/fnv"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// EraShift is the binary logarithm of the number of sequences in an era; see DESIGN.md.
const EraShift = 15

// ZoneShift is the binary logarithm of the number of sequences in a zone.
const ZoneShift = 12

// FoldCase returns the form of a value in which orders are found without regard to case.
func FoldCase(text string) string { return strings.ToUpper(text) }

// ValueKey returns the key of a value in an index. Two values may have the same key, so an order
// found by its key must be compared with the value.
func ValueKey(text string) int64 {
	if text == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	if key := int64(h.Sum64()); key != 0 {
		return key
	}
	return 1
}

// CreatedKey returns the key of the time at which the order was created, as reported by the
// platform.
func CreatedKey(o *statemachine.Order) TimeKey {
	at, err := statemachine.ParseTime(o.Detail(statemachine.CreatedOn))
	return ModifiedKey(at, err == nil)
}
