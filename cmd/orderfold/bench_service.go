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

// benchService measures a service with the options, and prints the figures.
func benchService[O, F any](ctx context.Context, p *program, o O, asJSON bool, how string, measure func(context.Context, O) ([]F, error),
	table func(io.Writer, []F) error) error {
	figures, err := measure(ctx, o)
	if err != nil {
		return err
	}
	return printFigures(p, figures, asJSON, how, func() error { return table(p.stdout, figures) })
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
	return benchService(ctx, p, o, asJSON, fmt.Sprintf("%d rounds of %s, medians", o.Rounds, o.Duration), bench.Serve, bench.PrintServe)
}

// registerRate declares the flags of bench freshness and bench stream.
func registerRate(f *flagSet, o *bench.RateOptions, readers *string) {
	registerPlace(f, &o.Place)
	f.IntVar(&o.Rate, "rate", 1000, "notifications per second")
	f.StringVar(readers, "readers", "1,200", "numbers of reading connections, measured one after the other")
	f.DurationVar(&o.Duration, "duration", 10*time.Second, "duration of one measurement")
}

// completeRate checks these flags.
func completeRate(o *bench.RateOptions, readers string) (err error) {
	if o.Rate < 1 || float64(o.Rate)*o.Duration.Seconds() < 1 {
		return usagef("--rate and --duration must make at least one notification")
	}
	if o.Readers, err = parseCounts("readers", readers); err != nil {
		return err
	}
	return completePlace(&o.Place)
}

func (p *program) benchFreshness(ctx context.Context, args []string) error {
	var o bench.RateOptions
	var readers string
	var asJSON bool
	_, err := p.flags("bench freshness", "", args, func(f *flagSet) {
		registerRate(f, &o, &readers)
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err == nil {
		err = completeRate(&o, readers)
	}
	if err != nil {
		return err
	}
	return benchService(ctx, p, o, asJSON, fmt.Sprintf("%d notifications per second for %s", o.Rate, o.Duration), bench.Freshness, bench.PrintFreshness)
}

func (p *program) benchStream(ctx context.Context, args []string) error {
	var o bench.StreamOptions
	var readers string
	var asJSON bool
	_, err := p.flags("bench stream", "", args, func(f *flagSet) {
		registerRate(f, &o.RateOptions, &readers)
		f.IntVar(&o.Interval, "interval", 0, "milliseconds between two sends to a reader; a page of the dashboard requests 250; 0: changes are sent as they come")
		f.IntVar(&o.Rounds, "rounds", 3, "measurements of each number of readers, in turn; the medians count")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err == nil {
		err = completeRate(&o.RateOptions, readers)
	}
	if err == nil && (o.Rounds < 1 || o.Interval < 0 || o.Interval > 1000) {
		err = usagef("--rounds must be above 0, and --interval from 0 to 1000")
	}
	if err != nil {
		return err
	}
	return benchService(ctx, p, o, asJSON, fmt.Sprintf("%d notifications per second for %s, %d rounds, medians", o.Rate, o.Duration, o.Rounds), bench.Stream, bench.PrintStream)
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
	return benchService(ctx, p, o, asJSON, fmt.Sprintf("%d histories, medians", o.Rounds), bench.History, bench.PrintHistory)
}
