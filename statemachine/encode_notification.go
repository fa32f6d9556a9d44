package statemachine

import (
	"encoding/binary"
	"math/bits"
)

// maxNotes bounds the number of notes of an encoded notification. The decoder of bodies makes fewer.
const maxNotes = 1 << 10

// AppendBinary appends the notification to b and returns the extended slice. The error is always
// nil. The encoding is valid for one version of the rules. It is for notifications that are folded
// immediately afterwards.
func (n *Notification) AppendBinary(b []byte) ([]byte, error) {
	flags := byte(n.Kind) & 1
	if n.Refused {
		flags |= 2
	}
	if n.Dated {
		flags |= 4
	}
	if n.Reported {
		flags |= 8
	}
	b = append(b, flags, byte(n.AssetClass))
	b = appendText(appendArrival(b, Arrival{n.Sequence, n.Received}), n.OrderID)
	b = appendText(appendText(appendTime(b, n.At), n.Type), string(n.Status))
	b = appendText(appendText(b, string(n.Executed)), string(n.Amount))
	var toldMask uint64
	for i, value := range n.Details {
		if value != "" {
			toldMask |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, toldMask)
	for _, value := range n.Details {
		if value != "" {
			b = appendText(b, value)
		}
	}
	if n.Refused {
		b = appendText(appendText(b, n.Refusal.ErrorType), n.Refusal.Description)
	}
	b = binary.AppendUvarint(b, uint64(len(n.Notes)))
	for _, note := range n.Notes {
		b = appendText(b, note)
	}
	return b, nil
}

// Decode replaces the notification with the one that AppendBinary wrote. Its strings are parts of
// encoded. Decode returns ErrEncoding if encoded is anything else.
func (n *Notification) Decode(encoded string) error {
	d := decoder{rest: encoded}
	flags := d.byte()
	*n = Notification{Kind: Kind(flags & 1), Refused: flags&2 != 0, Dated: flags&4 != 0, Reported: flags&8 != 0, AssetClass: AssetClass(d.byte())}
	arrival := d.arrival()
	n.Sequence, n.Received = arrival.Sequence, arrival.Received
	n.OrderID, n.At, n.Type, n.Status = d.text(), d.time(), d.text(), Status(d.text())
	n.Executed, n.Amount = Decimal(d.text()), Decimal(d.text())
	for toldMask := d.uvarint(); toldMask != 0 && !d.bad; toldMask &= toldMask - 1 {
		i := bits.TrailingZeros64(toldMask)
		if i >= int(Fields) {
			d.bad = true
			break
		}
		n.Details[i] = d.text()
	}
	if n.Refused {
		n.Refusal = Refusal{ErrorType: d.text(), Description: d.text()}
	}
	for range d.count(maxNotes) {
		n.Notes = append(n.Notes, d.text())
	}
	if d.bad || d.rest != "" || flags > 15 {
		return ErrEncoding
	}
	return nil
}
