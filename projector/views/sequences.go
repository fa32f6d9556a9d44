package views

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/projector/views/list"
)

// sequencesInRow is the number of sequences in the row of an order. When there are more, that many
// of the oldest are moved out of it, so that a commit costs the same for the ten thousandth
// notification of an order as for the second.
const sequencesInRow = 128

// addSequences appends to the encoded sequences of a row. It returns the chunks to move out, and
// the sequences that stay.
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

// encodeSequences encodes the first sequence and then the differences, as varints.
func encodeSequences(sequences []uint64) []byte {
	b := make([]byte, 0, 8+2*len(sequences))
	var before uint64
	for _, s := range sequences {
		b = binary.AppendUvarint(b, s-before)
		before = s
	}
	return b
}
