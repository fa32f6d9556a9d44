package views

import (
	"database/sql/driver"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// places are an order's places in the lists by value. These are sorted by era, which the last
// notification of an order seldom leaves, and not by sequence, which every notification changes. A
// value is stored as its hash; 0 is none.
type places struct {
	era                                              int64
	external, isin, symbol, depository, wallet, cash int64

	orderType, exchange int64        // this and the following have no index
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
