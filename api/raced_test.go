//go:build race

package api_test

// The race detector makes everything ten times slower. .ci/run also runs the tests that use these values without it.
const (
	walked    = 10_000 // number of orders in the long walk
	listeners = 250    // number of readers of one stream
	stirs     = 3      // number of times that orders change and readers reconnect
	tagSteps  = 15
)
