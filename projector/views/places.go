package views

import (
	"database/sql/driver"
	"hash/fnv"
	"math"
	"time"

	"github.com/orderfold/orderfold/statemachine"
)

// eraShift is the binary logarithm of the sequences in an era, see DESIGN.md.
const eraShift = 15

// zoneShift is that of the sequences in a zone.
const zoneShift = 12

// places is where an order stands in the lists by value: by era, which its last notification seldom leaves, and not by sequence,
// which each one changes. A value is its hash; 0 is none.
type places struct {
	era                                              int64
	external, isin, symbol, depository, wallet, cash int64
}

func placesOf(o *statemachine.Order) places {
	value := func(f statemachine.Field) int64 { return valueKey(o.Detail(f)) }
	return places{int64(o.Last.Sequence >> eraShift), value(statemachine.ExternalID), value(statemachine.ISIN),
		value(statemachine.Symbol), value(statemachine.DepositoryProduct), value(statemachine.WalletProduct), value(statemachine.CashProduct)}
}

func (p *places) appendTo(args []driver.Value) []driver.Value {
	return append(args, p.era, p.external, p.isin, p.symbol, p.depository, p.wallet, p.cash)
}

// valueKey stands for a text in an index. Two texts may have the same one: whoever finds an order by it looks at the order.
func valueKey(text string) int64 {
	if text == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	if key := int64(h.Sum64()); key != 0 {
		return key
	}
	return 1
}

// modifiedUnknown comes before every time that is known.
const modifiedUnknown = math.MinInt64

func modifiedKey(t time.Time) int64 {
	if t.IsZero() {
		return modifiedUnknown
	}
	return timeKey(t)
}

// keyRange is a range of times as they are stored, both ends included.
type keyRange struct{ first, last int64 }

func (p Period) given() bool { return !p.Since.IsZero() || !p.Until.IsZero() }

func (p Period) keys() keyRange {
	r := keyRange{modifiedUnknown, math.MaxInt64}
	if !p.Since.IsZero() {
		r.first = timeKey(p.Since)
	} else if p.given() {
		r.first = modifiedUnknown + 1
	}
	if !p.Until.IsZero() {
		r.last = timeKey(p.Until)
	}
	return r
}

func (r *keyRange) widen(key int64) { r.first, r.last = min(r.first, key), max(r.last, key) }

func (r keyRange) includes(key int64) bool { return r.first <= key && key <= r.last }

// zone is what is known of the orders whose last notification is one of a few thousand neighbours: no time of theirs lies
// outside. It is never narrowed.
type zone struct{ received, modified keyRange }

func (t *tally) widen(last uint64, received, modified int64) {
	number := int64(last >> zoneShift)
	z := t.zones[number]
	if z == nil {
		z = &zone{keyRange{received, received}, keyRange{modified, modified}}
		t.zones[number] = z
	}
	z.received.widen(received)
	z.modified.widen(modified)
}
