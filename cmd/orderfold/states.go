package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/statemachine"
)

// states prints the tables that the fold uses.
func (p *program) states(_ context.Context, args []string) error {
	var format string
	var asJSON bool
	var settlement settlementSettings
	_, err := p.flags("states", "", args, func(f *flagSet) {
		f.StringVar(&format, "format", "text", "text, json or mermaid")
		f.BoolVar(&asJSON, "json", false, "the same as --format json")
		settlement.register(f)
	})
	if err != nil {
		return err
	}
	if asJSON {
		format = "json"
	}
	schedule, err := settlement.schedule()
	if err != nil {
		return err
	}
	switch format {
	case "text":
		return p.statesText(schedule)
	case "json":
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"statuses": statemachine.Statuses(), "breaks": statemachine.Rules(),
			"cycles": api.NewSettlementCycles(schedule)})
	case "mermaid":
		_, err := fmt.Fprint(p.stdout, statemachine.Mermaid())
		return err
	}
	return usagef("--format: %s", unknownName("a format", format, []string{"text", "json", "mermaid"}, ""))
}

func (p *program) statesText(schedule *statemachine.Schedule) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RANK\tSTATUS\tOPEN\tFINAL\tMEANING")
	for _, s := range statemachine.Statuses() {
		fmt.Fprintf(w, "%d\t%s\t%t\t%s\t%s\n", s.Rank, s.Status, s.Open, s.Final, s.Meaning)
	}
	fmt.Fprintln(w, "\nBREAK\tSEVERITY\tCONDITION")
	for _, r := range statemachine.Rules() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Code, r.Severity, r.Condition)
	}
	fmt.Fprintln(w, "\nSETTLEMENT\tCYCLE\tTRADE DATE")
	for _, c := range schedule.Cycles() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Class, c.Name(), cycleText(&c))
	}
	return w.Flush()
}
