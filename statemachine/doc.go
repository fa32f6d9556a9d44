// Package statemachine defines what an order is: the facts reported about it, and the state those
// facts add up to.
//
// An [Order] is a set of facts. [Order.Apply] adds the fact of one notification; [Order.State]
// derives status, quantities and breaks from the set. Because everything shown about an order is a
// function of the set, repeats and the order of arrival cannot matter.
//
// The package is pure: it has no clock, does no I/O and knows nothing of NATS, HTTP or JSON bodies.
// The projector decodes bodies; the views store orders.
//
// The rules are tables ([Statuses], [Rules]); the documentation, the HTTP API and the command print
// those same tables.
package statemachine
