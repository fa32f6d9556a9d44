package views

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

// row is what is to be written of an order, apart from its sequences: all that can be told without the views.
type row struct {
	facet              facet
	breaks             []rowBreak // open
	count, last        uint64     // notifications, and the sequence of the last one
	received, modified int64
	places             places
	state              []byte
}

type rowBreak struct {
	code   statemachine.Code
	opened int64
}

// take makes r the row of o, with the state in what buffer has room for, if that is enough.
func (r *row) take(o *statemachine.Order, buffer []byte) (err error) {
	state := o.State()
	*r = row{facet: facetOf(o, &state), count: o.Count, last: o.Last.Sequence, received: timeKey(o.Last.Received),
		modified: modifiedKey(state.ModifiedOn), places: placesOf(o)}
	for i := range state.Breaks {
		r.breaks = append(r.breaks, rowBreak{state.Breaks[i].Code, timeKey(state.Breaks[i].OpenedAt)})
	}
	r.state, err = o.AppendBinary(buffer)
	return err
}

func (r *row) breakSet() (set breakSet) {
	for _, b := range r.breaks {
		set |= 1 << b.code
	}
	return set
}

// Row is a new order with all of its notifications, as it is stored, so that it can be made apart from the views. It holds nothing
// of the order that it was made from.
type Row struct {
	id        string
	sequences []byte // encoded
	row
}

var errRow = errors.New("views: not an encoded row")

// NewRow makes the row of a new order, all of whose notifications are in ch. It takes the room of buffer for the state.
func NewRow(ch *Change, buffer []byte) (Row, error) {
	r := Row{id: ch.Order.ID, sequences: encodeSequences(ch.Sequences)}
	if err := r.take(ch.Order, buffer[:0]); err != nil {
		return Row{}, fmt.Errorf("views: order %q: %w", r.id, err)
	}
	if r.count != uint64(len(ch.Sequences)) {
		return Row{}, fmt.Errorf("views: order %q has %d notifications, of which %d are given", r.id, r.count, len(ch.Sequences))
	}
	return r, nil
}

// State is the encoded order, to be given to the next NewRow as its buffer when the row is done with.
func (r *Row) State() []byte { return r.state }

// First is the sequence of the first notification; 0 when there is none.
func (r *Row) First() uint64 {
	first, _ := binary.Uvarint(r.sequences)
	return first
}

// Notifications is how many the row is made of.
func (r *Row) Notifications() uint64 { return r.count }

// AppendBinary appends the row to b and returns the extended slice; the error is always nil. The form is one of this process.
func (r *Row) AppendBinary(b []byte) ([]byte, error) {
	f := &r.facet
	b = appendBytes(appendBytes(appendBytes(b, r.id), r.sequences), string(f.status))
	b = append(b, byte(f.assetClass), bit(f.open), bit(f.final), bit(f.broken), byte(f.side))
	b = binary.AppendUvarint(binary.AppendUvarint(b, r.count), r.last)
	p := &r.places
	for _, n := range [...]int64{r.received, r.modified, p.era, p.external, p.isin, p.symbol, p.depository, p.wallet, p.cash} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = binary.AppendUvarint(b, uint64(len(r.breaks)))
	for _, br := range r.breaks {
		b = binary.LittleEndian.AppendUint64(append(b, byte(br.code)), uint64(br.opened))
	}
	return appendBytes(b, r.state), nil
}

// UnmarshalBinary replaces the row with the one that AppendBinary wrote, and keeps data. It returns an error when data is
// anything else.
func (r *Row) UnmarshalBinary(data []byte) error {
	d := rowDecoder{rest: data}
	*r = Row{id: string(d.bytes()), sequences: d.bytes()}
	f := &r.facet
	f.status = statemachine.Status(d.bytes())
	f.assetClass, f.open, f.final, f.broken, f.side = statemachine.AssetClass(d.byte()), d.byte() == 1, d.byte() == 1, d.byte() == 1, side(d.byte())
	r.count, r.last = d.uvarint(), d.uvarint()
	p := &r.places
	for _, n := range [...]*int64{&r.received, &r.modified, &p.era, &p.external, &p.isin, &p.symbol, &p.depository, &p.wallet, &p.cash} {
		*n = d.int64()
	}
	for range d.count() {
		r.breaks = append(r.breaks, rowBreak{statemachine.Code(d.byte()), d.int64()})
	}
	r.state = d.bytes()
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
