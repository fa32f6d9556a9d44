// Package projector keeps the views equal to the fold of the log at a known position.
//
// It reads records, has package decode read their bodies, applies the notifications to the orders
// concerned, and writes the changed orders and the position in one transaction. It does not serve
// readers and never writes to the log.
package projector
