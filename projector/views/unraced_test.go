//go:build !race

package views

const (
	combinations = 40   // of filters, for each sort
	everySort    = true // each filter is tried with all sorts
)
