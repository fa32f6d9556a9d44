//go:build race

package views

// The race detector makes everything ten times slower. .ci/run runs the test that uses these also without it.
const (
	combinations = 6     // of filters, for each sort
	everySort    = false // each filter is tried with one sort, and not with all
)
