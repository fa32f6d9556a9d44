package decode

import (
	"cmp"
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

const (
	// maxExecutions bounds the number of executions that an order contains. All of them are added up.
	maxExecutions = 64
	// maxShown bounds the length of a number of an execution, in bytes, because the row of an order
	// contains all of these numbers.
	maxShown = 40
)

// executions returns the trades in partialExecutions, each once, and the sum of their quantities. The sum is
// unknown if an entry has no valid quantity, or if there is no entry.
func (b *body) executions() (trades []statemachine.Execution, sum statemachine.Decimal) {
	known := len(b.partials) > 0
	indexes := map[string]int{} // in trades, by id
	for i := range b.partials {
		p := &b.partials[i]
		e := statemachine.Execution{ID: p.id, Quantity: b.decimal("partialExecutions.executionQuantity", p.quantity),
			Price: b.decimal("partialExecutions.executionPrice", p.price), Amount: b.decimal("partialExecutions.amount", p.amount)}
		known = known && e.Quantity.Known()
		index, repeated := indexes[e.ID]
		switch {
		case e.ID == "" || !repeated:
			indexes[e.ID] = len(trades)
			trades = append(trades, e)
		case compareExecutions(&trades[index], &e) < 0:
			trades[index] = e
		}
	}
	if !known {
		return trades, ""
	}
	sum = trades[0].Quantity
	for i := range trades[1:] {
		if sum, known = sum.Add(trades[i+1].Quantity); !known {
			b.note("partialExecutions: the sum has too many digits; ignored")
			return trades, ""
		}
	}
	return trades, sum
}

// compareExecutions orders entries of one trade by quantity, and then by the rest, so that their order in the
// body makes no difference.
func compareExecutions(a, b *statemachine.Execution) int {
	return cmp.Or(a.Quantity.Compare(b.Quantity), a.Amount.Compare(b.Amount), a.Price.Compare(b.Price),
		cmp.Compare(a.Quantity, b.Quantity), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Price, b.Price))
}

// shown returns the detail Executions for the trades.
func (b *body) shown(trades []statemachine.Execution) string {
	if len(trades) > maxExecutions {
		b.note("partialExecutions: only the first 64 are shown")
		trades = trades[:maxExecutions]
	}
	for i := range trades {
		e := &trades[i]
		e.Quantity, e.Price, e.Amount = b.short(e.Quantity), b.short(e.Price), b.short(e.Amount)
		if len(e.ID) > maxID {
			e.ID = ""
		}
	}
	return statemachine.FormatExecutions(trades)
}

// short returns d, or "" if d is longer than maxShown.
func (b *body) short(d statemachine.Decimal) statemachine.Decimal {
	if len(d) > maxShown {
		b.note("partialExecutions: a number is too long to be shown")
		return ""
	}
	return d
}

func (b *body) decimal(name, value string) statemachine.Decimal {
	if value == "" {
		return ""
	}
	d, ok := statemachine.ParseDecimal(value)
	if !ok {
		b.note(fmt.Sprintf("%s: %q is not a number; ignored", name, Bounded(value)))
	}
	return d.Plain()
}
