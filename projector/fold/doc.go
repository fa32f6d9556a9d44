// Package fold applies consecutive records to their orders, as batches of changes to the views, and
// reports when a log cannot be folded.
//
// The live projector and a rebuild both use this package, so that both make the same views.
package fold
