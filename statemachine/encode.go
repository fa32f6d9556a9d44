package statemachine

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"
)

// ErrEncoding means that the data was not written by AppendBinary. The decoded value is then undefined.
var ErrEncoding = errors.New("statemachine: not an encoded order")

// AppendBinary appends the whole set of facts to b, without the order's ID, and returns the
// extended slice. The error is always nil. The encoding is valid for one version of the rules; data of
// other versions is never converted.
func (o *Order) AppendBinary(b []byte) ([]byte, error) {
	for _, n := range [...]uint64{o.Count, o.Duplicates, o.Dropped, o.Changed} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendArrival(appendArrival(b, o.First), o.Last)
	b = binary.AppendUvarint(b, uint64(len(o.facts)))
	for i := range o.facts {
		b = appendFact(b, &o.facts[i])
	}
	b = binary.AppendUvarint(b, uint64(len(o.refusals)))
	for _, r := range o.refusals {
		b = appendText(appendText(appendTime(b, r.At), r.ErrorType), r.Description)
	}
	var toldMask uint64
	for i := range o.details {
		if o.details[i].value != "" {
			toldMask |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, toldMask)
	for i := range o.details {
		if d := &o.details[i]; d.value != "" {
			b = append(o.appendWhen(appendText(b, d.value), d.at), byte(d.rank)<<1|byte(d.kind))
		}
	}
	for _, s := range o.sources {
		b = binary.AppendUvarint(b, s.sequence)
		if s.sequence != 0 {
			b = appendTime(b, s.at)
		}
	}
	return b, nil
}

// UnmarshalBinary replaces the set with the one that AppendBinary wrote, and keeps the ID. It retains no
// part of data. It returns ErrEncoding if data is anything else.
func (o *Order) UnmarshalBinary(data []byte) error {
	d := decoder{rest: string(data)}
	*o = Order{ID: o.ID}
	o.Count, o.Duplicates, o.Dropped, o.Changed = d.uvarint(), d.uvarint(), d.uvarint(), d.uvarint()
	o.First, o.Last = d.arrival(), d.arrival()
	if n := d.count(MaxFacts); n > 0 {
		facts := make([]fact, 0, max(n+1, 4)) // with capacity for the fact that is about to be applied
		for i := range n {
			facts = append(facts, d.fact())
			d.bad = d.bad || i > 0 && compareAge(&facts[i-1], &facts[i]) > 0
		}
		o.setFacts(facts)
	}
	if n := d.count(MaxRefusals); n > 0 {
		o.refusals = make([]Refusal, n)
		for i := range o.refusals {
			o.refusals[i] = Refusal{d.time(), d.text(), d.text()}
		}
	}
	toldMask := d.uvarint()
	for ; toldMask != 0 && !d.bad; toldMask &= toldMask - 1 {
		i := bits.TrailingZeros64(toldMask)
		if i >= int(numTold) {
			d.bad = true
			break
		}
		t := told{value: d.text(), at: d.when(o.facts)}
		b := d.byte()
		t.rank, t.kind = int8(b>>1), Kind(b&1)
		o.details[i] = t
	}
	for i := range o.sources {
		if o.sources[i].sequence = d.uvarint(); o.sources[i].sequence != 0 {
			o.sources[i].at = d.time()
		}
	}
	if d.bad || d.rest != "" {
		return ErrEncoding
	}
	return nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

// appendWhen appends the time of a detail. It is nearly always the time of a fact, and then takes one
// byte instead of nine.
func (o *Order) appendWhen(b []byte, at time.Time) []byte {
	if i := o.sinceTime(at); i < len(o.facts) && o.facts[i].at.Equal(at) {
		return binary.AppendUvarint(b, uint64(i+1))
	}
	return appendTime(append(b, 0), at)
}

func appendArrival(b []byte, a Arrival) []byte {
	return appendTime(binary.AppendUvarint(b, a.Sequence), a.Received)
}

func appendFact(b []byte, f *fact) []byte {
	flags := f.row<<2 | byte(f.kind)
	if f.value.reported {
		flags |= 2
	}
	b = append(b, flags)
	if f.row == numStatuses {
		b = appendText(b, string(f.status))
	}
	return appendArrival(appendText(appendText(appendTime(b, f.at), string(f.executed)), string(f.value.amount)), f.first)
}

// decoder reads what the append functions wrote. Its strings share one copy of the data. Once bad is
// set, every further byte reads as zero and every string as empty.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) byte() byte {
	if d.bad || d.rest == "" {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		b := d.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	d.bad = true
	return 0
}

// varint undoes the zig-zag of binary.AppendVarint.
func (d *decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) count(most int) int {
	n := d.uvarint()
	if n > uint64(most) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.uvarint()
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) time() time.Time {
	sec, nsec := d.varint(), d.uvarint()
	if nsec >= 1e9 {
		d.bad = true
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// when reads what appendWhen wrote.
func (d *decoder) when(facts []fact) time.Time {
	n := d.uvarint()
	switch {
	case n == 0:
		return d.time()
	case n > uint64(len(facts)):
		d.bad = true
		return time.Time{}
	}
	return facts[n-1].at
}

func (d *decoder) arrival() Arrival { return Arrival{d.uvarint(), d.time()} }

func (d *decoder) fact() fact {
	b := d.byte()
	f := fact{kind: Kind(b & 1), value: value{reported: b&2 != 0}}
	switch f.row = b >> 2; {
	case f.row < numStatuses:
		f.status, f.rank = statuses[f.row].Status, int8(statuses[f.row].Rank)
	case f.row == numStatuses:
		f.status = Status(d.text())
	default:
		d.bad = true
	}
	f.at, f.executed, f.value.amount, f.first = d.time(), Decimal(d.text()), Decimal(d.text()), d.arrival()
	f.float = f.executed.float()
	return f
}
