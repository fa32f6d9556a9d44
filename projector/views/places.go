package views

import (
	"database/sql/driver"
	"hash/fnv"
	"strings"

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

	orderType, exchange int64   // of these and the following there is no index
	quantity            string  // see statemachine.Decimal.Key
	created             timeKey // empty: not known
}

func placesOf(o *statemachine.Order) places {
	value := func(f statemachine.Field) int64 { return valueKey(o.Detail(f)) }
	folded := func(f statemachine.Field) int64 { return valueKey(foldCase(o.Detail(f))) }
	return places{int64(o.Last.Sequence >> eraShift), value(statemachine.ExternalID), folded(statemachine.ISIN),
		folded(statemachine.Symbol), value(statemachine.DepositoryProduct), value(statemachine.WalletProduct), value(statemachine.CashProduct),
		folded(statemachine.OrderType), folded(statemachine.ExchangeCode),
		statemachine.Decimal(o.Detail(statemachine.Quantity)).Key(), createdKey(o)}
}

// createdKey is the key of the time at which the platform says that the order was created.
func createdKey(o *statemachine.Order) timeKey {
	at, err := statemachine.ParseTime(o.Detail(statemachine.CreatedOn))
	return modifiedKey(at, err == nil)
}

func (p *places) appendTo(args []driver.Value) []driver.Value {
	return append(args, p.era, p.external, p.isin, p.symbol, p.depository, p.wallet, p.cash, p.orderType, p.exchange,
		[]byte(p.quantity), []byte(p.created))
}

// foldCase returns a text as orders are found by it in any letter case.
func foldCase(text string) string { return strings.ToUpper(text) }

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

// zone is what is known of the orders whose last notification is one of a few thousand neighbours: no time of theirs lies
// outside. It is never narrowed.
type zone struct {
	received                 keyRange[int64]
	modified, created, since keyRange[timeKey]
	awaiting, settled        keyRange[int64] // trade dates
}

func (t *tally) widen(r *row) {
	number := int64(r.last >> zoneShift)
	z := t.zones[number]
	if z == nil {
		z = &zone{only(r.received), only(r.modified), only(r.places.created), only(r.since), noTrade, noTrade}
		t.zones[number] = z
	}
	z.received.widen(r.received)
	z.modified.widen(r.modified)
	z.created.widen(r.places.created)
	z.since.widen(r.since)
	switch {
	case r.trade <= tradeUnknown:
	case r.facet.awaits():
		z.awaiting.widen(r.trade)
	default:
		z.settled.widen(r.trade)
	}
}
