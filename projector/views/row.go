package views

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

// Row is an order as it is stored: all that can be told of it without the views, so that it can be made apart from them. The
// zero value is none. It holds nothing of the order that it was made from.
type Row struct {
	id                 string
	facet              facet
	first, last        uint64 // of the sequences added
	added              uint64 // how many
	received, modified int64
	places             places
	breaks             []rowBreak
	full               []fullChunk
	recent, state      []byte
}

type rowBreak struct {
	code   statemachine.Code
	opened int64
}

// fullChunk is sequences that move out of the row.
type fullChunk struct {
	first     uint64
	sequences []byte
}

var errRow = errors.New("views: not an encoded row")

// NewRow makes the row of a new order, all of whose notifications are in ch. It takes the room of buffer for the state.
func NewRow(ch *Change, buffer []byte) (Row, error) {
	if ch.Order.Count != uint64(len(ch.Sequences)) {
		return Row{}, fmt.Errorf("views: order %q has %d notifications, of which %d are given", ch.Order.ID, ch.Order.Count, len(ch.Sequences))
	}
	r, err := rowOf(ch, nil, buffer[:0])
	if err != nil {
		return Row{}, fmt.Errorf("views: order %q: %w", ch.Order.ID, err)
	}
	return r, nil
}

// rowOf makes the row of an order whose last sequences are stored as recent. The state is appended to buffer.
func rowOf(ch *Change, recent, buffer []byte) (r Row, err error) {
	o := ch.Order
	added := len(ch.Sequences)
	if added > 0 && ch.Sequences[added-1] != o.Last.Sequence {
		return r, fmt.Errorf("its last sequence %d is not the last of %v", o.Last.Sequence, ch.Sequences)
	}
	full, stays, err := addSequences(recent, ch.Sequences)
	if err != nil {
		return r, err
	}
	state := o.State()
	r = Row{id: o.ID, facet: facetOf(o, &state), last: o.Last.Sequence, added: uint64(added), recent: stays,
		received: timeKey(o.Last.Received), modified: modifiedKey(state.ModifiedOn), places: placesOf(o)}
	if added > 0 {
		r.first = ch.Sequences[0]
	}
	for _, chunk := range full {
		r.full = append(r.full, fullChunk{chunk[0], encodeSequences(chunk)})
	}
	for i := range state.Breaks {
		r.breaks = append(r.breaks, rowBreak{state.Breaks[i].Code, timeKey(state.Breaks[i].OpenedAt)})
	}
	r.state, err = o.AppendBinary(buffer)
	return r, err
}

// State is the encoded order, to be given to the next NewRow as its buffer when the row is done with.
func (r *Row) State() []byte { return r.state }

// First is the sequence of the first notification.
func (r *Row) First() uint64 { return r.first }

// Notifications is how many the row is made of.
func (r *Row) Notifications() uint64 { return r.added }

func (r *Row) breakSet() (set breakSet) {
	for _, b := range r.breaks {
		set |= 1 << b.code
	}
	return set
}

// AppendBinary appends the row to b and returns the extended slice; the error is always nil. The form is one of this process.
func (r *Row) AppendBinary(b []byte) ([]byte, error) {
	f := &r.facet
	b = appendBytes(appendBytes(b, r.id), string(f.status))
	b = append(b, byte(f.assetClass), bit(f.open), bit(f.final), bit(f.broken), byte(f.side))
	for _, n := range [...]uint64{r.first, r.last, r.added} {
		b = binary.AppendUvarint(b, n)
	}
	p := &r.places
	for _, n := range [...]int64{r.received, r.modified, p.era, p.external, p.isin, p.symbol, p.depository, p.wallet, p.cash} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = binary.AppendUvarint(b, uint64(len(r.breaks)))
	for _, br := range r.breaks {
		b = binary.LittleEndian.AppendUint64(append(b, byte(br.code)), uint64(br.opened))
	}
	b = binary.AppendUvarint(b, uint64(len(r.full)))
	for _, chunk := range r.full {
		b = appendBytes(binary.AppendUvarint(b, chunk.first), chunk.sequences)
	}
	return appendBytes(appendBytes(b, r.recent), r.state), nil
}

// UnmarshalBinary replaces the row with the one that AppendBinary wrote, and keeps data. It returns an error when data is
// anything else.
func (r *Row) UnmarshalBinary(data []byte) error {
	d := rowDecoder{rest: data}
	*r = Row{id: string(d.bytes())}
	f := &r.facet
	f.status = statemachine.ParseStatus(string(d.bytes()))
	f.assetClass, f.open, f.final, f.broken, f.side = statemachine.AssetClass(d.byte()), d.byte() == 1, d.byte() == 1, d.byte() == 1, side(d.byte())
	r.first, r.last, r.added = d.uvarint(), d.uvarint(), d.uvarint()
	p := &r.places
	for _, n := range [...]*int64{&r.received, &r.modified, &p.era, &p.external, &p.isin, &p.symbol, &p.depository, &p.wallet, &p.cash} {
		*n = d.int64()
	}
	for range d.count() {
		r.breaks = append(r.breaks, rowBreak{statemachine.Code(d.byte()), d.int64()})
	}
	for range d.count() {
		r.full = append(r.full, fullChunk{d.uvarint(), d.bytes()})
	}
	r.recent, r.state = d.bytes(), d.bytes()
	if d.bad || len(d.rest) > 0 {
		return errRow
	}
	return nil
}

func appendBytes[T string | []byte](b []byte, part T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// rowDecoder reads what AppendBinary wrote. After bad is set everything read is zero.
type rowDecoder struct {
	rest []byte
	bad  bool
}

func (d *rowDecoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	part := d.rest[:n:n]
	d.rest = d.rest[n:]
	return part
}

func (d *rowDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || d.bad {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count is of things of a byte at least.
func (d *rowDecoder) count() uint64 {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		return 0
	}
	return n
}

func (d *rowDecoder) bytes() []byte { return d.take(d.uvarint()) }

func (d *rowDecoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *rowDecoder) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}
