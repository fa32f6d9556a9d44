package projector

import "github.com/orderfold/orderfold/statemachine"

const (
	// maxExecutions of an order are shown; all of them are added up.
	maxExecutions = 64
	// maxShown bounds a number of an execution, in bytes: an order's row holds all of them.
	maxShown = 40
)

// partial is one of partialExecutions, as told.
type partial struct{ id, quantity, price, amount string }

// at returns where a member stands.
func (p *partial) at(m member) *string {
	switch m {
	case partialID:
		return &p.id
	case executionPrice:
		return &p.price
	case executionAmount:
		return &p.amount
	}
	return &p.quantity
}

// executions reads partialExecutions: those to show, and the sum of the quantities; "" when there is none or one cannot be
// read.
func (b *body) executions() (shown []statemachine.Execution, sum statemachine.Decimal) {
	readable := true
	for i := range b.partials {
		p := &b.partials[i]
		quantity := b.decimal("partialExecutions.executionQuantity", p.quantity)
		switch total, ok := sum.Add(quantity); {
		case p.quantity == "":
		case !quantity.Known():
			readable = false
		case !sum.Known():
			sum = quantity
		case ok:
			sum = total
		default:
			b.note("partialExecutions: the sum is too wide; not read")
			readable = false
		}
		if i < maxExecutions {
			e := statemachine.Execution{ID: p.id, Quantity: b.short(quantity), Price: b.short(b.decimal("partialExecutions.executionPrice", p.price)),
				Amount: b.short(b.decimal("partialExecutions.amount", p.amount))}
			if len(e.ID) > maxID {
				e.ID = ""
			}
			shown = append(shown, e)
		}
	}
	if len(b.partials) > maxExecutions {
		b.note("partialExecutions: only the first 64 are shown")
	}
	if !readable {
		sum = ""
	}
	return shown, sum
}

// short leaves a number out that is too long to be shown of each execution.
func (b *body) short(d statemachine.Decimal) statemachine.Decimal {
	if len(d) > maxShown {
		b.note("partialExecutions: a number is too long to be shown")
		return ""
	}
	return d
}
