//go:build !race

package api_test

const (
	walked    = 100_000 // number of orders in the long walk
	listeners = 1_000   // number of readers of one stream
	stirs     = 7       // number of times that orders change and readers reconnect
	tagSteps  = 60
)
