// Package projector keeps the views equal to the fold of the log, at a known position.
//
// It reads records, decodes their bodies into what they say of an order, applies that to the orders concerned, and writes
// the changed orders and the position in one transaction. It is the only package that decodes bodies. It does not serve
// readers and never writes to the log.
package projector
