// Command orderfold derives the state of every order from a platform's notifications.
//
// It turns flags and environment variables into settings, starts the parts, and stops them in
// reverse order. `orderfold help` lists the subcommands; each is a file of this package.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	ctx, stop := untilStopped()
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit)
	}
	os.Exit(run(ctx, os.Args[1:], os.Environ(), newOutput(os.Stdout, stop), newOutput(os.Stderr, stop)))
}

// run is the program. Tests call it too.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	p := &program{environ: environ, stdout: cleaned{stdout, "\n\t"}, stderr: stderr}
	err := p.dispatch(ctx, args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	fmt.Fprintf(stderr, "orderfold: %s\n", printable(strings.ReplaceAll(err.Error(), "\n", "; ")))
	var found *diagnosis
	switch {
	case errors.As(err, &found):
		return found.code
	case errors.As(err, new(*usageError)):
		return exitUsage
	}
	return exitFailed
}

func (p *program) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usagef("no command given; orderfold help lists them")
	}
	switch {
	case isHelp(args[0]):
		return p.help(ctx, args[1:])
	case args[0] == "-version" || args[0] == "--version":
		return p.version(ctx, args[1:])
	}
	var names, family []string
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(words, args[:len(words)]) {
			return c.run(p, ctx, args[len(words):])
		}
		names = append(names, words[0])
		if len(words) > 1 && words[0] == args[0] {
			family = append(family, words[1])
		}
	}
	switch {
	case len(family) == 0:
		return usagef("%s", unknownName("a command", args[0], slices.Compact(names), "orderfold help lists them"))
	case len(args) == 1 || isHelp(args[1]):
		return p.helpFamily(args[0])
	}
	return usagef("%s: %s", args[0], unknownName("a command", args[1], family, ""))
}
