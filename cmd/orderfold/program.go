package main

import "io"

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	// exitAmbiguous is an exit code of order only: the text given matches several orders.
	exitAmbiguous = 3
)

// program is one run of the command, with its environment and its outputs.
type program struct {
	environ        []string
	stdout, stderr io.Writer
	// declared is called with the flags of a command. If it is not nil, the command does nothing
	// else.
	declared func(*flagSet)
}
