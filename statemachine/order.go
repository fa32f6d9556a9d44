package statemachine

import (
	"cmp"
	"strings"
	"time"
)

// MaxRefusals bounds the number of refusals that an order keeps. The latest are kept.
const MaxRefusals = 64

// Arrival is the sequence and the time received of a notification.
type Arrival struct {
	Sequence uint64
	Received time.Time
}

// Order is the set of facts reported about one order. The zero value, with an ID, is an order about
// which nothing is known. It is not safe for concurrent use. A copy shares facts with its original:
// use Clone to continue with both.
type Order struct {
	ID string

	// Count is the number of notifications, including repeats. Duplicates is the number of those that
	// contained nothing new.
	Count, Duplicates uint64
	First, Last       Arrival // by sequence
	// Changed is the sequence of the last notification that was not a duplicate.
	Changed uint64
	// Dropped is the number of distinct facts that were dropped beyond MaxFacts. If it is not 0, the
	// state may depend on the order of arrival.
	Dropped uint64

	facts    []fact // ordered by compareAge
	tally    tally
	refusals []Refusal // ascending by compareRefusals
	details  [numTold]told
	sources  [Tokenized]source // by asset class - 1
}

// told is the value of a detail and its precedence, which docs/order-state.md defines.
type told struct {
	value string
	at    time.Time
	rank  int8
	kind  Kind
}

// The asset class is stored like a detail, because if two order objects report the same id, the same one
// must win whichever arrived first.
const (
	toldAssetClass = Fields
	numTold        = Fields + 1
)

// source is the first notification of the order from one order object.
type source struct {
	sequence uint64 // 0: never seen
	at       time.Time
}

// Apply adds the content of n to the set and reports whether any of it was new. Applying the same
// notification twice only changes counts.
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

// seen records the order object of a notification, and reports whether it is the first from that object.
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

// tell keeps the known value or t, whichever has the higher precedence, and reports whether the value
// changed.
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

// compareDecimals orders by value, then by digits, so that the choice between 10 and 10.0 does not depend
// on the order of arrival.
func compareDecimals(a, b Decimal) int {
	if c := a.Compare(b); c != 0 {
		return c
	}
	return strings.Compare(string(a), string(b))
}

// refuse adds r unless it is known. Beyond MaxRefusals the earliest is dropped.
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

// Detail returns the value of f; "" if no notification contained it.
func (o *Order) Detail(f Field) string { return o.details[f].value }

// AssetClass returns the order object. If several were reported, it returns that of the notification with
// the highest precedence.
func (o *Order) AssetClass() AssetClass {
	class, _ := ParseAssetClass(o.details[toldAssetClass].value)
	return class
}

// Refusals returns the refused requests, earliest first. The caller must not change the slice.
func (o *Order) Refusals() []Refusal { return o.refusals }

// Reset removes all facts and keeps the ID and the memory.
func (o *Order) Reset() {
	*o = Order{ID: o.ID, facts: o.facts[:0], refusals: o.refusals[:0]}
}

// Clone returns a copy that shares no mutable data.
func (o *Order) Clone() Order {
	c := *o
	c.facts = append([]fact(nil), o.facts...)
	c.refusals = append([]Refusal(nil), o.refusals...)
	return c
}
