// Package fold applies records that follow each other to the orders concerned, as batches of changes to
// the views, and says when a log cannot be folded.
//
// The live projector and a rebuild fold by it, so that both make the same views.
package fold
