package rebuild

// homes contains the part of each order, by the hash of its id. It takes 11 to 22 bytes for each
// order, 32 while it grows. Orders whose hashes begin with the same 40 bits have the same part.
type homes struct {
	slots []uint64 // 40 bits of a hash, and the part plus 1; 0: free. The length is a power of two.
	taken int
}

const homeBits = 24

// of returns the part of the order with that hash. If the order is not known yet, its part becomes
// next.
func (h *homes) of(hash uint64, next int) (home int, known bool) {
	if 4*h.taken >= 3*len(h.slots) {
		h.grow()
	}
	slot := h.slot(hash >> homeBits)
	if *slot != 0 {
		return int(*slot&(1<<homeBits-1)) - 1, true
	}
	*slot = hash>>homeBits<<homeBits | uint64(next+1)
	h.taken++
	return next, false
}

// slot returns the slot of a hash, or the free one where it belongs.
func (h *homes) slot(hash uint64) *uint64 {
	last := uint64(len(h.slots) - 1)
	for i := hash & last; ; i = (i + 1) & last {
		if slot := &h.slots[i]; *slot == 0 || *slot>>homeBits == hash {
			return slot
		}
	}
}

func (h *homes) grow() {
	before := h.slots
	h.slots = make([]uint64, max(1024, 2*len(before)))
	for _, taken := range before {
		if taken != 0 {
			*h.slot(taken >> homeBits) = taken
		}
	}
}
