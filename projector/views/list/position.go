package list

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// Position is the position of views. Views of one lineage show the same at the same sequence, on
// every machine and in every generation.
type Position struct {
	Lineage uint32
	Applied int64 // the sequence of the last record applied
}

// Lineage identifies the source of views: a log, its epoch, and the rules by which it is folded.
// Epoch 0, not known yet, counts as the first epoch.
func Lineage(log string, epoch uint64, foldVersion string) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%q %q ", log, foldVersion)
	// Writing to a hash never fails.
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, max(epoch, 1)))
	return h.Sum32()
}
