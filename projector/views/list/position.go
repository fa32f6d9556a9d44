package list

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// Position is where views stand. Views of one lineage show the same at the same sequence, on
// whichever machine and in whichever generation they are.
type Position struct {
	Lineage uint32
	Applied int64 // the sequence of the last record applied
}

// Lineage identifies what views are made of: a log, its epoch, and the rules that it is folded by.
// Epoch 0, which is not known yet, counts as the first one.
func Lineage(log string, epoch uint64, foldVersion string) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%q %q ", log, foldVersion)
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, max(epoch, 1))) // a hash takes what it is given
	return h.Sum32()
}
