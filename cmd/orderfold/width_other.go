//go:build !unix

package main

import "os"

// columnsOf returns 0: how wide the terminal is is not known.
func columnsOf(*os.File) int { return 0 }
