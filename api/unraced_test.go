//go:build !race

package api_test

const (
	walked    = 100_000 // orders of the long walk
	listeners = 1_000   // readers of one stream
	stirs     = 7       // times that orders change, and readers come back
	tagSteps  = 60
)
