// Package decode turns the bytes of a record into facts, or returns the reason why it cannot.
//
// It is pure: no clock, no I/O. It is the only package that knows the members of a body.
//
// DESIGN.md says why it is built the way it is.
package decode
