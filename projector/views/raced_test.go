//go:build race

package views

// combinations of filters are fewer under the race detector, which makes them ten times slower.
const combinations = 6
