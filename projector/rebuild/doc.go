// Package rebuild folds the log again alongside the live views: rebuild, verify, compare, promote.
//
// It never changes the live generation of the views. It makes a draft beside it and compares the
// two, or makes the draft the live generation.
//
// DESIGN.md gives the reasons for its design.
package rebuild
