package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/projector/rebuild"
	"github.com/orderfold/orderfold/projector/views"
)

// comparison is the JSON output of verify and rebuild --dry-run.
type comparison struct {
	Equal       bool                 `json:"equal"`
	Generation  int                  `json:"generation"`
	Sequence    uint64               `json:"sequence"`
	Orders      uint64               `json:"orders"`
	Different   uint64               `json:"different"`
	Differences []client.OrderChange `json:"differences"`
	Others      []string             `json:"others"`
	Seconds     float64              `json:"seconds"`
}

func newComparison(f *views.Findings, taken time.Duration) comparison {
	c := comparison{Equal: f.Equal(), Generation: f.Generation, Sequence: f.Sequence, Orders: f.Orders, Different: f.Different,
		Differences: []client.OrderChange{}, Others: append([]string{}, f.Others...), Seconds: taken.Seconds()}
	for _, d := range f.Details {
		o := client.OrderChange{OrderID: d.OrderID, Missing: d.Missing}
		for _, field := range d.Fields {
			o.Fields = append(o.Fields, client.FieldChange(field))
		}
		c.Differences = append(c.Differences, o)
	}
	return c
}

// verify folds the log of a running or stopped service again, and compares the views with the
// result.
func (p *program) verify(ctx context.Context, args []string) error {
	var s settings
	var asJSON bool
	if _, err := p.flags("verify", "", args, func(f *flagSet) {
		s.registerCommon(f)
		s.quiet(f, "error")
		f.Lookup("log-level").DefValue = "warn"
		s.logLevel = "warn"
		s.registerLog(f, false)
		s.registerViews(f)
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	begin := time.Now()
	found, err := p.examineViews(ctx, &s)
	if err != nil {
		return &diagnosis{exitUsage, fmt.Sprintf("verify: not examined: %v", err)}
	}
	c := newComparison(&found, time.Since(begin))
	if asJSON {
		err = printJSON(p.stdout, c)
	} else {
		p.printComparison(&c)
	}
	if err != nil {
		return &diagnosis{exitUsage, fmt.Sprintf("verify: %v", err)}
	}
	if !c.Equal {
		return &diagnosis{exitFailed, "verify: the views differ from the fold of the log; run orderfold rebuild"}
	}
	return nil
}

func (p *program) examineViews(ctx context.Context, s *settings) (found views.Findings, err error) {
	log, err := p.existingLog(ctx, s, false)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	line := newLine(p.stderr)
	defer line.end()
	return rebuild.Verify(ctx, rebuild.Examination{Log: log, Dir: s.viewsFolder(),
		Report: func(at rebuild.Progress) { line.show(at.Records >= at.Total, progressText(at)) }})
}

func progressText(at rebuild.Progress) string {
	what := "records"
	if at.Phase == rebuild.Comparing {
		what = "orders"
	}
	text := fmt.Sprintf("%s: %d of %d %s", at.Phase, at.Records, at.Total, what)
	if at.PerSecond > 0 {
		text += fmt.Sprintf(", %.0f/s, %s left", at.PerSecond, at.Left.Round(time.Second))
	}
	return text
}

func (p *program) printComparison(c *comparison) {
	if c.Equal {
		fmt.Fprintf(p.stdout, "equal: generation %d at record %d, %d orders compared in %.1f s\n", c.Generation, c.Sequence, c.Orders, c.Seconds)
		return
	}
	fmt.Fprintf(p.stdout, "different: %d of %d orders, and %d other things; generation %d at record %d, %.1f s\n", c.Different, c.Orders,
		len(c.Others), c.Generation, c.Sequence, c.Seconds)
	p.printDifferences(c, "the log gives")
}

func (p *program) printDifferences(c *comparison, log string) {
	for _, d := range c.Differences {
		if d.Missing != "" {
			fmt.Fprintf(p.stdout, "order %q: missing in the %s\n", d.OrderID, d.Missing)
		}
		for _, f := range d.Fields {
			fmt.Fprintf(p.stdout, "order %q: %s: the views have %q, %s %q\n", d.OrderID, f.Field, f.Views, log, f.Log)
		}
	}
	if told := uint64(len(c.Differences)); told < c.Different {
		fmt.Fprintf(p.stdout, "and %d more orders\n", c.Different-told)
	}
	for _, other := range c.Others {
		fmt.Fprintln(p.stdout, other)
	}
}
