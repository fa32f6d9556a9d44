//go:build !race

package views

const combinations = 40
