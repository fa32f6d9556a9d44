package list

import (
	"hash/fnv"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// EraShift is the binary logarithm of the sequences in an era, see DESIGN.md.
const EraShift = 15

// ZoneShift is that of the sequences in a zone.
const ZoneShift = 12

// FoldCase returns a text as orders are found by it in any letter case.
func FoldCase(text string) string { return strings.ToUpper(text) }

// ValueKey stands for a text in an index. Two texts may have the same one: whoever finds an order
// by it looks at the order.
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

// CreatedKey is the key of the time at which the platform says that the order was created.
func CreatedKey(o *statemachine.Order) TimeKey {
	at, err := statemachine.ParseTime(o.Detail(statemachine.CreatedOn))
	return ModifiedKey(at, err == nil)
}
