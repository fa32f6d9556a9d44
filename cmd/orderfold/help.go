package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// helpWidth is the width of the narrowest common terminal.
const helpWidth = 80

// help prints the list of commands, or the description and flags of one command.
func (p *program) help(ctx context.Context, args []string) error {
	if p.declared != nil {
		return flag.ErrHelp // help has no flags
	}
	// The name of a command may be two words, such as bench ingest.
	if len(args) > 0 && !isHelp(args[0]) && args[0] != "help" {
		return p.dispatch(ctx, append(slices.Clone(args), "-help"))
	}
	fmt.Fprint(p.stdout, "orderfold derives the state of every order from a platform's notifications.\n\nUsage: orderfold COMMAND [flags]\n")
	for _, g := range commandGroups() {
		fmt.Fprintf(p.stdout, "\n%s\n", g.title)
		p.printCommands(g.commands)
	}
	fmt.Fprint(p.stdout, `
"orderfold help COMMAND" and "orderfold COMMAND --help" print the flags of a
command. Every flag has an environment variable: for --receiver-addr it is
ORDERFOLD_RECEIVER_ADDR. The flag wins. Data goes to stdout, logs to stderr.

A size is a number of bytes or has a unit: 10MB, 1GiB, 1.5 GiB. A duration has
a unit: 500ms, 30s, 1h30m, 7d.

Exit codes
  0 done; 1 failed, with the reason on stderr; 2 wrong command, flag or variable
`)
	for _, c := range commands() {
		if codes := exitCodes[c.name]; codes != "" {
			fmt.Fprintf(p.stdout, "  %s: %s\n", c.name, codes)
		}
	}
	return nil
}

// exitCodes describes the exit codes of the commands that have special ones.
var exitCodes = map[string]string{
	"order":    "0 printed; 1 not found, or failed; 3 several orders match, see stderr",
	"status":   "0 ready; 1 not ready; 2 unknown",
	"doctor":   "0 healthy; 1 works, with warnings; 2 something is wrong",
	"health":   "0 ready; 1 not ready, no answer, or a wrong flag",
	"verify":   "0 equal; 1 different; 2 not examined",
	"webhooks": "diff: 0 equal; 1 different; 2 not compared",
}

// helpFamily prints the commands that begin with the same word.
func (p *program) helpFamily(word string) error {
	var family []command
	for _, c := range commands() {
		if strings.HasPrefix(c.name, word+" ") {
			family = append(family, c)
		}
	}
	fmt.Fprintf(p.stdout, "Usage: orderfold %s COMMAND [flags]\n\n", word)
	p.printCommands(family)
	fmt.Fprintf(p.stdout, "\n\"orderfold help %s\" prints the flags of that command.\n", family[0].name)
	return nil
}

func isHelp(arg string) bool { return slices.Contains([]string{"-h", "-help", "--help"}, arg) }

func (p *program) printCommands(commands []command) {
	width := 13
	for _, c := range commands {
		width = max(width, len(c.name))
	}
	for _, c := range commands {
		text := wrapped(c.summary, helpWidth-width-3)
		fmt.Fprintf(p.stdout, "  %-*s %s\n", width, c.name, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", width+3)))
	}
}

// printFlags prints the description and usage of a command, and its flags in groups, its own flags
// first.
func (p *program) printFlags(f *flagSet, operands string) {
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == f.Name() })
	fmt.Fprintf(p.stdout, "%s\n\nUsage: orderfold %s\n", wrapped(f.Name()+": "+commands()[i].summary, helpWidth),
		strings.Join(strings.Fields(f.Name()+" "+operands+" [flags]"), " "))
	for _, title := range f.titles {
		shown := false
		f.VisitAll(func(flag *flag.Flag) {
			if f.titleOf[flag.Name] != title {
				return
			}
			if !shown {
				fmt.Fprintf(p.stdout, "\n%s\n", orText(title, "Flags"))
				shown = true
			}
			p.printFlag(flag)
		})
	}
	if codes := exitCodes[f.Name()]; codes != "" {
		fmt.Fprintf(p.stdout, "\nExit codes\n  %s\n", codes)
	}
}

func (p *program) printFlag(f *flag.Flag) {
	kind, usage := valueKind(f)
	line := strings.TrimRight("  --"+f.Name+" "+kind, " ")
	if d := f.DefValue; d != "" && d != "false" && d != "0" {
		line += " (default " + d + ")"
	}
	fmt.Fprintf(p.stdout, "%s\n      %s\n", line, strings.ReplaceAll(wrapped(usage, helpWidth-6), "\n", "\n      "))
}

// valueKind returns the word that stands for the value of a flag, and the usage.
func valueKind(f *flag.Flag) (kind, usage string) {
	kind, usage = flag.UnquoteUsage(f)
	switch v := f.Value.(type) {
	case *size:
		kind = "size"
	case *duration:
		kind = "duration"
	case *when:
		kind = "time"
	case *filterFlag:
		if v.Time {
			kind = "time"
		}
	}
	switch kind {
	case "string", "value":
		kind = "text"
	case "int", "uint":
		kind = "n"
	case "float":
		kind = "number"
	}
	if isSwitch(f) {
		kind = ""
	}
	return strings.ToUpper(kind), usage
}

// wrapped breaks the text into lines of at most width characters, unless a word is longer.
func wrapped(text string, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+n > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
