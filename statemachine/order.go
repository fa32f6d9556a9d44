package statemachine

import (
	"cmp"
	"strings"
	"time"
)

// MaxRefusals bounds the refusals an order keeps: the latest ones.
const MaxRefusals = 64

// Arrival is when and where a notification came.
type Arrival struct {
	Sequence uint64
	Received time.Time
}

// Order is the set of facts reported about one order. The zero value, with an ID, is an order of which nothing is known.
// It is not safe for concurrent use. A copy shares facts with its original: use Clone to go on with both.
type Order struct {
	ID string

	// Counts of notifications, repeats included; Duplicates brought nothing new at all.
	Count, Duplicates uint64
	First, Last       Arrival // by sequence
	// Changed is the sequence of the last notification that was no duplicate.
	Changed uint64
	// Dropped counts distinct facts let go beyond MaxFacts. When it is not 0 the state may depend on the arrival.
	Dropped uint64

	facts    []fact // in order of age, see compareAge
	tally    tally
	refusals []Refusal // ascending by compareRefusals
	details  [numTold]told
	sources  [Tokenized]source // by asset class - 1
}

// told is the value of a detail and what it is worth: see order-state, "details".
type told struct {
	value string
	at    time.Time
	rank  int8
	kind  Kind
}

// The asset class is one more detail: the same id from two order objects must show one of them whatever came first.
const (
	toldAssetClass = Fields
	numTold        = Fields + 1
)

// source is the first sign of the order from one order object.
type source struct {
	sequence uint64 // 0: never seen
	at       time.Time
}

// Apply adds what n says to the set and reports whether it said anything that was not known. Applying the same
// notification twice changes nothing but counts.
func (o *Order) Apply(n *Notification) (news bool) {
	at, rank := n.when(), int8(n.Status.Rank())
	o.arrive(n)
	news = o.seen(n.AssetClass, n.Sequence, at)
	for f := range Fields {
		if value := n.Details[f]; value != "" && o.tell(f, told{value, at, rank, n.Kind}) {
			news = true
		}
	}
	if class := n.AssetClass.String(); class != "" && o.tell(toldAssetClass, told{class, at, rank, n.Kind}) {
		news = true
	}
	if n.Refused && o.refuse(Refusal{at, n.Refusal.ErrorType, n.Refusal.Description}) {
		news = true
	}
	if n.Status != "" && o.add(newFact(n)) {
		news = true
	}
	if news {
		o.Changed = max(o.Changed, n.Sequence)
	} else {
		o.Duplicates++
	}
	return news
}

func (o *Order) arrive(n *Notification) {
	a := Arrival{n.Sequence, n.Received.UTC()}
	if o.Count == 0 || a.Sequence < o.First.Sequence {
		o.First = a
	}
	if o.Count == 0 || a.Sequence > o.Last.Sequence {
		o.Last = a
	}
	o.Count++
}

// seen notes the order object; the second one of an order is news.
func (o *Order) seen(class AssetClass, sequence uint64, at time.Time) (news bool) {
	if class == 0 {
		return false
	}
	s := &o.sources[class-1]
	news = s.sequence == 0
	if news || sequence < s.sequence {
		s.sequence = sequence
	}
	if news || at.Before(s.at) {
		s.at = at
	}
	return news
}

// tell keeps the worthier of what is known and t, and reports whether the value changed.
func (o *Order) tell(f Field, t told) (changed bool) {
	known := &o.details[f]
	if known.value != "" && compareTold(f, *known, t) >= 0 {
		return false
	}
	changed = known.value != t.value
	*known = t
	return changed
}

func compareTold(f Field, a, b told) int {
	if c := a.at.Compare(b.at); c != 0 {
		return c
	}
	if c := cmp.Compare(a.rank, b.rank); c != 0 {
		return c
	}
	if c := cmp.Compare(a.kind, b.kind); c != 0 {
		return c
	}
	if a.value == b.value {
		return 0
	}
	if f < Fields && details[f].Form == NumberForm {
		return compareDecimals(Decimal(a.value), Decimal(b.value))
	}
	return strings.Compare(a.value, b.value)
}

// compareDecimals orders by value, then by digits, so that 10 and 10.0 never depend on which came first.
func compareDecimals(a, b Decimal) int {
	if c := a.Compare(b); c != 0 {
		return c
	}
	return strings.Compare(string(a), string(b))
}

// refuse adds r unless it is known. Beyond MaxRefusals the earliest goes.
func (o *Order) refuse(r Refusal) (news bool) {
	i := 0
	for i < len(o.refusals) && compareRefusals(o.refusals[i], r) < 0 {
		i++
	}
	if i < len(o.refusals) && compareRefusals(o.refusals[i], r) == 0 {
		return false
	}
	if len(o.refusals) == MaxRefusals {
		if i == 0 {
			return false
		}
		o.refusals = append(o.refusals[:0], o.refusals[1:]...)
		i--
	}
	o.refusals = append(o.refusals, Refusal{})
	copy(o.refusals[i+1:], o.refusals[i:])
	o.refusals[i] = r
	return true
}

func compareRefusals(a, b Refusal) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ErrorType, b.ErrorType), strings.Compare(a.Description, b.Description))
}

// Detail returns the value of f; "" when no notification told it.
func (o *Order) Detail(f Field) string { return o.details[f].value }

// AssetClass returns the order object it is reported as; of several the one of the worthiest notification.
func (o *Order) AssetClass() AssetClass {
	class, _ := ParseAssetClass(o.details[toldAssetClass].value)
	return class
}

// Refusals returns the refused requests, earliest first. The caller must not change it.
func (o *Order) Refusals() []Refusal { return o.refusals }

// Reset forgets all facts and keeps the ID and the memory.
func (o *Order) Reset() {
	*o = Order{ID: o.ID, facts: o.facts[:0], refusals: o.refusals[:0]}
}

// Clone returns a copy that shares nothing that changes.
func (o *Order) Clone() Order {
	c := *o
	c.facts = append([]fact(nil), o.facts...)
	c.refusals = append([]Refusal(nil), o.refusals...)
	return c
}
