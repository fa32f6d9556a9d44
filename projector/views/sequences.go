package views

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/projector/views/list"
)

// sequencesInRow is how many sequences the row of an order holds; so many of the oldest at a time
// move out of it, so that a commit costs the same for the ten thousandth notification of an order
// as for the second.
const sequencesInRow = 128

// addSequences appends to the encoded ones in a row. It returns the chunks to move out and what
// stays.
func addSequences(recent []byte, added []uint64) (full [][]uint64, stays []byte, err error) {
	all, err := list.AppendSequences(nil, recent)
	if err != nil {
		return nil, nil, err
	}
	known := len(all)
	all = append(all, added...)
	for i := max(known, 1); i < len(all); i++ {
		if all[i] <= all[i-1] {
			return nil, nil, fmt.Errorf("sequence %d after %d", all[i], all[i-1])
		}
	}
	for len(all) > sequencesInRow {
		full = append(full, all[:sequencesInRow])
		all = all[sequencesInRow:]
	}
	if len(all) == 0 {
		return nil, nil, errors.New("no notification")
	}
	return full, encodeSequences(all), nil
}

// encodeSequences writes the first one and then the differences, as varints.
func encodeSequences(sequences []uint64) []byte {
	b := make([]byte, 0, 8+2*len(sequences))
	var before uint64
	for _, s := range sequences {
		b = binary.AppendUvarint(b, s-before)
		before = s
	}
	return b
}
