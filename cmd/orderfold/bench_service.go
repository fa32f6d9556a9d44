package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/orderfold/orderfold/cmd/orderfold/bench"
)

// registerPlace declares the flags of the benches that start a service.
func registerPlace(f *flagSet, o *bench.Place) {
	f.StringVar(&o.Dir, "dir", os.TempDir(), "`folder` for the data of the services; the benchmark measures its disk")
	f.StringVar(&o.Binary, "binary", "", "`file` of the orderfold binary to measure; empty: this one")
}

// completePlace fails if the program to measure is not known.
func completePlace(o *bench.Place) (err error) {
	if o.Binary == "" {
		if o.Binary, err = os.Executable(); err != nil {
			return fmt.Errorf("bench: the path of this program is unknown: %w; name it with --binary", err)
		}
	}
	return nil
}

// parseCounts reads whole numbers of at least one, separated by commas.
func parseCounts(flag, text string) (counts []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 {
			return nil, usagef("--%s: %q is not a whole number above 0", flag, part)
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// printFigures prints figures as JSON, or as a table under a line that states where and how they
// were measured.
func printFigures[F any](p *program, figures []F, asJSON bool, how string, table func() error) error {
	if asJSON {
		return printJSON(p.stdout, figures)
	}
	fmt.Fprintf(p.stdout, "%s/%s, %d cores, %s; the service in one process, its client in another; %s\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), how)
	return table()
}

func (p *program) benchServe(ctx context.Context, args []string) error {
	var o bench.ServeOptions
	var connections string
	var asJSON bool
	if _, err := p.flags("bench serve", "", args, func(f *flagSet) {
		registerPlace(f, &o.Place)
		f.StringVar(&connections, "connections", "1,16,64,256", "connections to measure with")
		f.DurationVar(&o.Duration, "duration", 5*time.Second, "duration of one measurement")
		f.IntVar(&o.Rounds, "rounds", 3, "measurements of each kind; the median counts")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if o.Rounds < 1 || o.Duration <= 0 {
		return usagef("--rounds and --duration must be above 0")
	}
	var err error
	if o.Connections, err = parseCounts("connections", connections); err != nil {
		return err
	}
	if err := completePlace(&o.Place); err != nil {
		return err
	}
	figures, err := bench.Serve(ctx, o)
	if err != nil {
		return err
	}
	return printFigures(p, figures, asJSON, fmt.Sprintf("%d rounds of %s, medians", o.Rounds, o.Duration),
		func() error { return bench.PrintServe(p.stdout, figures) })
}

// rateFlags reads the flags of bench freshness and bench stream.
func (p *program) rateFlags(name string, args []string) (o bench.RateOptions, asJSON bool, err error) {
	var readers string
	if _, err = p.flags(name, "", args, func(f *flagSet) {
		registerPlace(f, &o.Place)
		f.IntVar(&o.Rate, "rate", 1000, "notifications per second")
		f.StringVar(&readers, "readers", "1,200", "numbers of reading connections, measured one after the other")
		f.DurationVar(&o.Duration, "duration", 10*time.Second, "duration of one measurement")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return o, false, err
	}
	if o.Rate < 1 || float64(o.Rate)*o.Duration.Seconds() < 1 {
		return o, false, usagef("--rate and --duration must make at least one notification")
	}
	if o.Readers, err = parseCounts("readers", readers); err != nil {
		return o, false, err
	}
	return o, asJSON, completePlace(&o.Place)
}

func (p *program) benchFreshness(ctx context.Context, args []string) error {
	return benchAtRate(ctx, p, "bench freshness", args, bench.Freshness, bench.PrintFreshness)
}

func (p *program) benchStream(ctx context.Context, args []string) error {
	return benchAtRate(ctx, p, "bench stream", args, bench.Stream, bench.PrintStream)
}

// benchAtRate measures at a steady rate and prints the results.
func benchAtRate[F any](ctx context.Context, p *program, name string, args []string, measure func(context.Context, bench.RateOptions) ([]F, error),
	table func(io.Writer, []F) error) error {
	o, asJSON, err := p.rateFlags(name, args)
	if err != nil {
		return err
	}
	figures, err := measure(ctx, o)
	if err != nil {
		return err
	}
	return printFigures(p, figures, asJSON, fmt.Sprintf("%d notifications per second for %s", o.Rate, o.Duration),
		func() error { return table(p.stdout, figures) })
}

func (p *program) benchHistory(ctx context.Context, args []string) error {
	var o bench.HistoryOptions
	var notifications string
	var asJSON bool
	if _, err := p.flags("bench history", "", args, func(f *flagSet) {
		registerPlace(f, &o.Place)
		f.StringVar(&notifications, "notifications", "10,1000,10000", "notifications of one order; numbers measured one after the other")
		f.IntVar(&o.Rounds, "rounds", 9, "histories of each; the median counts")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if o.Rounds < 1 {
		return usagef("--rounds must be above 0")
	}
	var err error
	if o.Notifications, err = parseCounts("notifications", notifications); err != nil {
		return err
	}
	if err := completePlace(&o.Place); err != nil {
		return err
	}
	figures, err := bench.History(ctx, o)
	if err != nil {
		return err
	}
	return printFigures(p, figures, asJSON, fmt.Sprintf("%d histories, medians", o.Rounds),
		func() error { return bench.PrintHistory(p.stdout, figures) })
}
