//go:build race

package api_test

// The race detector makes everything ten times slower. .ci/run runs the tests that use these also without it.
const (
	walked    = 10_000 // orders of the long walk
	listeners = 250    // readers of one stream
	stirs     = 3      // times that orders change, and readers come back
	tagSteps  = 15
)
