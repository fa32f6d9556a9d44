//go:build race

package api_test

// walked are the orders of the long walk: the race detector makes it ten times as slow.
const walked = 10_000
