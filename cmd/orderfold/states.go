package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"text/tabwriter"

	"github.com/orderfold/orderfold/statemachine"
)

// states prints the tables that the fold uses.
func (p *program) states(_ context.Context, args []string) error {
	var format string
	var asJSON bool
	_, err := p.flags("states", "", args, func(f *flag.FlagSet) {
		f.StringVar(&format, "format", "text", "text, json or mermaid")
		f.BoolVar(&asJSON, "json", false, "the same as --format json")
	})
	if err != nil {
		return err
	}
	if asJSON {
		format = "json"
	}
	switch format {
	case "text":
		return p.statesText()
	case "json":
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"statuses": statemachine.Statuses(), "breaks": statemachine.Rules()})
	case "mermaid":
		_, err := fmt.Fprint(p.stdout, statemachine.Mermaid())
		return err
	}
	return usagef("--format: %q is none of text, json, mermaid", format)
}

func (p *program) statesText() error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RANK\tSTATUS\tOPEN\tFINAL\tMEANING")
	for _, s := range statemachine.Statuses() {
		fmt.Fprintf(w, "%d\t%s\t%t\t%s\t%s\n", s.Rank, s.Status, s.Open, s.Final, s.Meaning)
	}
	fmt.Fprintln(w, "\nBREAK\tSEVERITY\tCONDITION")
	for _, r := range statemachine.Rules() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Code, r.Severity, r.Condition)
	}
	return w.Flush()
}
