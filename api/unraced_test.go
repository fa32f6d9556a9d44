//go:build !race

package api_test

// walked are the orders of the long walk.
const walked = 100_000
