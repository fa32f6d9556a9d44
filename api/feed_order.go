package api

import (
	"slices"

	"github.com/orderfold/orderfold/statemachine"
)

// AppendEventOrder appends an order as events of the feed show it: like GET /v1/orders/{id},
// without the members that depend on the current day. So the result depends on the order alone.
func AppendEventOrder(b []byte, o *statemachine.Order) []byte {
	order := undatedOrder(o)
	return appendMembers(b, &order, eventMembers)
}

// dated are the members of an order that depend on the day.
var dated = []string{"settlement"}

var eventMembers = slices.DeleteFunc(slices.Clone(orderMembers), func(m member) bool { return slices.Contains(dated, m.name) })
