package list

import (
	"encoding/binary"
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

// Sums are the quantities ordered and executed, in units and in money, of one order or of several.
type Sums struct {
	orderedUnits, orderedAmount, executedUnits, executedAmount statemachine.Fixed
	leftOut                                                    int64
}

// each calls f with each number.
func (s *Sums) each(f func(i int, number *statemachine.Fixed)) {
	for i, number := range []*statemachine.Fixed{&s.orderedUnits, &s.orderedAmount, &s.executedUnits, &s.executedAmount} {
		f(i, number)
	}
}

// SumsOf returns the numbers of one order.
func SumsOf(o *statemachine.Order, state *statemachine.State) (s Sums) {
	told := [...]statemachine.Decimal{statemachine.Decimal(o.Detail(statemachine.Quantity)), statemachine.Decimal(o.Detail(statemachine.Amount)),
		state.Executed, state.Amount}
	s.each(func(i int, number *statemachine.Fixed) {
		f, ok := told[i].Fixed()
		if *number = f; !ok {
			s.leftOut = 1
		}
	})
	return s
}

// Add adds t.
func (s *Sums) Add(t *Sums) {
	s.orderedUnits, s.orderedAmount = s.orderedUnits.Add(t.orderedUnits), s.orderedAmount.Add(t.orderedAmount)
	s.executedUnits, s.executedAmount = s.executedUnits.Add(t.executedUnits), s.executedAmount.Add(t.executedAmount)
	s.leftOut += t.leftOut
}

// Subtract takes t away.
func (s *Sums) Subtract(t *Sums) {
	s.orderedUnits, s.orderedAmount = s.orderedUnits.Sub(t.orderedUnits), s.orderedAmount.Sub(t.orderedAmount)
	s.executedUnits, s.executedAmount = s.executedUnits.Sub(t.executedUnits), s.executedAmount.Sub(t.executedAmount)
	s.leftOut -= t.leftOut
}

// Encoded returns the sums as they are stored.
func (s *Sums) Encoded() (b []byte) {
	b = make([]byte, 0, 48)
	s.each(func(_ int, number *statemachine.Fixed) { b = number.Append(b) })
	return binary.AppendVarint(b, s.leftOut)
}

// String returns the sums in words.
func (s *Sums) String() string {
	t := s.totals(0)
	return fmt.Sprintf("ordered %s and %s, executed %s and %s, left out %d", t.OrderedUnits, t.OrderedAmount, t.ExecutedUnits, t.ExecutedAmount, t.LeftOut)
}

// decode reads encoded sums at the beginning of b, and returns the rest. ok is false when b does
// not begin with encoded sums.
func (s *Sums) decode(b []byte) (rest []byte, ok bool) {
	ok = true
	s.each(func(_ int, number *statemachine.Fixed) {
		if ok {
			*number, b, ok = statemachine.FixedOf(b)
		}
	})
	n := 0
	s.leftOut, n = binary.Varint(b)
	if !ok || n <= 0 {
		return nil, false
	}
	return b[n:], true
}

// Scan reads encoded sums. No bytes mean zero.
func (s *Sums) Scan(stored any) error {
	*s = Sums{}
	b, ok := stored.([]byte)
	if ok && len(b) == 0 {
		return nil
	}
	if ok {
		b, ok = s.decode(b)
	}
	if !ok || len(b) > 0 {
		return fmt.Errorf("sums %x: %w", stored, ErrDamaged)
	}
	return nil
}

func (s *Sums) totals(orders uint64) *Totals {
	return &Totals{orders, uint64(s.leftOut), s.orderedUnits.Decimal(), s.orderedAmount.Decimal(), s.executedUnits.Decimal(), s.executedAmount.Decimal()}
}

// addTogether adds the sums of the given number of orders, encoded one after the other.
func (s *Sums) addTogether(b []byte, orders uint64) error {
	var one Sums
	ok := true
	for ; orders > 0 && ok; orders-- {
		if b, ok = one.decode(b); ok {
			s.Add(&one)
		}
	}
	if !ok || len(b) > 0 {
		return fmt.Errorf("sums of a facet: %w", ErrDamaged)
	}
	return nil
}
