package views

import (
	"math/bits"

	"github.com/orderfold/orderfold/projector/views/list"
	"github.com/orderfold/orderfold/statemachine"
)

// stored contains the stored columns of an order except its state. The zero value means that the
// order is not stored.
type stored struct {
	n, facet int64
	trade    int64
	breaks   breakSet
	last     uint64
	recent   []byte
	places   places
	sums     list.Sums
}

// breakSet has the bit 1<<code of each open break.
type breakSet int64

func (set breakSet) each(f func(statemachine.Code) error) error {
	for ; set != 0; set &= set - 1 {
		if err := f(statemachine.Code(bits.TrailingZeros64(uint64(set)))); err != nil {
			return err
		}
	}
	return nil
}

// dest returns the destinations of the columns of rowsText.
func (s *stored) dest(id *string) []any {
	p := &s.places
	return []any{id, &s.n, &s.facet, &s.breaks, &s.last, &s.recent, &p.era, &p.external, &p.isin, &p.symbol, &p.depository, &p.wallet,
		&p.cash, &p.orderType, &p.exchange, &p.quantity, &p.created, &s.sums, &s.trade}
}

func (r *row) breakSet() (set breakSet) {
	for _, b := range r.breaks {
		set |= 1 << b.code
	}
	return set
}
