package views

import (
	"database/sql/driver"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// places is where an order stands in the lists by value: by era, which its last notification seldom leaves, and not by sequence,
// which each one changes. A value is its hash; 0 is none.
type places struct {
	era                                              int64
	external, isin, symbol, depository, wallet, cash int64

	orderType, exchange int64        // of these and the following there is no index
	quantity            string       // see statemachine.Decimal.Key
	created             list.TimeKey // empty: not known
}

func placesOf(o *statemachine.Order) places {
	value := func(f statemachine.Field) int64 { return list.ValueKey(o.Detail(f)) }
	folded := func(f statemachine.Field) int64 { return list.ValueKey(list.FoldCase(o.Detail(f))) }
	return places{int64(o.Last.Sequence >> list.EraShift), value(statemachine.ExternalID), folded(statemachine.ISIN),
		folded(statemachine.Symbol), value(statemachine.DepositoryProduct), value(statemachine.WalletProduct), value(statemachine.CashProduct),
		folded(statemachine.OrderType), folded(statemachine.ExchangeCode),
		statemachine.Decimal(o.Detail(statemachine.Quantity)).Key(), list.CreatedKey(o)}
}

func (p *places) appendTo(args []driver.Value) []driver.Value {
	return append(args, p.era, p.external, p.isin, p.symbol, p.depository, p.wallet, p.cash, p.orderType, p.exchange,
		[]byte(p.quantity), []byte(p.created))
}

// zone is what is known of the orders whose last notification is one of a few thousand neighbours: no time of theirs lies
// outside. It is never narrowed.
type zone struct {
	received                 list.KeyRange[int64]
	modified, created, since list.KeyRange[list.TimeKey]
	awaiting, settled        list.KeyRange[int64] // trade dates
}

func (t *tally) widen(r *row) {
	number := int64(r.last >> list.ZoneShift)
	z := t.zones[number]
	if z == nil {
		z = &zone{list.Only(r.received), list.Only(r.modified), list.Only(r.places.created), list.Only(r.since), list.NoTrade, list.NoTrade}
		t.zones[number] = z
	}
	z.received.Widen(r.received)
	z.modified.Widen(r.modified)
	z.created.Widen(r.places.created)
	z.since.Widen(r.since)
	switch {
	case r.trade <= list.TradeUnknown:
	case r.facet.Awaits():
		z.awaiting.Widen(r.trade)
	default:
		z.settled.Widen(r.trade)
	}
}
