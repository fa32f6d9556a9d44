// Package decode turns the bytes of a record into facts, or returns the reason why it cannot.
//
// The package is pure: it has no clock and does no I/O. It is the only package that knows the members
// of a body.
//
// DESIGN.md gives the reasons for the design.
package decode
