//go:build race

package views

// The race detector makes everything ten times slower. .ci/run also runs the test that uses these values without it.
const (
	combinations = 6     // of filters, for each sort
	everySort    = false // each filter is tried with one sort, and not with all
)
