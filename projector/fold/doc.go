// Package fold applies consecutive records to the orders concerned, as batches of changes to the
// views, and reports when a log cannot be folded.
//
// The live projector and a rebuild both use it, so both make the same views.
package fold
