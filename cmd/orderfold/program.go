package main

import "io"

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	// exitAmbiguous is of order alone: what was given names several orders.
	exitAmbiguous = 3
)

// program is one run of the command: where it reads settings and writes to.
type program struct {
	environ        []string
	stdout, stderr io.Writer
	declared       func(*flagSet) // not nil: a command only declares its flags, to this function
}
