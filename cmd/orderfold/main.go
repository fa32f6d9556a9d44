// Command orderfold keeps the state of every order from a platform's notifications.
//
// It turns flags and environment into values, starts the parts, and stops them in reverse. `orderfold help` lists the
// subcommands; each is a file of this package.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// memoryLimit in bytes is from where on garbage is collected more often. Most of what is in use under load are blocks of the log
// that the server keeps for ten seconds, which cost a collection nothing; left alone, the heap grows to twice of it.
const memoryLimit = 224 << 20

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal finds the default: it kills
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// program is one run of the command: where it reads settings and writes to.
type program struct {
	environ        []string
	stdout, stderr io.Writer
}

type command struct {
	name, summary string
	run           func(p *program, ctx context.Context, args []string) error
}

// commands is filled in by a function because help prints it.
func commands() []command {
	return []command{
		{"serve", "receiver, projector and API in one process, embedded log", (*program).serve},
		{"demo", "serve plus a simulated platform; prints where to look", (*program).demo},
		{"receiver", "only the receiver", (*program).receiver},
		{"projector", "only the projector", (*program).projector},
		{"api", "only the read API", (*program).api},
		{"webhooks", "show, compare and change where the platform posts: list, diff, set, delete", (*program).webhooks},
		{"simulate", "play the platform against a receiver", (*program).simulate},
		{"verify", "fold the log again and compare the views with the result", (*program).verify},
		{"rebuild", "make the views anew beside the live ones; --dry-run, --rollback", (*program).rebuild},
		{"redrive", "decode quarantined records again, after the decoder was mended", (*program).redrive},
		{"tail", "print log records as JSON lines", (*program).tail},
		{"order", "print one order with its history", (*program).order},
		{"doctor", "examine a data folder, of a running service or a stopped one", (*program).doctor},
		{"states", "print the state machine: statuses, ranks, breaks", (*program).states},
		{"bench", "measure here and now", (*program).bench},
		{"version", "print the version", (*program).version},
		{"help", "print this, or the flags of a command", (*program).help},
	}
}

// run is the program: tests call it too.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	p := &program{environ: environ, stdout: stdout, stderr: stderr}
	err := p.dispatch(ctx, args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	fmt.Fprintf(stderr, "orderfold: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
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
		return usagef("which command? orderfold help lists them")
	}
	name := args[0]
	if name == "-h" || name == "-help" || name == "--help" {
		name = "help"
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(p, ctx, args[1:])
		}
	}
	return usagef("%q is not a command; orderfold help lists them", name)
}

func (p *program) help(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] != "help" { // bench ingest is a command of two words
		return p.dispatch(ctx, append(slices.Clone(args), "-help"))
	}
	fmt.Fprint(p.stdout, "orderfold keeps the state of every order from a platform's notifications.\n\nUsage: orderfold COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(p.stdout, "  %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprint(p.stdout, "\norderfold help COMMAND prints its flags, as in orderfold help bench read. Every flag has an environment twin: --receiver-addr is\n"+
		"ORDERFOLD_RECEIVER_ADDR; the flag wins. Data is written to stdout, logs to stderr.\n\n"+
		"Exit codes: 0 done; 1 failed, the reason is on stderr; 2 wrong command, flag or environment.\n"+
		"doctor: 0 well; 1 works, with warnings; 2 something is wrong.\n"+
		"verify: 0 equal; 1 different; 2 not examined.\n"+
		"webhooks diff: 0 equal; 1 different; 2 not compared.\n")
	return nil
}
